#include "crypto/json_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "crypto/es6_number.h"
#include "crypto/json_scan.h"
#include "crypto/utf8.h"

namespace sovereign::crypto {
namespace {

constexpr std::uint64_t kLargestExactInteger = std::uint64_t{1} << 53;
constexpr int kAlwaysExactDigits = 15;  // fewer digits than 2^53 has
constexpr std::size_t kShownKeyBytes = 40;
// Past it an exponent decides alone: a mantissa has fewer digits, since offsets into a text have 32 bits.
constexpr long long kDecidingExponent = 1LL << 40;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whether digits, point and digits are already what ES6 would print for their double. Two decimals of up to
// fifteen significant digits are never one double (IEEE 754: DBL_DIG), so such a literal, without a zero at
// its end, is the shortest of its double; and from 0.000001 up to 1e21 ES6 prints digits and point.
bool is_shortest_decimal(const char* digits, const char* point, const char* end) {
  constexpr std::ptrdiff_t kMostLeadingZeros = 5;
  if (end[-1] == '0') return false;
  if (*digits != '0') return end - digits - 1 <= kAlwaysExactDigits;
  const char* first = point + 1;
  while (*first == '0') ++first;
  return first - point - 1 <= kMostLeadingZeros && end - first <= kAlwaysExactDigits;
}

// Magnitude of a decimal literal that a double cannot hold: true when it is too large, false when it is
// so small that it rounds to zero.
bool overflows(std::string_view literal) {
  if (literal.front() == '-') literal.remove_prefix(1);
  const std::size_t mantissa_end = std::min(literal.find_first_of("eE"), literal.size());
  const std::string_view mantissa = literal.substr(0, mantissa_end);
  const std::size_t point = std::min(mantissa.find('.'), mantissa.size());
  const std::size_t first = mantissa.find_first_of("123456789");
  if (first == std::string_view::npos) return false;
  long long exponent =
      first < point ? static_cast<long long>(point - first) : -static_cast<long long>(first - point);
  if (mantissa_end < literal.size()) {
    std::string_view digits = literal.substr(mantissa_end + 1);
    const bool negative = digits.front() == '-';
    if (digits.front() == '-' || digits.front() == '+') digits.remove_prefix(1);
    long long written = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), written);
    if (error != std::errc() || written > kDecidingExponent) written = kDecidingExponent;
    exponent += negative ? -written : written;
  }
  return exponent > 0;
}

// A key for an error message: quoted, printable ASCII only, cut when long.
std::string printable(std::string_view key) {
  std::string shown = "\"";
  for (const char c : key.substr(0, kShownKeyBytes))
    shown +=
        c >= 0x20 && c < 0x7F ? std::string(1, c) : fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
  return shown + (key.size() > kShownKeyBytes ? "…\"" : "\"");
}

}  // namespace

JsonParser::JsonParser(JsonDocument& document, const JsonLimits& limits)
    : document_(document),
      limits_(limits),
      begin_(document.text_.data()),
      end_(begin_ + document.text_.size()),
      p_(begin_) {}

std::optional<Error> JsonParser::run() {
  const std::size_t ceiling = std::min<std::size_t>(limits_.max_bytes, UINT32_MAX);
  if (document_.text_.size() > ceiling)
    return Error{ErrorCode::invalid_argument,
                 fmt::format("JSON text has {} bytes, the limit is {}", document_.text_.size(), ceiling),
                 {}};
  // Most documents have a value per 16 bytes or more; denser ones grow the array a few times.
  document_.nodes_.reserve(document_.text_.size() / 16 + 4);
  if (document_.text_.starts_with("\xEF\xBB\xBF")) {
    refuse(p_, "byte-order mark: JSON text starts with its first value");
    return error_;
  }
  if (!parse_value()) return error_;
  skip_space();
  if (p_ != end_) refuse(p_, "data after the value: one JSON text holds one value");
  return error_;
}

bool JsonParser::refuse(const char* at, std::string what) {
  const auto line = 1 + std::count(begin_, at, '\n');
  const char* line_start = at;
  while (line_start != begin_ && line_start[-1] != '\n') --line_start;
  error_ =
      Error{ErrorCode::invalid_argument,
            fmt::format("line {}, column {} (byte {}): {}", line, at - line_start + 1, at - begin_, what),
            {}};
  return false;
}

