#include "gateway/openai/dispatcher.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <utility>

#include "gateway/openai/chat_answer.h"
#include "gateway/openai/completion_body.h"
#include "gateway/openai/openai_call.h"
#include "gateway/openai/relay_answer.h"

namespace sovereign::gateway {
namespace {

// Who has little time left spends no more than this part of it on waiting for company.
constexpr int kWaitShare = 10;
// For so long a prompt that was too long keeps those of its length alone: it may have been the length that
// its query allowed the answer, or a server that is another by then.
constexpr std::chrono::minutes kTooLongFor{5};

BatchGateConfig gate_config(const RemoteConfig& config) {
  BatchGateConfig gate;
  gate.window = {config.batch_size, config.batch_wait};
  gate.max_calls = config.max_concurrency;
  return gate;
}

BatchGate::Waiter waiter_of(std::uint64_t id, const RemoteQuery& query, Time now) {
  BatchGate::Waiter waiter;
  waiter.ticket = id;
  if (!query.shared.empty()) waiter.key = query.model + '\n' + query.shared;
  waiter.expires = query.course->deadline();
  if (waiter.expires != Time::max()) {
    waiter.patience = std::max(Duration::zero(), (waiter.expires - now) / kWaitShare);
  }
  return waiter;
}

}  // namespace

Dispatcher::Dispatcher(std::shared_ptr<OpenAiServer> server)
    : server_(std::move(server)), gate_(gate_config(server_->config)) {}

std::uint64_t Dispatcher::ask(RemoteQuery query) {
  std::uint64_t id = 0;
  {
    const std::lock_guard lock(mutex_);
    id = ++last_id_;
    known_.emplace(id, query.course);
  }
  if (!gathers()) {
    begin_alone(id, std::move(query));
    return id;
  }
  boost::asio::post(server_->executor, [self = shared_from_this(), id, asked = std::move(query)]() mutable {
    self->enter(id, std::move(asked));
  });
  return id;
}

void Dispatcher::cancel(std::uint64_t query) {
  std::shared_ptr<AnswerCourse> course;
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find(query);
    if (found == known_.end()) return;
    course = found->second;
  }
  course->stop();
  if (!gathers()) return;  // the call listens
  boost::asio::post(server_->executor, [self = shared_from_this(), query] { self->notice_stop(query); });
}

void Dispatcher::stop_all() {
  std::vector<std::uint64_t> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, course] : known_) all.push_back(id);
  }
  for (const auto id : all) cancel(id);
}

void Dispatcher::enter(std::uint64_t id, RemoteQuery query) {
  const Time now = SteadyClock().now();
  if (now < too_long_until_ && query.prompt.size() >= too_long_bytes_) query.shared.clear();
  const auto waiter = waiter_of(id, query, now);
  waiting_.emplace(id, std::move(query));
  carry_out(gate_.add(waiter, now));
}

void Dispatcher::notice_stop(std::uint64_t id) {
  const Time now = SteadyClock().now();
  if (gate_.withdraw(id)) {
    end_waiting(id, now);
    set_timer();
    return;
  }
  // A call that is its own listens to its stop token.
  const auto shared = sharing_.find(id);
  if (shared != sharing_.end()) shared->second->drop_ended(now);
}

void Dispatcher::carry_out(const BatchGate::Moves& moves) {
  const Time now = SteadyClock().now();
  for (const auto id : moves.expired) {
    waiting_.at(id).course->expire(now);
    end_waiting(id, now);
  }
  for (const auto& tickets : moves.calls) begin_call(tickets);
  set_timer();
}

void Dispatcher::end_waiting(std::uint64_t id, Time now) {
  const auto query = waiting_.extract(id);
  query.mapped().course->finish({}, std::nullopt, now);
  const std::lock_guard lock(mutex_);
  known_.erase(id);
}

void Dispatcher::set_timer() {
  timer_.reset();
  const auto at = gate_.deadline();
  if (!at) return;
  timer_.emplace(server_->executor, *at);
  timer_->async_wait([self = shared_from_this()](const boost::system::error_code& ec) {
    if (!ec) self->carry_out(self->gate_.due(SteadyClock().now()));
  });
}

void Dispatcher::begin_call(const std::vector<std::uint64_t>& tickets) {
  Queries queries;
  queries.reserve(tickets.size());
  for (const auto id : tickets) queries.emplace_back(id, std::move(waiting_.extract(id).mapped()));
  if (!queries.front().second.shared.empty()) return begin_batch(std::move(queries));
  begin_alone(tickets.front(), std::move(queries.front().second));
}

void Dispatcher::begin_alone(std::uint64_t id, RemoteQuery query) {
  OpenAiServer::Question question{std::move(query.model), ApiRoute::chat, std::move(query.chat), true};
  std::unique_ptr<AnswerReader> reader;
  if (query.relay) {
    question.route = query.relay->route;
    question.rest = query.relay->rest;
    question.stream = query.relay->stream;
    reader = std::make_unique<RelayAnswer>(question.route, question.stream);
  } else {
    reader = std::make_unique<ChatAnswer>(query.choices, query.has_tools);
  }
  auto call = std::make_shared<OpenAiCall>(server_->config, query.course, question.route, std::move(reader),
                                           SteadyClock().now());
  server_->ask(std::move(question), std::move(call),
               [self = shared_from_this(), id] { self->end_call({id}); });
}

void Dispatcher::begin_batch(Queries queries) {
  std::vector<std::uint64_t> tickets;
  std::vector<std::shared_ptr<AnswerCourse>> courses;
  std::vector<std::string> prompts;
  std::size_t longest = 0;
  for (auto& [id, query] : queries) {
    tickets.push_back(id);
    courses.push_back(query.course);
    longest = std::max(longest, query.prompt.size());
    prompts.push_back(std::move(query.prompt));
  }
  OpenAiServer::Question question{queries.front().second.model, ApiRoute::completions,
                                  render_prompts(prompts) + queries.front().second.shared, true};
  ++batches_;
  prompts_ += queries.size();
  auto call = std::make_shared<BatchCall>(
      server_->config, std::move(courses),
      [self = shared_from_this(), longest, again = std::move(queries)](
          const std::vector<std::uint32_t>& refused, std::string_view reason) {
        ++self->refused_;
        // One that long does not spoil a second batch.
        if (reason == kContextLengthExceeded) {
          self->too_long_bytes_ = longest;
          self->too_long_until_ = SteadyClock().now() + kTooLongFor;
        }
        for (const auto prompt : refused) {
          auto [id, query] = again[prompt];
          query.shared.clear();
          self->enter(id, std::move(query));
        }
      },
      SteadyClock().now());
  for (const auto id : tickets) sharing_.emplace(id, call);
  server_->ask(std::move(question), std::move(call),
               [self = shared_from_this(), tickets = std::move(tickets)] { self->end_call(tickets); });
}

void Dispatcher::end_call(const std::vector<std::uint64_t>& tickets) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto id : tickets) {
      // One that was refused goes on alone.
      const auto known = known_.find(id);
      if (known != known_.end() && known->second->ended()) known_.erase(known);
    }
  }
  if (!gathers()) return;
  for (const auto id : tickets) sharing_.erase(id);
  carry_out(gate_.ended());
}

}  // namespace sovereign::gateway
