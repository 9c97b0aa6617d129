// What writes thoughts down: an engine, a backend behind the gateway, or a script in a test.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runtime/reasoning/thought.h"

namespace sovereign::runtime {

class ThoughtGenerator {
 public:
  virtual ~ThoughtGenerator() = default;

  // Writes all of them, in parallel where it can, and returns when each has ended: in any order, one
  // result per request. A thought that fails is a result with its `error` set; an error of the call
  // itself (cancelled, unavailable) ends the reasoning. `deadline`: thoughts still being written then end
  // with Ending::interrupted and the text that they have.
  virtual result<std::vector<ThoughtResult>> generate(std::span<const ThoughtRequest> requests,
                                                      std::optional<Time> deadline) = 0;
};

}  // namespace sovereign::runtime