std::string JsonParser::unexpected(std::string_view wanted) const {
  if (p_ == end_) return fmt::format("the text ends where {} is expected", wanted);
  const auto byte = static_cast<unsigned char>(*p_);
  if (byte >= 0x20 && byte < 0x7F) return fmt::format("'{}' where {} is expected", *p_, wanted);
  return fmt::format("byte 0x{:02X} where {} is expected", byte, wanted);
}

inline void JsonParser::skip_space() {
  if (p_ == end_ || static_cast<unsigned char>(*p_) > ' ') return;
  p_ = skip_json_space(p_, end_);
}

inline std::uint32_t JsonParser::add_node(JsonKind kind) {
  const auto index = static_cast<std::uint32_t>(document_.nodes_.size());
  document_.nodes_.push_back({kind, false, index + 1, {{0, 0}}});
  return index;
}

bool JsonParser::parse_value() {
  skip_space();
  if (p_ == end_) return refuse(p_, unexpected("a value"));
  switch (*p_) {
    case '{': return parse_object();
    case '[': return parse_array();
    case '"': return parse_string();
    case 't': return parse_literal("true", JsonKind::boolean, true);
    case 'f': return parse_literal("false", JsonKind::boolean, false);
    case 'n': return parse_literal("null", JsonKind::null, false);
    case 'N':
    case 'I': return refuse(p_, "NaN and infinities are not JSON: send null or a string");
    default: return parse_number();
  }
}

bool JsonParser::parse_literal(std::string_view literal, JsonKind kind, bool value) {
  const std::string_view rest(p_, static_cast<std::size_t>(end_ - p_));
  if (!rest.starts_with(literal)) return refuse(p_, fmt::format("a word that is not {}", literal));
  document_.nodes_[add_node(kind)].boolean = value;
  p_ += literal.size();
  return true;
}

bool JsonParser::enter() {
  const unsigned ceiling = std::min(limits_.max_depth, kJsonDepthCeiling);
  if (depth_ >= ceiling) return refuse(p_, fmt::format("nested deeper than {} levels", ceiling));
  ++depth_;
  ++p_;
  return true;
}

bool JsonParser::parse_array() {
  if (!enter()) return false;
  const std::uint32_t array = add_node(JsonKind::array);
  std::uint32_t count = 0;
  skip_space();
  if (p_ != end_ && *p_ == ']') {
    ++p_;
  } else {
    for (;;) {
      if (!parse_value()) return false;
      ++count;
      skip_space();
      if (p_ == end_ || (*p_ != ',' && *p_ != ']')) return refuse(p_, unexpected("',' or ']'"));
      if (*p_++ == ']') break;
    }
  }
  --depth_;
  JsonDocument::Node& node = document_.nodes_[array];
  node.members = {0, count};
  node.next = static_cast<std::uint32_t>(document_.nodes_.size());
  return true;
}

bool JsonParser::parse_object() {
  if (!enter()) return false;
  const std::uint32_t object = add_node(JsonKind::object);
  const std::size_t first_member = open_members_.size();
  skip_space();
  if (p_ != end_ && *p_ == '}') {
    ++p_;
  } else {
    for (;;) {
      skip_space();
      if (p_ == end_ || *p_ != '"') return refuse(p_, unexpected("a key in double quotes"));
      const auto key = static_cast<std::uint32_t>(document_.nodes_.size());
      const std::uint32_t key_offset = offset_of(p_);
      if (!parse_string()) return false;
      const std::string_view text = key_text(key);
      const bool in_source = document_.nodes_[key].verbatim;
      const std::size_t readable = in_source ? static_cast<std::size_t>(end_ - text.data()) : text.size();
      open_members_.push_back({utf16_prefix(text, readable), key, key_offset});
      skip_space();
      if (p_ == end_ || *p_ != ':') return refuse(p_, unexpected("':'"));
      ++p_;
      if (!parse_value()) return false;
      skip_space();
      if (p_ == end_ || (*p_ != ',' && *p_ != '}')) return refuse(p_, unexpected("',' or '}'"));
      if (*p_++ == '}') break;
    }
  }
  --depth_;
  return close_object(object, first_member);
}

bool JsonParser::less(const Member& a, const Member& b) const {
  if (a.prefix != b.prefix) return a.prefix < b.prefix;
  return compare_utf16(key_text(a.key_node), key_text(b.key_node)) < 0;
}

