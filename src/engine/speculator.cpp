#include "engine/speculator.h"

#include <algorithm>

#include "engine/draft_lengths.h"

namespace sovereign::engine {

namespace {

constexpr double kTimeMemory = 0.9;  // weight of what was known of the drafter's time against the latest

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Speculator::Speculator(std::unique_ptr<Drafter> drafter, const SpeculatorLimits& limits, const Clock& clock)
    : drafter_(std::move(drafter)), limits_(limits), clock_(clock) {}

void Speculator::begin(SequenceId id, std::span<const Token> prompt) {
  if (followed_.try_emplace(id).second) drafter_->begin(id, prompt);
}

void Speculator::end(SequenceId id) {
  followed_.erase(id);
  drafter_->end(id);
}

std::vector<Speculator::Draft> Speculator::propose(std::span<const Place> places) {
  std::vector<DraftChance> chances;
  chances.reserve(places.size());
  for (const Place& place : places) {
    Followed& followed = followed_.at(place.id);
    // The step gives a token without any draft, so the last one is never drafted.
    const std::uint32_t most = std::min(limits_.max_draft_tokens, place.tokens_left - 1);
    const Drafter::Prospect prospect = most > 0 ? drafter_->look(place.id, most) : Drafter::Prospect{};
    followed.draft_class = prospect.draft_class;
    chances.push_back({followed.acceptance.chance(prospect.draft_class, experience_), prospect.available});
  }
  const auto lengths = draft_lengths(chances, static_cast<std::uint32_t>(places.size()),
                                     limits_.step_draft_tokens, cost_, token_time_);

  std::vector<Drafter::Wish> wishes;
  std::uint32_t longest = 0;
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::uint32_t length = lengths[i];
    Followed& followed = followed_.at(places[i].id);
    if (length == 0 && chances[i].available > 0 && followed.acceptance.skip(followed.draft_class)) length = 1;
    if (length > 0) wishes.push_back({places[i].id, length});
    longest = std::max(longest, length);
  }
  std::vector<Draft> drafts;
  if (wishes.empty()) return drafts;

  const Time began = clock_.now();
  auto tokens = drafter_->draft(wishes);
  const double took = seconds(clock_.now() - began) / longest;
  token_time_ = token_time_ == 0 ? took : kTimeMemory * token_time_ + (1 - kTimeMemory) * took;
  for (std::size_t i = 0; i < wishes.size(); ++i) {
    if (!tokens[i].empty()) drafts.push_back({wishes[i].id, std::move(tokens[i])});
  }
  return drafts;
}

void Speculator::on_verified(SequenceId id, std::uint32_t drafted, std::uint32_t accepted) {
  const auto found = followed_.find(id);
  if (found == followed_.end()) return;
  Followed& followed = found->second;
  followed.acceptance.observe(followed.draft_class, drafted, accepted);
  experience_.observe(followed.draft_class, drafted, accepted);
}

void Speculator::on_step(std::uint32_t rows, Duration time) { cost_.observe(rows, seconds(time)); }

}  // namespace sovereign::engine
