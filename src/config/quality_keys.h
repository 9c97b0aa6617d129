// The keys of [quality] and [reasoning]: how answers are thought over and judged.
//
// Private to config/.
#pragma once

#include <vector>

#include "config/key.h"

namespace sovereign::config {

void add_quality_keys(std::vector<Key>& keys);
void add_reasoning_keys(std::vector<Key>& keys);

}  // namespace sovereign::config
