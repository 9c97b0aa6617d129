// Every setting there is, documented in one place.
//
// The configuration file's reader, the environment, the flags, the example file, the shell completion and
// the man page are all made from this table, so none of them can tell another story.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "config/key.h"

namespace sovereign::config {

// In the order of the example file; keys of a section stand together. Built once, then immutable.
std::span<const Key> all_keys();

// Null when there is no such key.
const Key* find_key(std::string_view name);

struct Section {
  std::string_view name;
  std::string_view help;
};
std::span<const Section> all_sections();

// The key that was probably meant, for messages: "did you mean 'server.port'?"; empty when none is near.
std::string suggestion(std::string_view name);

}  // namespace sovereign::config
