#include "server/http/target.h"

namespace sovereign::server {

namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

// What follows "http://host" of an absolute form; the text itself otherwise.
std::string_view without_authority(std::string_view text) {
  const std::size_t scheme = text.find("://");
  if (scheme == std::string_view::npos || text.front() == '/') return text;
  text.remove_prefix(scheme + 3);
  const std::size_t path = text.find_first_of("/?");
  return path == std::string_view::npos ? "/" : text.substr(path);
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (is_control(c)) return std::nullopt;
    out.push_back(c);
  }
  return out;
}

std::optional<Target> parse_target(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Target target;
  if (text == "*") {
    target.raw_path = target.path = "*";
    return target;
  }
  text = without_authority(text);
  text = text.substr(0, text.find('#'));
  const std::size_t mark = text.find('?');
  target.raw_path = text.substr(0, mark);
  if (mark != std::string_view::npos) target.query = text.substr(mark + 1);
  if (target.raw_path.empty()) target.raw_path = "/";
  if (target.raw_path.front() != '/') return std::nullopt;
  auto decoded = percent_decode(target.raw_path);
  if (!decoded) return std::nullopt;
  target.path = std::move(*decoded);
  return target;
}

}  // namespace sovereign::server
