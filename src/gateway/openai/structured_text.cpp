#include "gateway/openai/structured_text.h"

#include <charconv>

namespace sovereign::gateway {
namespace {

constexpr std::uint32_t kMaxCalls = 1024;  // of one message

void append_piece(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

// Takes a number and the character after it off the front.
bool take_number(std::string_view& text, char end, std::size_t& number) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || rest == text.data() + text.size() || *rest != end) return false;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
  return true;
}

class StructuredText final : public AnswerSyntax {
 public:
  engine::ChatMessage read(std::string_view text, bool) const override {
    engine::ChatMessage message;
    while (!text.empty()) {
      const char kind = text.front();
      text.remove_prefix(1);
      std::string* target = kind == 'r' ? &message.reasoning_content : &message.content;
      if (kind == 't') {
        std::size_t index = 0;
        if (!take_number(text, ',', index) || index >= kMaxCalls || text.empty()) return message;
        if (index >= message.tool_calls.size()) message.tool_calls.resize(index + 1);
        auto& call = message.tool_calls[index];
        const auto part = static_cast<CallPart>(text.front());
        text.remove_prefix(1);
        target = part == CallPart::id ? &call.id : part == CallPart::name ? &call.name : &call.arguments;
      }
      std::size_t length = 0;
      if (!take_number(text, ':', length) || length > text.size()) return message;
      target->append(text.substr(0, length));
      text.remove_prefix(length);
    }
    return message;
  }
};

}  // namespace

void append_content(std::string& out, std::string_view text) {
  out += 'c';
  append_piece(out, text);
}

void append_reasoning(std::string& out, std::string_view text) {
  out += 'r';
  append_piece(out, text);
}

void append_call(std::string& out, std::uint32_t call, CallPart part, std::string_view text) {
  out += 't';
  out += std::to_string(call);
  out += ',';
  out += static_cast<char>(part);
  append_piece(out, text);
}

std::shared_ptr<const AnswerSyntax> structured_text() {
  static const std::shared_ptr<const AnswerSyntax> kSyntax = std::make_shared<StructuredText>();
  return kSyntax;
}

}  // namespace sovereign::gateway
