// Several event loops: connections are spread over them, and each stays on its own. A backend that is asked
// from one of them is asked over that loop's connections, so that a query on its way through needs no other
// thread.
//
// Outlives all that uses it. Destruction waits as EventLoop's does; a loop may post to another until then.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "net/event_loop.h"

namespace sovereign::net {

class EventLoops {
 public:
  // At least one.
  explicit EventLoops(std::size_t count);
  ~EventLoops();
  EventLoops(const EventLoops&) = delete;
  EventLoops& operator=(const EventLoops&) = delete;

  std::size_t size() const { return loops_.size(); }
  EventLoop& at(std::size_t index) { return *loops_[index]; }
  // For what is done in one place.
  EventLoop& first() { return *loops_.front(); }
  // The one that this thread runs; 0, the first, on other threads.
  std::size_t here() const noexcept;

 private:
  std::vector<std::unique_ptr<EventLoop>> loops_;
};

}  // namespace sovereign::net
