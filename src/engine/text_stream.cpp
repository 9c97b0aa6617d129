#include "engine/text_stream.h"

#include <utility>

namespace sovereign::engine {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// What a lead byte promises: how long the character is, and which second bytes are well formed
// (Unicode 15, table 3-7). The bytes after the second are always 80..BF.
struct LeadByte {
  std::size_t length = 0;  // 0: no character begins with this byte
  unsigned char second_min = 0x80;
  unsigned char second_max = 0xBF;
};

LeadByte lead_byte(unsigned char byte) {
  if (byte < 0x80) return {1};
  if (byte < 0xC2) return {0};
  if (byte < 0xE0) return {2};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};
  if (byte < 0xF0) return {3};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4};
  if (byte == 0xF4) return {4, 0x80, 0x8F};
  return {0};
}

// How many bytes at the front belong together, and whether they are a whole character, the beginning
// of one that needs more bytes, or neither.
struct Unit {
  enum class Kind { whole, unfinished, invalid };
  std::size_t bytes = 1;
  Kind kind = Kind::invalid;
};

Unit first_unit(std::string_view text) {
  const LeadByte lead = lead_byte(static_cast<unsigned char>(text.front()));
  if (lead.length == 0) return {1, Unit::Kind::invalid};
  for (std::size_t i = 1; i < lead.length; ++i) {
    if (i == text.size()) return {i, Unit::Kind::unfinished};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char min = i == 1 ? lead.second_min : 0x80;
    const unsigned char max = i == 1 ? lead.second_max : 0xBF;
    if (byte < min || byte > max) return {i, Unit::Kind::invalid};
  }
  return {lead.length, Unit::Kind::whole};
}

}  // namespace

std::string Utf8Assembler::append(std::string_view bytes) {
  std::string joined;
  std::string_view rest = bytes;
  if (!held_.empty()) {
    joined = std::exchange(held_, {});
    joined += bytes;
    rest = joined;
  }
  std::string text;
  text.reserve(rest.size());
  while (!rest.empty()) {
    const Unit unit = first_unit(rest);
    switch (unit.kind) {
      case Unit::Kind::whole: text += rest.substr(0, unit.bytes); break;
      case Unit::Kind::invalid: text += kReplacement; break;
      case Unit::Kind::unfinished: held_ = rest; break;
    }
    rest.remove_prefix(unit.bytes);
  }
  return text;
}

std::string Utf8Assembler::finish() {
  const bool unfinished = !std::exchange(held_, {}).empty();
  return unfinished ? std::string(kReplacement) : std::string();
}

std::string to_valid_utf8(std::string_view bytes) {
  Utf8Assembler utf8;
  std::string text = utf8.append(bytes);
  return text + utf8.finish();
}

}  // namespace sovereign::engine
