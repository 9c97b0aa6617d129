#include "runtime/result_codec.h"

#include <bit>
#include <cstring>

namespace sovereign::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian");

constexpr std::string_view kMagic("SVA\x01", 4);
enum Tag : std::uint8_t { kChoice = 1, kUsage = 2, kLogprobs = 3, kSeed = 5 };

class Writer {
 public:
  template <class T>
  void number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out_.append(bytes, sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<std::uint32_t>(text.size()));
    out_ += text;
  }
  void raw(std::string_view bytes) { out_ += bytes; }
  std::size_t begin(Tag tag) {
    number(static_cast<std::uint8_t>(tag));
    number(std::uint32_t{0});
    return out_.size();
  }
  void end(std::size_t begun) {
    const auto size = static_cast<std::uint32_t>(out_.size() - begun);
    std::memcpy(out_.data() + begun - sizeof size, &size, sizeof size);
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reading past the end gives zeros and sets bad().
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T number() {
    T value{};
    const auto from = take(sizeof value);
    if (from.size() == sizeof value) std::memcpy(&value, from.data(), sizeof value);
    return value;
  }
  std::string_view text() { return take(number<std::uint32_t>()); }
  std::string_view take(std::size_t size) {
    if (size > bytes_.size()) {
      bad_ = true;
      bytes_ = {};
      return {};
    }
    const auto taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  bool empty() const { return bytes_.empty(); }
  bool bad() const { return bad_; }
  std::size_t left() const { return bytes_.size(); }

 private:
  std::string_view bytes_;
  bool bad_ = false;
};

void write_candidate(Writer& out, const engine::CandidateLogprob& candidate) {
  out.number(static_cast<std::int32_t>(candidate.token));
  out.number(candidate.logprob);
  out.text(candidate.bytes);
}

engine::CandidateLogprob read_candidate(Reader& in) {
  engine::CandidateLogprob candidate;
  candidate.token = in.number<std::int32_t>();
  candidate.logprob = in.number<float>();
  candidate.bytes = in.text();
  return candidate;
}

void write_choice(Writer& out, const Choice& choice) {
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

bool read_choice(Reader& in, Choice& choice) {
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

void read_logprobs(Reader& in, Choice& choice) {
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
  Writer out;
  out.raw(kMagic);
  for (const Choice& choice : result.choices) write_choice(out, choice);
  const auto begun = out.begin(kUsage);
  out.number(result.usage.prompt_tokens);
  out.number(result.usage.completion_tokens);
  out.number(result.usage.cached_tokens);
  out.number(result.usage.prompt_ms);
  out.number(result.usage.predicted_ms);
  out.end(begun);
  if (result.seed) {
    const auto seed = out.begin(kSeed);
    out.number(*result.seed);
    out.end(seed);
  }
  return out.take();
}

result<void> decode_result(std::string_view value, SovereignResult& result) {
  if (!value.starts_with(kMagic)) return corrupt();
  Reader in(value.substr(kMagic.size()));
  result.choices.clear();
  result.seed.reset();
  while (!in.empty()) {
    const auto tag = in.number<std::uint8_t>();
    Reader body(in.text());
    if (in.bad()) return corrupt();
    if (tag == kChoice) {
      if (!read_choice(body, result.choices.emplace_back())) return corrupt();
    } else if (tag == kUsage) {
      result.usage.prompt_tokens = body.number<std::uint64_t>();
      result.usage.completion_tokens = body.number<std::uint64_t>();
      result.usage.cached_tokens = body.number<std::uint64_t>();
      result.usage.prompt_ms = body.number<double>();
      result.usage.predicted_ms = body.number<double>();
    } else if (tag == kLogprobs) {
      if (result.choices.empty()) return corrupt();
      read_logprobs(body, result.choices.back());
    } else if (tag == kSeed) {
      result.seed = body.number<std::uint32_t>();
    }
    if (body.bad()) return corrupt();
  }
  if (result.choices.empty()) return corrupt();
  return {};
}

}  // namespace sovereign::runtime
