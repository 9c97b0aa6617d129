#include "runtime/query_run.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "runtime/pipeline.h"

namespace sovereign::runtime {

void LeavePoint::set(std::function<void()> action, const std::function<void()>& before) {
  const std::lock_guard lock(mutex_);
  if (before) before();
  action_ = std::move(action);
  if (left_) action_();
}

void LeavePoint::leave() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(left_, true) || !action_) return;
  action_();
}

QueryRun::QueryRun(std::shared_ptr<const Pipeline> pipeline, SovereignQuery asked,
                   const std::shared_ptr<gateway::Backend>& answers, std::shared_ptr<QueryClient> asker,
                   std::optional<Duration> choosing)
    : query(std::move(asked)),
      backend(answers),
      identity(answers->identity()),
      client(std::move(asker)),
      pipeline_(std::move(pipeline)),
      held_(answers->owns_engine() ? nullptr : answers) {
  result.id = query.id;
  result.variant = policy().variant;
  expect_own_answer();
  result.timings.reserve(pipeline_->stages().size() + 1);
  if (choosing) result.timings.push_back({"tier", *choosing});
}

void QueryRun::expect_own_answer() {
  result.model_used = identity.model;
  result.fingerprint = identity.fingerprint;
  result.model_digest = identity.digest;
  result.tier = identity.tier;
  result.answered_by = nullptr;
}

void QueryRun::leaving_cancels() {
  leave_point_->set([weak = weak_from_this()] {
    if (const auto alive = weak.lock()) alive->cancel();
  });
}

void QueryRun::accept() {
  leaving_cancels();
  client->on_accepted([point = leave_point_] { point->leave(); });
}

void QueryRun::leave_by(std::function<void()> action) {
  leave_point_->set(std::move(action), [this] {
    const std::lock_guard lock(mutex_);
    cancelled_ = false;
  });
}

void QueryRun::work_for(std::shared_ptr<QueryClient> own) {
  client = std::move(own);
  flight = nullptr;
  leaving_cancels();
}

const Clock& QueryRun::clock() const { return pipeline_->clock(); }

const AnswerPolicy& QueryRun::policy() const { return pipeline_->policy(); }

void QueryRun::post(std::function<void()> job) const { pipeline_->post(std::move(job)); }

void QueryRun::enter_stage() {
  if (stage_ == pipeline_->stages().size()) {
    client->on_result(std::make_shared<const SovereignResult>(std::move(result)));
    return;
  }
  stage_began_ = now();
  pipeline_->stages()[stage_]->enter(shared_from_this());
}

void QueryRun::end_stage(std::string_view name) {
  const Time ended = now();
  result.timings.push_back({name, ended - stage_began_});
  const std::lock_guard lock(mutex_);
  stop_ = nullptr;
}

void QueryRun::end_stage() { end_stage(pipeline_->stages()[stage_]->name()); }

void QueryRun::go_on() {
  const auto& stages = pipeline_->stages();
  do {
    ++stage_;
  } while (found_ && stage_ < stages.size() && !stages[stage_]->takes_found_answers());
  enter_stage();
}

void QueryRun::proceed() {
  end_stage();
  go_on();
}

void QueryRun::answer() {
  end_stage();
  found_ = true;
  go_on();
}

void QueryRun::answer_with(SovereignResult shared) {
  shared.id = std::move(result.id);
  shared.timings = std::move(result.timings);
  shared.cached = result.cached;
  shared.cached.status = CacheNote::Status::shared;
  shared.receipt = nullptr;  // that is the other client's
  result = std::move(shared);
  end_stage("wait");
  found_ = true;
  go_on();
}

void QueryRun::repeat(std::string_view stage) {
  end_stage();
  const auto& stages = pipeline_->stages();
  const auto found =
      std::find_if(stages.begin(), stages.end(), [&](const auto& each) { return each->name() == stage; });
  assert(found != stages.end() && found - stages.begin() < static_cast<std::ptrdiff_t>(stage_));
  stage_ = static_cast<std::size_t>(found - stages.begin());
  enter_stage();
}

void QueryRun::enter_again() {
  end_stage("wait");
  enter_stage();
}

void QueryRun::refuse(const gateway::Failure& failure) {
  end_stage();
  client->on_failure(failure);
}

void QueryRun::on_cancel(std::function<void()> stop) {
  {
    const std::lock_guard lock(mutex_);
    if (!cancelled_) {
      stop_ = std::move(stop);
      return;
    }
  }
  stop();
}

void QueryRun::cancel() {
  std::function<void()> stop;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(cancelled_, true)) return;
    stop = std::exchange(stop_, nullptr);
  }
  if (stop) stop();
}

bool QueryRun::cancelled() const {
  const std::lock_guard lock(mutex_);
  return cancelled_;
}

}  // namespace sovereign::runtime
