#include "runtime/reasoning_course.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "runtime/ending.h"
#include "runtime/prompt.h"

namespace sovereign::runtime {
namespace {

namespace json = boost::json;

std::string messages_of(const SovereignQuery& query, const std::vector<Turn>& turns) {
  json::array messages;
  if (!query.system.empty()) messages.push_back({{"role", "system"}, {"content", query.system}});
  for (const Turn& turn : turns) messages.push_back({{"role", turn.role}, {"content", turn.content}});
  return json::serialize(messages);
}

}  // namespace

ReasoningCourse::ReasoningCourse(QueryRunPtr run, const ReasoningPolicy& policy, Done done)
    : run_(std::move(run)),
      sampling_(thought_sampling(run_->query, policy)),
      reasoner_(compose_question(run_->query), graph_for(run_->query, policy)),
      done_(std::move(done)) {}

void ReasoningCourse::begin() {
  run_->on_cancel([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->stop();
  });
  next_level();
}

void ReasoningCourse::stop() {
  std::vector<std::shared_ptr<SideGeneration>> generations;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    generations = generations_;
  }
  for (const auto& generation : generations) generation->stop();
}

void ReasoningCourse::next_level() {
  std::vector<ThoughtRequest> requests;
  std::optional<Time> deadline;
  std::optional<ReasoningOutcome> outcome;
  std::optional<gateway::Failure> failure;
  {
    const std::lock_guard lock(mutex_);
    if (!stopped_) requests = reasoner_.next(run_->now());
    deadline = reasoner_.deadline();
    if (requests.empty()) {
      outcome = reasoner_.outcome();
      failure = failure_;
      run_->result.usage.add(usage_);
      // The key names the backend that was asked.
      if (by_another_) run_->store = false;
    }
  }
  if (outcome) return std::exchange(done_, nullptr)(std::move(*outcome), std::move(failure));
  if (run_->query.deadline)
    deadline = std::min(deadline.value_or(*run_->query.deadline), *run_->query.deadline);
  begin_thoughts(requests, deadline);
}

void ReasoningCourse::begin_thoughts(const std::vector<ThoughtRequest>& requests,
                                     std::optional<Time> deadline) {
  std::vector<std::shared_ptr<SideGeneration>> generations;
  for (const ThoughtRequest& thought : requests) {
    generations.push_back(std::make_shared<SideGeneration>(
        run_, [self = shared_from_this(), id = thought.id](SideAnswer answer) {
          self->take(id, std::move(answer));
        }));
  }
  bool stopped = false;
  {
    const std::lock_guard lock(mutex_);
    generations_ = generations;
    stopped = stopped_;
  }
  const auto backend = run_->backend.lock();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const ThoughtRequest& thought = requests[i];
    if (backend == nullptr || stopped) {
      SideAnswer none;
      none.error = gateway::Failure(ErrorCode::unavailable, "The model is no longer served.");
      take(thought.id, std::move(none));
      continue;
    }
    gateway::GenerateRequest request;
    request.input.messages_json = messages_of(run_->query, thought.turns);
    request.max_tokens = thought.max_tokens;
    request.ignore_eos = run_->query.ignore_eos;
    request.sampling = sampling_;
    request.sampling.seed = thought.seed;
    request.deadline = deadline;
    generations[i]->begin(backend, std::move(request));
  }
}

void ReasoningCourse::take(ThoughtId id, SideAnswer answer) {
  bool complete = false;
  {
    const std::lock_guard lock(mutex_);
    usage_.add(answer.summary);
    by_another_ |= !answer.by.empty() && answer.by != run_->identity.digest;
    usage_.reasoning_tokens += answer.tokens;
    ThoughtResult thought;
    thought.id = id;
    thought.text = std::move(answer.text);
    thought.logprobs = std::move(answer.log_likelihoods);
    thought.tokens = answer.tokens;
    thought.ending = ending_of(answer.finish);
    if (answer.error) {
      thought.error = answer.error->message;
      // A prompt that is too long is the client's to shorten, whatever else went wrong.
      const bool too_long = answer.error->reason == gateway::kContextLengthExceeded;
      if (!failure_ || too_long) failure_ = std::move(answer.error);
    }
    reasoner_.on_result(std::move(thought));
    complete = reasoner_.level_complete();
    if (complete) generations_.clear();
  }
  if (complete) next_level();
}

std::string messages_after(const SovereignQuery& query, const ThoughtPrompts& prompts,
                           std::string_view thought) {
  return messages_of(query, answer_turns(prompts, compose_question(query), thought));
}

}  // namespace sovereign::runtime
