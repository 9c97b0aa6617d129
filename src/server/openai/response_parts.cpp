#include "server/openai/response_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "server/openai/json_text.h"

namespace sovereign::server::openai {
namespace {

double rounded(double value) { return std::round(value * 1000.0) / 1000.0; }

void append_rate(std::string& out, std::string_view name, std::uint64_t tokens, double ms) {
  out += ",\"";
  out += name;
  out += "_n\":";
  append_json_number(out, tokens);
  const auto field = [&](std::string_view suffix, double value) {
    out += ",\"";
    out += name;
    out += suffix;
    out += "\":";
    append_json_number(out, rounded(value));
  };
  const auto count = static_cast<double>(tokens);
  field("_ms", ms);
  field("_per_token_ms", tokens > 0 ? ms / count : 0);
  field("_per_second", ms > 0 ? count / ms * 1000.0 : 0);
}

void append_candidate(std::string& out, const engine::CandidateLogprob& candidate) {
  out += "{\"token\":";
  append_json_string(out, candidate.bytes);
  out += ",\"logprob\":";
  // JSON has no -inf; OpenAI says -9999 for what is off the scale.
  append_json_number(out, std::isfinite(candidate.logprob) ? candidate.logprob : -9999.0F);
  out += ",\"bytes\":[";
  for (std::size_t i = 0; i < candidate.bytes.size(); ++i) {
    if (i > 0) out += ',';
    append_json_number(out, std::uint32_t{static_cast<unsigned char>(candidate.bytes[i])});
  }
  out += ']';
}

}  // namespace

std::string_view finish_reason_name(engine::FinishReason reason, bool has_tool_calls) {
  if (reason == engine::FinishReason::length) return "length";
  if (reason == engine::FinishReason::filtered) return "content_filter";
  return has_tool_calls ? "tool_calls" : "stop";
}

void append_head_beginning(std::string& out, std::string_view id, std::string_view object,
                           std::int64_t created) {
  out += "\"id\":";
  append_json_string(out, id);
  out += ",\"object\":\"";
  out += object;
  out += "\",\"created\":";
  append_json_number(out, created);
}

void append_head_rest(std::string& out, std::string_view model, std::string_view fingerprint) {
  out += ",\"model\":";
  append_json_string(out, model);
  out += ",\"system_fingerprint\":";
  append_json_string(out, fingerprint);
}

void append_head(std::string& out, const ResponseHead& head, std::string_view object) {
  append_head_beginning(out, head.id, object, head.created);
  append_head_rest(out, head.model, head.fingerprint);
}

void append_usage(std::string& out, const Usage& usage) {
  out += "{\"prompt_tokens\":";
  append_json_number(out, usage.prompt_tokens);
  out += ",\"completion_tokens\":";
  append_json_number(out, usage.completion_tokens);
  out += ",\"total_tokens\":";
  append_json_number(out, usage.prompt_tokens + usage.completion_tokens);
  out += ",\"prompt_tokens_details\":{\"cached_tokens\":";
  append_json_number(out, usage.cached_tokens);
  out += '}';
  if (usage.reasoning_tokens > 0) {
    out += ",\"completion_tokens_details\":{\"reasoning_tokens\":";
    append_json_number(out, usage.reasoning_tokens);
    out += '}';
  }
  out += '}';
}

void append_receipt(std::string& out, const pci::ReceiptFile& receipt) {
  out += ",\"receipt\":";
  out += pci::to_json(receipt);
}

void append_timings(std::string& out, const Usage& usage) {
  out += "{\"cache_n\":";
  append_json_number(out, usage.cached_tokens);
  append_rate(out, "prompt", usage.prompt_tokens - std::min(usage.prompt_tokens, usage.cached_tokens),
              usage.prompt_ms);
  append_rate(out, "predicted", usage.completion_tokens, usage.predicted_ms);
  out += '}';
}

void append_chat_logprobs(std::string& out, const std::vector<engine::TokenLogprob>& logprobs) {
  out += "{\"content\":[";
  for (std::size_t i = 0; i < logprobs.size(); ++i) {
    if (i > 0) out += ',';
    append_candidate(out, logprobs[i].chosen);
    out += ",\"top_logprobs\":[";
    for (std::size_t k = 0; k < logprobs[i].top.size(); ++k) {
      if (k > 0) out += ',';
      append_candidate(out, logprobs[i].top[k]);
      out += '}';
    }
    out += "]}";
  }
  out += "],\"refusal\":null}";
}

void append_text_logprobs(std::string& out, const std::vector<engine::TokenLogprob>& logprobs,
                          std::size_t offset) {
  std::string tokens;
  std::string values;
  std::string tops;
  std::string offsets;
  for (const auto& entry : logprobs) {
    if (&entry != &logprobs.front()) {
      for (auto* list : {&tokens, &values, &tops, &offsets}) *list += ',';
    }
    append_json_string(tokens, entry.chosen.bytes);
    append_json_number(values, std::isfinite(entry.chosen.logprob) ? entry.chosen.logprob : -9999.0F);
    append_json_number(offsets, std::uint64_t{offset});
    offset += count_characters(entry.chosen.bytes);
    tops += '{';
    for (const auto& candidate : entry.top) {
      if (&candidate != &entry.top.front()) tops += ',';
      append_json_string(tops, candidate.bytes);
      tops += ':';
      append_json_number(tops, std::isfinite(candidate.logprob) ? candidate.logprob : -9999.0F);
    }
    tops += '}';
  }
  out += "{\"tokens\":[";
  out += tokens;
  out += "],\"token_logprobs\":[";
  out += values;
  out += "],\"top_logprobs\":[";
  out += tops;
  out += "],\"text_offset\":[";
  out += offsets;
  out += "]}";
}

std::size_t count_characters(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;  // all but continuation bytes
  }));
}

std::string make_id(std::string_view prefix) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr std::size_t kRandomCharacters = 24;
  thread_local std::mt19937_64 random = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  // Of each draw eight letters: 62^8 is so much less than 2^64 that none is likelier than another by more
  // than a hundred-thousandth.
  constexpr std::size_t kLettersPerDraw = 8;
  std::string id;
  id.reserve(prefix.size() + kRandomCharacters);
  id += prefix;
  std::uint64_t drawn = 0;
  for (std::size_t i = 0; i < kRandomCharacters; ++i) {
    if (i % kLettersPerDraw == 0) drawn = random();
    id += kAlphabet[drawn % kAlphabet.size()];
    drawn /= kAlphabet.size();
  }
  return id;
}

}  // namespace sovereign::server::openai
