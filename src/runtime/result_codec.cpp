#include "runtime/result_codec.h"

#include "runtime/byte_codec.h"
#include "runtime/note_codec.h"

namespace sovereign::runtime {
namespace {

constexpr std::string_view kMagic("SVA\x01", 4);
enum Tag : std::uint8_t { kChoice = 1, kUsage = 2, kLogprobs = 3, kQuality = 4, kSeed = 5, kReasoning = 6 };

void write_candidate(ByteWriter& out, const engine::CandidateLogprob& candidate) {
  out.number(static_cast<std::int32_t>(candidate.token));
  out.number(candidate.logprob);
  out.text(candidate.bytes);
}

engine::CandidateLogprob read_candidate(ByteReader& in) {
  engine::CandidateLogprob candidate;
  candidate.token = in.number<std::int32_t>();
  candidate.logprob = in.number<float>();
  candidate.bytes = in.text();
  return candidate;
}

void write_choice(ByteWriter& out, const Choice& choice) {
  const auto begun = out.begin(kChoice);
  out.number(static_cast<std::uint8_t>(choice.finish));
  out.text(choice.message.content);
  out.text(choice.message.reasoning_content);
  out.number(static_cast<std::uint32_t>(choice.message.tool_calls.size()));
  for (const auto& call : choice.message.tool_calls) {
    out.text(call.id);
    out.text(call.name);
    out.text(call.arguments);
  }
  out.end(begun);
  if (choice.quality) {
    const auto quality = out.begin(kQuality);
    write_quality(out, *choice.quality);
    out.end(quality);
  }
  if (choice.logprobs.empty()) return;
  const auto logprobs = out.begin(kLogprobs);
  out.number(static_cast<std::uint32_t>(choice.logprobs.size()));
  for (const auto& entry : choice.logprobs) {
    write_candidate(out, entry.chosen);
    out.number(static_cast<std::uint32_t>(entry.top.size()));
    for (const auto& candidate : entry.top) write_candidate(out, candidate);
  }
  out.end(logprobs);
}

bool read_choice(ByteReader& in, Choice& choice) {
  const auto finish = in.number<std::uint8_t>();
  if (finish > static_cast<std::uint8_t>(engine::FinishReason::length)) return false;
  choice.finish = static_cast<engine::FinishReason>(finish);
  choice.message.content = in.text();
  choice.message.reasoning_content = in.text();
  const auto calls = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < calls && !in.bad(); ++i) {
    engine::ChatToolCall call;
    call.id = in.text();
    call.name = in.text();
    call.arguments = in.text();
    choice.message.tool_calls.push_back(std::move(call));
  }
  return true;
}

void read_logprobs(ByteReader& in, Choice& choice) {
  const auto tokens = in.number<std::uint32_t>();
  for (std::uint32_t i = 0; i < tokens && !in.bad(); ++i) {
    engine::TokenLogprob entry;
    entry.chosen = read_candidate(in);
    const auto top = in.number<std::uint32_t>();
    for (std::uint32_t k = 0; k < top && !in.bad(); ++k) entry.top.push_back(read_candidate(in));
    choice.logprobs.push_back(std::move(entry));
  }
}

tl::unexpected<Error> corrupt() {
  return fail(ErrorCode::corrupt, "a cached answer is not in the form that this version writes");
}

}  // namespace

std::string encode_result(const SovereignResult& result) {
  ByteWriter out;
  out.raw(kMagic);
  for (const Choice& choice : result.choices) write_choice(out, choice);
  const auto begun = out.begin(kUsage);
  out.number(result.usage.prompt_tokens);
  out.number(result.usage.completion_tokens);
  out.number(result.usage.cached_tokens);
  out.number(result.usage.prompt_ms);
  out.number(result.usage.predicted_ms);
  out.number(result.usage.reasoning_tokens);
  out.end(begun);
  if (result.seed) {
    const auto seed = out.begin(kSeed);
    out.number(*result.seed);
    out.end(seed);
  }
  if (result.reasoning) {
    const auto reasoning = out.begin(kReasoning);
    write_reasoning(out, *result.reasoning);
    out.end(reasoning);
  }
  return out.take();
}

result<void> decode_result(std::string_view value, SovereignResult& result) {
  if (!value.starts_with(kMagic)) return corrupt();
  ByteReader in(value.substr(kMagic.size()));
  result.choices.clear();
  result.seed.reset();
  result.reasoning = nullptr;
  while (!in.empty()) {
    const auto tag = in.number<std::uint8_t>();
    ByteReader body(in.text());
    if (in.bad()) return corrupt();
    if (tag == kChoice) {
      if (!read_choice(body, result.choices.emplace_back())) return corrupt();
    } else if (tag == kUsage) {
      result.usage.prompt_tokens = body.number<std::uint64_t>();
      result.usage.completion_tokens = body.number<std::uint64_t>();
      result.usage.cached_tokens = body.number<std::uint64_t>();
      result.usage.prompt_ms = body.number<double>();
      result.usage.predicted_ms = body.number<double>();
      result.usage.reasoning_tokens = body.number<std::uint64_t>();
    } else if (tag == kLogprobs) {
      if (result.choices.empty()) return corrupt();
      read_logprobs(body, result.choices.back());
    } else if (tag == kSeed) {
      result.seed = body.number<std::uint32_t>();
    } else if (tag == kQuality) {
      if (result.choices.empty()) return corrupt();
      result.choices.back().quality = read_quality(body);
      if (result.choices.back().quality == nullptr) return corrupt();
    } else if (tag == kReasoning) {
      result.reasoning = read_reasoning(body);
      if (result.reasoning == nullptr) return corrupt();
    }
    if (body.bad()) return corrupt();
  }
  if (result.choices.empty()) return corrupt();
  return {};
}

}  // namespace sovereign::runtime