bool JsonParser::close_object(std::uint32_t object, std::size_t first_member) {
  const auto first = open_members_.begin() + static_cast<std::ptrdiff_t>(first_member);
  const auto by_key = [this](const Member& a, const Member& b) { return less(a, b); };
  const auto out_of_order = [this](const Member& a, const Member& b) { return !less(a, b); };
  if (std::adjacent_find(first, open_members_.end(), out_of_order) != open_members_.end()) {
    std::sort(first, open_members_.end(), by_key);
    const auto twice = std::adjacent_find(first, open_members_.end(), out_of_order);
    if (twice != open_members_.end()) {
      const std::uint32_t second = std::max(twice[0].text_offset, twice[1].text_offset);
      return refuse(begin_ + second, fmt::format("duplicate key {}", printable(key_text(twice->key_node))));
    }
  }
  JsonDocument::Node& node = document_.nodes_[object];
  node.members = {static_cast<std::uint32_t>(document_.order_.size()),
                  static_cast<std::uint32_t>(open_members_.size() - first_member)};
  node.next = static_cast<std::uint32_t>(document_.nodes_.size());
  for (auto member = first; member != open_members_.end(); ++member)
    document_.order_.push_back(member->key_node);
  open_members_.resize(first_member);
  return true;
}

std::string_view JsonParser::key_text(std::uint32_t index) const {
  const JsonDocument::Node& node = document_.nodes_[index];
  const char* base = node.verbatim ? begin_ : document_.decoded_.data();
  return {base + node.span.offset, node.span.size};
}

bool JsonParser::accept_utf8() {
  while (p_ != end_ && static_cast<unsigned char>(*p_) >= 0x80) {
    const std::size_t bytes = utf8_sequence_bytes(p_, end_);
    if (bytes == 0) return refuse(p_, "ill-formed UTF-8 in a string");
    p_ += bytes;
  }
  return true;
}

bool JsonParser::parse_string() {
  const char* start = ++p_;
  for (;;) {
    p_ = skip_plain_string_bytes(p_, end_);
    if (p_ == end_) return refuse(start - 1, "a string that does not end");
    if (*p_ == '"') break;
    if (*p_ == '\\') return parse_string_with_escapes(start);
    if (static_cast<unsigned char>(*p_) < 0x20)
      return refuse(p_, "a control character in a string: write it as an escape");
    if (!accept_utf8()) return false;
  }
  JsonDocument::Node& node = document_.nodes_[add_node(JsonKind::string)];
  node.verbatim = true;
  node.span = {offset_of(start), static_cast<std::uint32_t>(p_ - start)};
  ++p_;
  return true;
}

bool JsonParser::parse_string_with_escapes(const char* start) {
  std::string& decoded = document_.decoded_;
  const auto offset = static_cast<std::uint32_t>(decoded.size());
  const char* piece = start;
  for (;;) {
    p_ = skip_plain_string_bytes(p_, end_);
    if (p_ == end_) return refuse(start - 1, "a string that does not end");
    if (*p_ == '"') break;
    if (*p_ == '\\') {
      decoded.append(piece, p_);
      if (!parse_escape()) return false;
      piece = p_;
    } else if (static_cast<unsigned char>(*p_) < 0x20) {
      return refuse(p_, "a control character in a string: write it as an escape");
    } else if (!accept_utf8()) {
      return false;
    }
  }
  decoded.append(piece, p_);
  JsonDocument::Node& node = document_.nodes_[add_node(JsonKind::string)];
  node.span = {offset, static_cast<std::uint32_t>(decoded.size() - offset)};
  ++p_;
  return true;
}

bool JsonParser::parse_escape() {
  const char* escape = p_++;
  if (p_ == end_) return refuse(escape, "a string that does not end");
  const char kind = *p_++;
  switch (kind) {
    case '"':
    case '\\':
    case '/': document_.decoded_.push_back(kind); return true;
    case 'b': document_.decoded_.push_back('\b'); return true;
    case 'f': document_.decoded_.push_back('\f'); return true;
    case 'n': document_.decoded_.push_back('\n'); return true;
    case 'r': document_.decoded_.push_back('\r'); return true;
    case 't': document_.decoded_.push_back('\t'); return true;
    case 'u': return parse_unicode_escape(escape);
    default: return refuse(escape, "an escape that JSON does not have");
  }
}

