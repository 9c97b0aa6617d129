#include "server/openai/json_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace sovereign::server::openai {
namespace {

struct Sequence {
  std::size_t bytes;  // of the character, or of the ill-formed part
  bool valid;
};

// Reads one UTF-8 character whose first byte is not ASCII (Unicode 15, table 3-7).
Sequence read_sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(0);
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;   // not overlong
    if (lead == 0xED) high = 0x9F;  // not a surrogate
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;  // not past U+10FFFF
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {length, true};
}

// What a byte needs: 0 nothing, 1 \u00xx, 2 UTF-8 checking, else the letter after the backslash.
constexpr std::array<char, 256> make_escapes() {
  std::array<char, 256> table{};
  for (std::size_t i = 0; i < 0x20; ++i) table[i] = 1;
  for (std::size_t i = 0x80; i < 0x100; ++i) table[i] = 2;
  table['\b'] = 'b';
  table['\f'] = 'f';
  table['\n'] = 'n';
  table['\r'] = 'r';
  table['\t'] = 't';
  table['"'] = '"';
  table['\\'] = '\\';
  return table;
}
constexpr auto kEscapes = make_escapes();

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  std::size_t copied = 0;  // everything before it is in `out`
  std::size_t i = 0;
  while (i < text.size()) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const char escape = kEscapes[byte];
    if (escape == 0) {
      ++i;
      continue;
    }
    if (escape == 2) {
      const auto sequence = read_sequence(text.substr(i));
      if (!sequence.valid) {
        out.append(text, copied, i - copied);
        out += "\xEF\xBF\xBD";
        copied = i + sequence.bytes;
      }
      i += sequence.bytes;
      continue;
    }
    out.append(text, copied, i - copied);
    out += '\\';
    if (escape == 1) {
      out += "u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += escape;
    }
    copied = ++i;
  }
  out.append(text, copied, text.size() - copied);
  out += '"';
}

void append_json_number(std::string& out, double value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  append_number(out, value);
}

void append_json_number(std::string& out, float value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  append_number(out, value);
}

void append_json_number(std::string& out, std::int64_t value) { append_number(out, value); }
void append_json_number(std::string& out, std::uint64_t value) { append_number(out, value); }
void append_json_number(std::string& out, std::uint32_t value) { append_number(out, value); }

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
      continue;
    }
    const auto sequence = read_sequence(text.substr(i));
    if (!sequence.valid) return i;
    i += sequence.bytes;
  }
  return kValidUtf8;
}

}  // namespace sovereign::server::openai
