#include "net/event_loops.h"

#include <algorithm>

namespace sovereign::net {

EventLoops::EventLoops(std::size_t count) {
  loops_.resize(std::max<std::size_t>(count, 1));
  for (auto& loop : loops_) loop = std::make_unique<EventLoop>();
}

EventLoops::~EventLoops() {
  for (auto& loop : loops_) loop->finish();
}

std::size_t EventLoops::here() const noexcept {
  const auto found = std::find_if(loops_.begin(), loops_.end(),
                                  [](const auto& loop) { return loop.get() == EventLoop::current(); });
  return found == loops_.end() ? 0 : static_cast<std::size_t>(found - loops_.begin());
}

}  // namespace sovereign::net
