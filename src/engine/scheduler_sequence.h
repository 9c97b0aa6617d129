// What the scheduler knows about one sequence. Private to it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/scheduler.h"

namespace sovereign::engine {

struct Scheduler::Sequence {
  SequenceId id = 0;
  Arrival arrival = 0;
  std::vector<Token> tokens;  // prompt, then what was sampled
  std::optional<Time> deadline;
  std::optional<Slot> slot;  // set while running
  bool was_preempted = false;
  bool in_step = false;      // has rows in the plan being made
  std::vector<Token> draft;  // offered for the next plan; after it, what of that is in the step

  // Held back until `leader` has computed `length` tokens in `slot`.
  struct Hold {
    Slot slot;
    SequenceId leader;
    std::uint32_t length;
  };
  std::optional<Hold> hold;

  std::uint32_t known() const { return static_cast<std::uint32_t>(tokens.size()); }
};

}  // namespace sovereign::engine
