#include "runtime/note_codec.h"

#include <limits>
#include <utility>

namespace sovereign::runtime {
namespace {

void write_ids(ByteWriter& out, const std::vector<ThoughtId>& ids) {
  out.number(static_cast<std::uint32_t>(ids.size()));
  for (const ThoughtId id : ids) out.number(id);
}

// Below `end`, all of them.
bool read_ids(ByteReader& in, ThoughtId end, std::vector<ThoughtId>& ids) {
  const auto count = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && !in.bad(); ++i) {
    ids.push_back(in.number<ThoughtId>());
    if (ids.back() >= end) return false;
  }
  return !in.bad();
}

void write_thought(ByteWriter& out, const Thought& thought) {
  out.number(static_cast<std::uint8_t>(thought.kind));
  out.number(static_cast<std::uint8_t>(thought.status));
  write_ids(out, thought.parents);
  out.text(thought.text);
  out.text(thought.conclusion);
  out.number(thought.tokens);
  out.number(thought.cluster);
  out.real_or_none(thought.scores.likelihood);
  out.real_or_none(thought.scores.agreement);
  out.real_or_none(thought.scores.variety);
  out.real_or_none(thought.scores.total);
  out.text(thought.error);
}

bool read_thought(ByteReader& in, ThoughtGraph& graph) {
  const auto kind = in.number<std::uint8_t>();
  const auto status = in.number<std::uint8_t>();
  std::vector<ThoughtId> parents;
  if (kind > static_cast<std::uint8_t>(ThoughtKind::merge)) return false;
  if (status > static_cast<std::uint8_t>(ThoughtStatus::failed)) return false;
  if (!read_ids(in, static_cast<ThoughtId>(graph.size()), parents)) return false;
  if (kind == static_cast<std::uint8_t>(ThoughtKind::question) || parents.empty()) return false;
  Thought& thought = graph.at(graph.add(static_cast<ThoughtKind>(kind), std::move(parents)));
  thought.status = static_cast<ThoughtStatus>(status);
  thought.text = in.text();
  thought.conclusion = in.text();
  thought.tokens = in.number<std::uint32_t>();
  thought.cluster = in.number<std::uint32_t>();
  thought.scores.likelihood = in.real_or_none();
  thought.scores.agreement = in.real_or_none();
  thought.scores.variety = in.real_or_none();
  thought.scores.total = in.real_or_none();
  thought.error = in.text();
  return !in.bad();
}

}  // namespace

void write_quality(ByteWriter& out, const Quality& quality) {
  const omega::Assessment& assessment = quality.assessment;
  out.number(quality.retries);
  for (std::size_t s = 0; s < omega::kSignals; ++s) {
    const auto& reading = assessment.readings[static_cast<omega::Signal>(s)];
    out.number(static_cast<std::uint8_t>(reading.has_value()));
    out.number(reading ? reading->raw : 0.0);
    out.number(reading ? reading->score : 0.0);
  }
  for (const double value : assessment.vector.values()) out.number(value);
  out.number(assessment.state.belief);
  out.number(assessment.state.entropy);
  out.number(assessment.state.potential);
  out.number(assessment.state.coverage);
  out.real_or_none(assessment.score);
  out.number(static_cast<std::uint32_t>(quality.shortfalls.size()));
  for (const auto& shortfall : quality.shortfalls) {
    out.text(shortfall.name);
    out.real_or_none(shortfall.value);
    out.number(shortfall.minimum);
  }
  out.number(static_cast<std::uint32_t>(assessment.findings.size()));
  for (const auto& finding : assessment.findings) {
    out.text(to_string(finding.kind));
    out.number(std::uint64_t{finding.offset});
    out.number(std::uint64_t{finding.length});
  }
  out.text_or_none(quality.judge_reason);
}

std::shared_ptr<const Quality> read_quality(ByteReader& in) {
  auto quality = std::make_shared<Quality>();
  omega::Assessment& assessment = quality->assessment;
  quality->retries = in.number<std::uint32_t>();
  for (std::size_t s = 0; s < omega::kSignals; ++s) {
    const bool present = in.number<std::uint8_t>() != 0;
    const auto raw = in.number<double>();
    const auto score = in.number<double>();
    if (present) assessment.readings[static_cast<omega::Signal>(s)] = {raw, score};
  }
  for (std::size_t d = 0; d < omega::kDimensions; ++d) {
    const auto value = in.number<double>();
    if (omega::is_measured(value)) assessment.vector.set(static_cast<omega::Dimension>(d), value);
  }
  assessment.state.belief = in.number<double>();
  assessment.state.entropy = in.number<double>();
  assessment.state.potential = in.number<double>();
  assessment.state.coverage = in.number<double>();
  assessment.score = in.real_or_none();
  const auto shortfalls = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < shortfalls && !in.bad(); ++i) {
    omega::Shortfall& shortfall = quality->shortfalls.emplace_back();
    shortfall.name = in.text();
    shortfall.value = in.real_or_none();
    shortfall.minimum = in.number<double>();
  }
  const auto findings = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < findings && !in.bad(); ++i) {
    const auto kind = finding_kind_from(in.text());
    const auto offset = in.number<std::uint64_t>();
    const auto length = in.number<std::uint64_t>();
    if (!kind) return nullptr;
    assessment.findings.push_back({*kind, offset, length});
  }
  quality->judge_reason = in.text_or_none();
  return in.bad() ? nullptr : quality;
}

void write_reasoning(ByteWriter& out, const ReasoningOutcome& outcome) {
  out.number(static_cast<std::uint8_t>(outcome.stop));
  out.number(outcome.levels);
  out.number(outcome.tokens);
  out.text(outcome.answer);
  out.text(outcome.conclusion);
  write_ids(out, outcome.best_path);
  const auto& thoughts = outcome.graph.thoughts();
  out.number(static_cast<std::uint32_t>(thoughts.size() - 1));  // the question is no thought of its own
  for (std::size_t i = 1; i < thoughts.size(); ++i) write_thought(out, thoughts[i]);
}

std::shared_ptr<const ReasoningOutcome> read_reasoning(ByteReader& in) {
  auto outcome = std::make_shared<ReasoningOutcome>();
  const auto stop = in.number<std::uint8_t>();
  if (stop > static_cast<std::uint8_t>(StopReason::failure)) return nullptr;
  outcome->stop = static_cast<StopReason>(stop);
  outcome->levels = in.number<std::uint32_t>();
  outcome->tokens = in.number<std::uint32_t>();
  outcome->answer = in.text();
  outcome->conclusion = in.text();
  std::vector<ThoughtId> path;
  if (!read_ids(in, std::numeric_limits<ThoughtId>::max(), path)) return nullptr;
  const auto thoughts = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < thoughts && !in.bad(); ++i) {
    if (!read_thought(in, outcome->graph)) return nullptr;
  }
  for (const ThoughtId id : path) {
    if (id >= outcome->graph.size()) return nullptr;
  }
  outcome->best_path = std::move(path);
  return in.bad() ? nullptr : outcome;
}

}  // namespace sovereign::runtime
