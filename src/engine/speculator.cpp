#include "engine/speculator.h"

#include <algorithm>

#include "engine/draft_lengths.h"

namespace sovereign::engine {

namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Speculator::Speculator(std::unique_ptr<Drafter> drafter, const SpeculatorLimits& limits)
    : drafter_(std::move(drafter)), limits_(limits) {}

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
                                     limits_.step_draft_tokens, cost_, seconds(drafter_->token_time()));

  std::vector<Drafter::Wish> wishes;
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::uint32_t length = lengths[i];
    Followed& followed = followed_.at(places[i].id);
    if (length == 0 && chances[i].available > 0 && followed.acceptance.skip(followed.draft_class)) length = 1;
    if (length > 0) wishes.push_back({places[i].id, length});
  }
  std::vector<Draft> drafts;
  if (wishes.empty()) return drafts;

  auto tokens = drafter_->draft(wishes);
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
