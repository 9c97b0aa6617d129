// Where what is no longer served waits until nobody needs it: its answers under way are finished first.
#pragma once

#include <functional>
#include <memory>

#include "net/event_loop.h"
#include "server/openai/served_model.h"

namespace sovereign {

// Thread-safe. Destruction ends what is left.
class Retirement {
 public:
  // `dispose` ends something on a thread that may wait for it; it is called on the loop.
  Retirement(net::EventLoop& loop, std::function<void(server::openai::ServingPtr)> dispose);
  ~Retirement();
  Retirement(const Retirement&) = delete;
  Retirement& operator=(const Retirement&) = delete;

  void add(server::openai::ServingPtr serving);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace sovereign
