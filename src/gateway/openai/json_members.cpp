#include "gateway/openai/json_members.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace sovereign::gateway {
namespace {

namespace json = boost::json;

constexpr std::array<bool, 256> kMarks = [] {
  std::array<bool, 256> marks{};
  for (const char c : std::string_view("\"{}[]")) marks[static_cast<unsigned char>(c)] = true;
  return marks;
}();

// Each step says whether the text goes on as it should.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t position() const { return position_; }
  std::string_view since(std::size_t begin) const { return text_.substr(begin, position_ - begin); }
  bool at_end() const { return position_ == text_.size(); }

  void skip_space() { position_ = std::min(text_.find_first_not_of(" \t\r\n", position_), text_.size()); }
  bool take(char c) {
    if (at_end() || text_[position_] != c) return false;
    ++position_;
    return true;
  }
  bool take_string() {
    if (!take('"')) return false;
    while (true) {
      position_ = text_.find_first_of("\"\\", position_);
      if (position_ == std::string_view::npos) return fail();
      if (text_[position_] == '"') {
        ++position_;
        return true;
      }
      position_ += 2;  // whatever was escaped
      if (position_ > text_.size()) return fail();
    }
  }
  bool take_value() {
    if (at_end()) return false;
    const char first = text_[position_];
    if (first == '"') return take_string();
    if (first == '{' || first == '[') return take_nested();
    const auto begin = position_;
    position_ = std::min(text_.find_first_of(",}] \t\r\n", position_), text_.size());
    return position_ > begin;
  }

 private:
  bool fail() {
    position_ = text_.size();
    return false;
  }
  bool take_nested() {
    std::size_t depth = 0;
    do {
      while (!at_end() && !kMarks[static_cast<unsigned char>(text_[position_])]) ++position_;
      if (at_end()) return false;
      const char c = text_[position_];
      if (c == '"') {
        if (!take_string()) return false;
        continue;
      }
      depth = c == '{' || c == '[' ? depth + 1 : depth - 1;
      ++position_;
    } while (depth > 0);
    return true;
  }

  std::string_view text_;
  std::size_t position_ = 0;
};

// Names are compared by what they mean, however they are spelt.
std::string unescaped(std::string_view key) {
  if (key.find('\\') == std::string_view::npos) return std::string(key.substr(1, key.size() - 2));
  std::error_code error;
  const json::value name = json::parse(json::string_view(key.data(), key.size()), error);
  return error || !name.is_string() ? std::string(key) : std::string(name.get_string());
}

}  // namespace

std::optional<std::vector<JsonMember>> json_members(std::string_view text) {
  std::vector<JsonMember> members;
  Scanner scanner(text);
  scanner.skip_space();
  if (!scanner.take('{')) return std::nullopt;
  scanner.skip_space();
  for (bool more = !scanner.take('}'); more;) {
    JsonMember member;
    scanner.skip_space();
    auto begin = scanner.position();
    if (!scanner.take_string()) return std::nullopt;
    member.key = scanner.since(begin);
    member.name = unescaped(member.key);
    scanner.skip_space();
    if (!scanner.take(':')) return std::nullopt;
    scanner.skip_space();
    begin = scanner.position();
    if (!scanner.take_value()) return std::nullopt;
    member.value = scanner.since(begin);
    members.push_back(std::move(member));
    scanner.skip_space();
    more = scanner.take(',');
    if (!more && !scanner.take('}')) return std::nullopt;
  }
  scanner.skip_space();
  if (!scanner.at_end()) return std::nullopt;
  return members;
}

const JsonMember* find_member(const std::vector<JsonMember>& members, std::string_view name) {
  const auto found = std::find_if(members.rbegin(), members.rend(),
                                  [&](const JsonMember& member) { return member.name == name; });
  return found == members.rend() || found->value == "null" ? nullptr : &*found;
}

std::string replace_member(std::string_view text, std::string_view name, std::string_view value) {
  std::string out;
  std::size_t copied = 0;
  for (const JsonMember& member : json_members(text).value_or(std::vector<JsonMember>())) {
    if (member.name != name) continue;
    const auto begin = static_cast<std::size_t>(member.value.data() - text.data());
    out += text.substr(copied, begin - copied);
    out += value;
    copied = begin + member.value.size();
  }
  out += text.substr(copied);
  return out;
}

}  // namespace sovereign::gateway
