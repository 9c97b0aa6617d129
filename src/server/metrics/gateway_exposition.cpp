#include "server/metrics/gateway_exposition.h"

#include <algorithm>
#include <array>

#include "server/openai/json_text.h"

namespace sovereign::server {
namespace {

using gateway::BackendStatus;
using gateway::MemberView;
using State = gateway::CircuitBreaker::State;
using Type = PrometheusText::Type;

constexpr std::array kStatuses = {BackendStatus::cold, BackendStatus::warming, BackendStatus::ready,
                                  BackendStatus::degraded, BackendStatus::offline};
constexpr std::array kStates = {State::closed, State::open, State::half_open};

// Of backends that make batches.
void write_batch_metrics(PrometheusText& text, const std::vector<MemberView>& members) {
  const auto counter = [&](std::string_view name, std::string_view help,
                           std::uint64_t gateway::BatchFigures::*figure) {
    text.begin(name, Type::counter, help);
    for (const MemberView& member : members) {
      if (!member.batches) continue;
      text.sample(static_cast<double>((*member.batches).*figure), {{"backend", member.name}});
    }
  };
  const bool any = std::any_of(members.begin(), members.end(),
                               [](const MemberView& member) { return member.batches.has_value(); });
  if (!any) return;
  counter("sovereign_backend_batches_total", "Calls with a list of prompts.",
          &gateway::BatchFigures::batches);
  counter("sovereign_backend_batched_prompts_total",
          "Prompts of these calls; over their number: a batch's size.", &gateway::BatchFigures::prompts);
  counter("sovereign_backend_batches_refused_total",
          "Batches that the backend refused, whose queries it was asked again one by one.",
          &gateway::BatchFigures::refused);
}

}  // namespace

void write_gateway_metrics(PrometheusText& text, const std::vector<MemberView>& members) {
  text.begin("sovereign_backend_status", Type::gauge, "1 for the status that the backend has.");
  for (const MemberView& member : members) {
    for (const auto status : kStatuses) {
      text.sample(
          member.status == status ? 1 : 0,
          {{"backend", member.name}, {"tier", to_string(member.tier)}, {"status", to_string(status)}});
    }
  }
  text.begin("sovereign_backend_breaker", Type::gauge, "1 for the state that the backend's breaker is in.");
  for (const MemberView& member : members) {
    for (const auto state : kStates) {
      text.sample(member.breaker == state ? 1 : 0, {{"backend", member.name}, {"state", to_string(state)}});
    }
  }
  text.begin("sovereign_backend_breaker_opened_total", Type::counter, "Times that the breaker opened.");
  for (const MemberView& member : members) {
    text.sample(static_cast<double>(member.times_opened), {{"backend", member.name}});
  }
  text.begin("sovereign_backend_calls_total", Type::counter,
             "Calls by how they went; overloaded: the backend had no room.");
  for (const MemberView& member : members) {
    text.sample(static_cast<double>(member.answered), {{"backend", member.name}, {"outcome", "answered"}});
    text.sample(static_cast<double>(member.failed), {{"backend", member.name}, {"outcome", "failed"}});
    text.sample(static_cast<double>(member.overloaded),
                {{"backend", member.name}, {"outcome", "overloaded"}});
  }
  text.begin("sovereign_backend_passed_over_total", Type::counter,
             "Queries that failed here before a token and went on to the next backend.");
  for (const MemberView& member : members) {
    text.sample(static_cast<double>(member.passed_over), {{"backend", member.name}});
  }
  text.begin("sovereign_backend_calls_running", Type::gauge, "Calls under way.");
  for (const MemberView& member : members) {
    text.sample(static_cast<double>(member.running), {{"backend", member.name}});
  }
  text.begin("sovereign_backend_calls_queued", Type::gauge, "Queries that wait for a place.");
  for (const MemberView& member : members) {
    text.sample(static_cast<double>(member.queued), {{"backend", member.name}});
  }
  text.begin("sovereign_backend_first_token_seconds", Type::histogram, "From the call to its first token.");
  for (const MemberView& member : members) {
    text.sample(*member.first_token_seconds, {{"backend", member.name}});
  }
  write_batch_metrics(text, members);
}

std::string backends_json(const std::vector<MemberView>& members) {
  std::string out = "[";
  for (const MemberView& member : members) {
    if (&member != &members.front()) out += ',';
    out += "{\"name\":";
    openai::append_json_string(out, member.name);
    out += ",\"tier\":\"";
    out += to_string(member.tier);
    out += "\",\"status\":\"";
    out += to_string(member.status);
    out += "\"}";
  }
  return out + ']';
}

}  // namespace sovereign::server
