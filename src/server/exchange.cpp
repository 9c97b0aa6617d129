#include "server/exchange.h"

#include <algorithm>

namespace sovereign::server {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_any_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [&](const auto& header) { return equal_any_case(header.first, name); });
  return found == headers.end() ? std::string_view{} : std::string_view(found->second);
}

std::string HttpRequest::header_list(std::string_view name) const {
  std::string list;
  for (const auto& [each, value] : headers) {
    if (!equal_any_case(each, name)) continue;
    if (!list.empty()) list += ", ";
    list += value;
  }
  return list;
}

}  // namespace sovereign::server