bool JsonParser::read_hex4(std::uint32_t& unit) {
  if (end_ - p_ < 4) return false;
  const auto [after, error] = std::from_chars(p_, p_ + 4, unit, 16);
  if (error != std::errc() || after != p_ + 4) return false;
  p_ += 4;
  return true;
}

bool JsonParser::parse_unicode_escape(const char* escape) {
  std::uint32_t unit = 0;
  if (!read_hex4(unit)) return refuse(escape, "\\u needs four hexadecimal digits");
  if (unit >= 0xD800 && unit < 0xE000) {
    std::uint32_t low = 0;
    const bool paired = unit < 0xDC00 && end_ - p_ >= 2 && p_[0] == '\\' && p_[1] == 'u';
    if (paired) {
      p_ += 2;
      if (!read_hex4(low)) return refuse(p_ - 2, "\\u needs four hexadecimal digits");
    }
    if (low < 0xDC00 || low >= 0xE000) return refuse(escape, "a lone surrogate: half of a UTF-16 pair");
    unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(document_.decoded_, unit);
  return true;
}

bool JsonParser::parse_number() {
  const char* start = p_;
  if (*p_ == '-') ++p_;
  if (p_ != end_ && (*p_ == 'I' || *p_ == 'N'))
    return refuse(start, "NaN and infinities are not JSON: send null or a string");
  if (p_ == end_ || !is_digit(*p_)) return refuse(p_, unexpected(p_ == start ? "a value" : "a digit"));
  const char* digits = p_;
  while (p_ != end_ && is_digit(*p_)) ++p_;
  if (*digits == '0' && p_ - digits > 1) return refuse(digits, "a number with a leading zero");
  if (p_ == end_ || (*p_ != '.' && *p_ != 'e' && *p_ != 'E')) return finish_integer(start, digits);
  if (*p_ == '.') {
    const char* const point = p_++;
    if (p_ == end_ || !is_digit(*p_)) return refuse(p_, unexpected("a digit after the point"));
    while (p_ != end_ && is_digit(*p_)) ++p_;
    if ((p_ == end_ || (*p_ != 'e' && *p_ != 'E')) && is_shortest_decimal(digits, point, p_)) {
      add_verbatim_number(start);
      return true;
    }
  }
  if (p_ != end_ && (*p_ == 'e' || *p_ == 'E')) {
    ++p_;
    if (p_ != end_ && (*p_ == '+' || *p_ == '-')) ++p_;
    if (p_ == end_ || !is_digit(*p_)) return refuse(p_, unexpected("a digit of the exponent"));
    while (p_ != end_ && is_digit(*p_)) ++p_;
  }
  return finish_decimal(start);
}

void JsonParser::add_verbatim_number(const char* start) {
  JsonDocument::Node& node = document_.nodes_[add_node(JsonKind::number)];
  node.verbatim = true;
  node.span = {offset_of(start), static_cast<std::uint32_t>(p_ - start)};
}

bool JsonParser::finish_integer(const char* start, const char* digits) {
  if (p_ - digits > kAlwaysExactDigits) {
    std::uint64_t magnitude = 0;
    const auto parsed = std::from_chars(digits, p_, magnitude);
    if (parsed.ec != std::errc() || magnitude > kLargestExactInteger) {
      const auto refuse_integer = [&] {
        return refuse(start,
                      "an integer past 2^53, which readers may round differently: send it as a string");
      };
      if (limits_.large_integers == LargeIntegers::refuse) return refuse_integer();
      double value = 0;
      if (std::from_chars(start, p_, value).ec != std::errc()) return refuse_integer();
      char spelling[kEs6NumberBytes];
      const char* spelling_end = write_es6_number(value, spelling);
      if (std::string_view(start, p_) != std::string_view(spelling, spelling_end)) return refuse_integer();
    }
  }
  if (*start == '-' && *digits == '0') {
    document_.nodes_[add_node(JsonKind::number)].number = 0;
  } else {
    add_verbatim_number(start);
  }
  return true;
}

bool JsonParser::finish_decimal(const char* start) {
  double value = 0;
  const auto parsed = std::from_chars(start, p_, value);
  if (parsed.ec == std::errc::result_out_of_range) {
    const std::string_view literal(start, static_cast<std::size_t>(p_ - start));
    if (overflows(literal)) return refuse(start, "a number past the range of a double: send it as a string");
    value = 0;
  }
  document_.nodes_[add_node(JsonKind::number)].number = value;
  return true;
}

}  // namespace sovereign::crypto
