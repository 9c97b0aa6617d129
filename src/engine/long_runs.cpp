#include "engine/long_runs.h"

#include <algorithm>

namespace sovereign::engine {
namespace {

bool begins_character(unsigned char byte) { return (byte & 0xc0) != 0x80; }
bool is_blank(unsigned char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

}  // namespace

TextRuns cut_runs(std::string_view utf8, std::size_t most) {
  TextRuns runs;
  std::size_t begin = 0;
  std::size_t blanks = 0;  // how long the run of each kind is up to here
  std::size_t others = 0;
  for (std::size_t at = 0; at < utf8.size(); ++at) {
    const auto byte = static_cast<unsigned char>(utf8[at]);
    if (!begins_character(byte)) continue;
    blanks = byte >= 0x80 || is_blank(byte) ? blanks + 1 : 0;
    others = byte >= 0x80 || !is_blank(byte) ? others + 1 : 0;
    if (std::max(blanks, others) > most) {
      runs.parts.push_back(utf8.substr(begin, at - begin));
      begin = at;
      blanks = std::min<std::size_t>(blanks, 1);
      others = std::min<std::size_t>(others, 1);
    }
    runs.longest = std::max({runs.longest, blanks, others});
  }
  runs.parts.push_back(utf8.substr(begin));
  return runs;
}

}  // namespace sovereign::engine
