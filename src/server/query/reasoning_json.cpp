#include "server/query/reasoning_json.h"

#include <cmath>

#include "server/openai/json_text.h"

namespace sovereign::server {
namespace {

using openai::append_json_number;
using openai::append_json_string;
using runtime::Thought;
using runtime::ThoughtId;

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

void append_count(std::string& out, std::string_view name, std::uint32_t count) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_number(out, count);
}

void append_score(std::string& out, std::string_view name, const std::optional<double>& score) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += name;
  out += "\":";
  if (!score) {
    out += "null";
    return;
  }
  append_json_number(out, std::round(*score * 1e4) / 1e4);
}

void append_ids(std::string& out, const std::vector<ThoughtId>& ids) {
  out += '[';
  for (const ThoughtId id : ids) {
    if (out.back() != '[') out += ',';
    append_json_number(out, id);
  }
  out += ']';
}

void append_thought(std::string& out, const Thought& thought) {
  out += "{\"id\":";
  append_json_number(out, thought.id);
  append_text(out, "kind", to_string(thought.kind));
  append_count(out, "depth", thought.depth);
  out += ",\"parents\":";
  append_ids(out, thought.parents);
  append_text(out, "status", to_string(thought.status));
  append_text(out, "text", thought.text);
  if (!thought.conclusion.empty()) append_text(out, "conclusion", thought.conclusion);
  append_count(out, "tokens", thought.tokens);
  append_count(out, "cluster", thought.cluster);
  out += ",\"scores\":{";
  append_score(out, "likelihood", thought.scores.likelihood);
  append_score(out, "agreement", thought.scores.agreement);
  append_score(out, "variety", thought.scores.variety);
  append_score(out, "total", thought.scores.total);
  out += '}';
  if (!thought.error.empty()) append_text(out, "error", thought.error);
  out += '}';
}

}  // namespace

void append_reasoning_json(std::string& out, const runtime::ReasoningOutcome& outcome) {
  const auto& thoughts = outcome.graph.thoughts();
  out += "{\"levels\":";
  append_json_number(out, outcome.levels);
  append_text(out, "stop", to_string(outcome.stop));
  append_count(out, "tokens", outcome.tokens);
  if (!outcome.conclusion.empty()) append_text(out, "conclusion", outcome.conclusion);
  out += ",\"best_path\":";
  append_ids(out, outcome.best_path);
  out += ",\"edges\":[";
  for (const Thought& thought : thoughts) {
    for (const ThoughtId parent : thought.parents) {
      if (out.back() != '[') out += ',';
      append_ids(out, {parent, thought.id});
    }
  }
  out += "],\"thoughts\":[";
  for (std::size_t i = 1; i < thoughts.size(); ++i) {
    if (i > 1) out += ',';
    append_thought(out, thoughts[i]);
  }
  out += "]}";
}

}  // namespace sovereign::server
