#include "server/query/query_response.h"

#include <cmath>

#include "runtime/quality_json.h"
#include "server/openai/json_text.h"
#include "server/openai/response_parts.h"
#include "server/query/reasoning_json.h"

namespace sovereign::server {
namespace {

using openai::append_json_number;
using openai::append_json_string;

// Milliseconds, to the microsecond.
double to_ms(Duration duration) {
  return std::round(std::chrono::duration<double, std::micro>(duration).count()) / 1000.0;
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  append_json_string(out, text);
}

void append_cached(std::string& out, const runtime::CacheNote& note) {
  out += ",\"cached\":";
  out += note.status == runtime::CacheNote::Status::hit ? "true" : "false";
  out += ",\"cache\":{\"status\":\"";
  out += to_string(note.status);
  out += '"';
  if (note.status != runtime::CacheNote::Status::bypass) append_text(out, "key", to_hex(note.key));
  if (note.status == runtime::CacheNote::Status::hit) {
    append_text(out, "level", note.level);
    out += ",\"age_ms\":";
    append_json_number(out, static_cast<std::int64_t>(note.age.count()));
  }
  out += '}';
}

void append_timings(std::string& out, const runtime::SovereignResult& result) {
  Duration total{};
  out += ",\"timings\":{\"stages\":[";
  for (const auto& timing : result.timings) {
    if (&timing != &result.timings.front()) out += ',';
    out += "{\"stage\":";
    append_json_string(out, timing.stage);
    out += ",\"ms\":";
    append_json_number(out, to_ms(timing.spent));
    out += '}';
    total += timing.spent;
  }
  out += "],\"total_ms\":";
  append_json_number(out, to_ms(total));
  out += '}';
}

}  // namespace

std::string result_json(const runtime::SovereignResult& result, std::int64_t created) {
  const runtime::Choice& choice = result.choices.front();
  std::string out = "{\"id\":";
  append_json_string(out, result.id);
  out += ",\"object\":\"sovereign.result\",\"created\":";
  append_json_number(out, created);
  append_text(out, "answer", choice.message.content);
  if (!choice.message.reasoning_content.empty()) {
    append_text(out, "reasoning_content", choice.message.reasoning_content);
  }
  append_text(out, "finish_reason", openai::finish_reason_name(choice.finish, false));
  append_text(out, "model_used", result.model_used);
  append_text(out, "tier", to_string(result.tier));
  append_text(out, "system_fingerprint", result.fingerprint);
  append_text(out, "model_digest", result.model_digest);
  if (!result.variant.empty()) append_text(out, "canary", result.variant);
  append_cached(out, result.cached);
  if (choice.quality) {
    out += ",\"quality\":";
    append_quality_json(out, *choice.quality, runtime::QualityDetail::full);
  }
  if (result.reasoning) {
    out += ",\"reasoning\":";
    append_reasoning_json(out, *result.reasoning);
  }
  out += ",\"usage\":";
  openai::append_usage(out, result.usage);
  append_timings(out, result);
  if (result.receipt) openai::append_receipt(out, *result.receipt);
  out += '}';
  return out;
}

std::string delta_event(std::string_view text) {
  std::string out = "{\"delta\":";
  append_json_string(out, text);
  out += '}';
  return out;
}

std::string result_event(const runtime::SovereignResult& result, std::int64_t created) {
  return "{\"result\":" + result_json(result, created) + '}';
}

}  // namespace sovereign::server
