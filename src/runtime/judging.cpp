#include "runtime/judging.h"

#include <mutex>
#include <string>
#include <utility>

#include "runtime/side_generation.h"

namespace sovereign::runtime {
namespace {

// The judges of one query's answers.
class Panel : public std::enable_shared_from_this<Panel> {
 public:
  Panel(QueryRunPtr run, std::string kept_of, std::size_t answers, std::function<void(Verdicts)> done)
      : run_(std::move(run)),
        kept_of_(std::move(kept_of)),
        verdicts_(answers),
        open_(answers),
        done_(std::move(done)) {}

  void take(std::size_t answer, const SideAnswer& said) {
    std::function<void(Verdicts)> done;
    {
      const std::lock_guard lock(mutex_);
      if (!said.error) {
        if (auto verdict = omega::parse_judge_verdict(said.text)) {
          verdicts_[answer] = std::move(*verdict);
          by_another_ |= kept_of_.empty() || said.by != kept_of_;
        }
      }
      if (--open_ > 0) return;
      // Scores are kept with the answer, under a key that does not say who judged.
      if (by_another_) run_->store = false;
      done = std::exchange(done_, nullptr);
    }
    done(std::move(verdicts_));
  }

 private:
  const QueryRunPtr run_;
  const std::string kept_of_;
  std::mutex mutex_;
  bool by_another_ = false;
  Verdicts verdicts_;
  std::size_t open_;
  std::function<void(Verdicts)> done_;
};

}  // namespace

void judge(const QueryRunPtr& run, const Judge& judge, const AskedTexts& asked,
           const std::vector<std::string>& answers, Time deadline, std::function<void(Verdicts)> done) {
  const auto panel = std::make_shared<Panel>(run, judge.kept_of, answers.size(), std::move(done));
  std::vector<std::shared_ptr<SideGeneration>> judges;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    judges.push_back(
        std::make_shared<SideGeneration>(run, [panel, i](const SideAnswer& said) { panel->take(i, said); }));
  }
  run->on_cancel([judges] {
    for (const auto& one : judges) one->stop();
  });
  const std::vector<std::string_view> context(asked.context.begin(), asked.context.end());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    gateway::GenerateRequest request;
    request.input.messages_json = omega::judge_messages(asked.question, context, answers[i]);
    request.input.json_schema = omega::judge_schema();
    request.max_tokens = omega::kJudgeMaxTokens;
    request.sampling.temperature = 0;
    request.deadline = deadline;
    judges[i]->begin(judge.backend, std::move(request));
  }
}

}  // namespace sovereign::runtime
