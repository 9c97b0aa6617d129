#include "retirement.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <future>
#include <iterator>
#include <mutex>
#include <utility>
#include <vector>

namespace sovereign {
namespace {

using server::openai::ServingPtr;

constexpr std::chrono::milliseconds kLook{50};

// A handler holds it, a query that others joined goes on without its first handler, or an engine has work.
bool is_needed(const ServingPtr& serving) {
  if (serving.use_count() > 1) return true;
  if (serving->gateway != nullptr && !serving->gateway->idle()) return true;
  const auto has_work = [](const std::shared_ptr<const server::openai::ServedModel>& model) {
    return model != nullptr && model.use_count() == 1 && !model->engine->idle();  // else it is served on
  };
  return std::any_of(serving->models.begin(), serving->models.end(), has_work) || has_work(serving->variant);
}

}  // namespace

struct Retirement::State : std::enable_shared_from_this<State> {
  State(net::EventLoop& loop, std::function<void(ServingPtr)> how)
      : timer(loop.executor()), dispose(std::move(how)) {}

  // On the loop.
  void look() {
    std::vector<ServingPtr> done;
    bool more = false;
    {
      const std::lock_guard lock(mutex);
      if (stopped) return;
      const auto gone = std::stable_partition(waiting.begin(), waiting.end(), is_needed);
      std::move(gone, waiting.end(), std::back_inserter(done));
      waiting.erase(gone, waiting.end());
      more = !waiting.empty();
      looking = more;
    }
    for (auto& serving : done) dispose(std::move(serving));
    if (!more) return;
    timer.expires_after(kLook);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
      if (!ec) self->look();
    });
  }

  boost::asio::steady_timer timer;
  const std::function<void(ServingPtr)> dispose;
  std::mutex mutex;
  std::vector<ServingPtr> waiting;  // guarded by mutex
  bool looking = false;             // guarded by mutex
  bool stopped = false;             // guarded by mutex
};

Retirement::Retirement(net::EventLoop& loop, std::function<void(ServingPtr)> dispose)
    : state_(std::make_shared<State>(loop, std::move(dispose))) {}

Retirement::~Retirement() {
  std::vector<ServingPtr> left;
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopped = true;
    left.swap(state_->waiting);
  }
  // Nothing is disposed of after this.
  std::promise<void> quiet;
  boost::asio::post(state_->timer.get_executor(), [&] {
    state_->timer.cancel();
    quiet.set_value();
  });
  quiet.get_future().wait();
}

void Retirement::add(ServingPtr serving) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->waiting.push_back(std::move(serving));
    if (std::exchange(state_->looking, true)) return;
  }
  boost::asio::post(state_->timer.get_executor(), [state = state_] { state->look(); });
}

}  // namespace sovereign
