#include "omega/signals/personal_data.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "omega/signals/check_digits.h"

namespace sovereign::omega {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
constexpr bool is_alphanumeric(char c) { return is_digit(c) || is_letter(c); }

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

bool is_reserved_domain(std::string_view domain) {
  for (const std::string_view end : {".example", ".test", ".invalid", ".localhost", ".local"}) {
    if (domain.ends_with(end)) return true;
  }
  const std::size_t dot = domain.rfind('.');
  const std::string_view before = domain.substr(0, dot);
  const std::string_view top = domain.substr(dot + 1);
  return (before == "example" || before.ends_with(".example")) &&
         (top == "com" || top == "org" || top == "net" || top == "edu");
}

bool is_role(std::string_view local) {
  constexpr std::array<std::string_view, 27> kRoles = {
      "abuse",    "admin",    "billing", "careers",    "contact",   "feedback",  "git",
      "hello",    "help",     "info",    "jobs",       "mail",      "marketing", "media",
      "noreply",  "no-reply", "office",  "postmaster", "press",     "privacy",   "sales",
      "security", "service",  "support", "team",       "webmaster", "you"};
  return std::find(kRoles.begin(), kRoles.end(), local) != kRoles.end();
}

// A number as people write it: digits, between which one mark of `separators` may stand.
struct DigitRun {
  std::string digits;
  std::size_t end = 0;  // in the text
};

DigitRun digits_at(std::string_view text, std::size_t at, std::string_view separators, std::size_t most) {
  DigitRun run{.digits = {}, .end = at};
  std::size_t marks = 0;
  for (; at < text.size() && run.digits.size() <= most; ++at) {
    if (is_digit(text[at])) {
      run.digits.push_back(text[at]);
      run.end = at + 1;
      marks = 0;
    } else if (separators.find(text[at]) == std::string_view::npos || ++marks > 2) {
      break;
    }
  }
  return run;
}

// `at` is the place of an '@'. The finding begins before it.
std::optional<Finding> email_around(std::string_view text, std::size_t at) {
  constexpr std::string_view kLocalMarks = "._%+-";
  std::size_t begin = at;
  while (begin > 0 &&
         (is_alphanumeric(text[begin - 1]) || kLocalMarks.find(text[begin - 1]) != std::string_view::npos))
    --begin;
  while (begin < at && !is_alphanumeric(text[begin])) ++begin;
  std::size_t end = at + 1;
  while (end < text.size() && (is_alphanumeric(text[end]) || text[end] == '-' || text[end] == '.')) ++end;
  while (end > at + 1 && !is_alphanumeric(text[end - 1])) --end;
  const std::string domain = lower_case(text.substr(at + 1, end - at - 1));
  const std::size_t dot = domain.rfind('.');
  if (begin == at || dot == std::string::npos || dot == 0 || domain.size() - dot < 3) return std::nullopt;
  if (!std::all_of(domain.begin() + static_cast<std::ptrdiff_t>(dot) + 1, domain.end(), is_letter))
    return std::nullopt;
  if (domain.find("..") != std::string::npos || is_reserved_domain(domain)) return std::nullopt;
  if (is_role(lower_case(text.substr(begin, at - begin)))) return std::nullopt;
  return Finding{FindingKind::email, begin, end - begin};
}

// 555-0100 to 555-0199 in any area: reserved for fiction.
bool is_fictional(std::string_view ten_digits) { return ten_digits.substr(3, 5) == "55501"; }

std::optional<Finding> international_phone(std::string_view text, std::size_t at) {
  if (text[at] != '+' || at + 1 >= text.size() || text[at + 1] < '1' || text[at + 1] > '9')
    return std::nullopt;
  const DigitRun run = digits_at(text, at + 1, " -.()", 15);
  if (run.digits.size() < 8 || run.digits.size() > 15) return std::nullopt;
  if (run.digits.front() == '1' &&
      (run.digits.size() != 11 || is_fictional(std::string_view(run.digits).substr(1))))
    return std::nullopt;
  return Finding{FindingKind::phone, at, run.end - at};
}

bool has_form(std::string_view text, std::size_t at, std::string_view form) {
  if (at + form.size() > text.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i) {
    const char c = text[at + i];
    if (form[i] == 'd' ? !is_digit(c) : form[i] == 'n' ? c < '2' || c > '9' : c != form[i]) return false;
  }
  const std::string_view rest = text.substr(at + form.size());
  if (rest.empty()) return true;
  const bool decimals = rest.front() == '.' && rest.size() > 1 && is_alphanumeric(rest[1]);
  return !is_alphanumeric(rest.front()) && rest.front() != '-' && !decimals;
}

std::optional<Finding> north_american_phone(std::string_view text, std::size_t at) {
  for (const std::string_view form : {"(ndd) ndd-dddd", "ndd-ndd-dddd", "ndd.ndd.dddd"}) {
    if (!has_form(text, at, form)) continue;
    std::string digits;
    for (const char c : text.substr(at, form.size())) {
      if (is_digit(c)) digits.push_back(c);
    }
    if (is_fictional(digits)) return std::nullopt;
    return Finding{FindingKind::phone, at, form.size()};
  }
  return std::nullopt;
}

std::optional<Finding> social_security_number(std::string_view text, std::size_t at) {
  constexpr std::string_view kForm = "ddd-dd-dddd";
  if (!has_form(text, at, kForm)) return std::nullopt;
  const std::string_view number = text.substr(at, kForm.size());
  const std::string_view area = number.substr(0, 3);
  if (area == "000" || area == "666" || area.front() == '9') return std::nullopt;
  if (number.substr(4, 2) == "00" || number.substr(7) == "0000") return std::nullopt;
  // Printed in advertisements and forms.
  if (number == "078-05-1120" || number == "219-09-9999" || number == "123-45-6789") return std::nullopt;
  return Finding{FindingKind::social_security_number, at, kForm.size()};
}

std::optional<Finding> iban(std::string_view text, std::size_t at) {
  if (at + 4 > text.size() || !is_upper(text[at]) || !is_upper(text[at + 1]) || !is_digit(text[at + 2]))
    return std::nullopt;
  const std::size_t length = iban_length(text.substr(at, 2));
  if (length == 0) return std::nullopt;
  std::string compact;
  std::size_t end = at;
  while (end < text.size() && compact.size() < length) {
    const char c = text[end];
    if (is_upper(c) || is_digit(c)) {
      compact.push_back(c);
    } else if (c != ' ' || (end > at && text[end - 1] == ' ')) {
      break;
    }
    ++end;
  }
  if (end < text.size() && is_alphanumeric(text[end])) return std::nullopt;
  if (!is_iban(compact)) return std::nullopt;
  return Finding{FindingKind::iban, at, end - at};
}

std::optional<Finding> payment_card(std::string_view text, std::size_t at) {
  const DigitRun run = digits_at(text, at, " -", 19);
  if (run.end < text.size() && is_alphanumeric(text[run.end])) return std::nullopt;
  if (!is_payment_card(run.digits)) return std::nullopt;
  return Finding{FindingKind::payment_card, at, run.end - at};
}

std::optional<Finding> finding_at(std::string_view text, std::size_t at) {
  const char c = text[at];
  if (c == '@') return email_around(text, at);
  const char before = at == 0 ? ' ' : text[at - 1];
  if (is_alphanumeric(before) || before == '.' || before == '-' || before == '+' || before == '/')
    return std::nullopt;
  if (c == '+') return international_phone(text, at);
  if (is_upper(c)) return iban(text, at);
  if (is_digit(c)) {
    if (auto found = social_security_number(text, at)) return found;
    if (auto found = payment_card(text, at)) return found;
  }
  if (is_digit(c) || c == '(') return north_american_phone(text, at);
  return std::nullopt;
}

}  // namespace

std::vector<Finding> find_personal_data(std::string_view text, std::span<const std::string_view> given) {
  std::vector<Finding> findings;
  for (std::size_t at = 0; at < text.size() && findings.size() < kMaxFindings; ++at) {
    const auto found = finding_at(text, at);
    if (!found) continue;
    if (!is_given(text.substr(found->offset, found->length), given)) findings.push_back(*found);
    at = found->offset + found->length - 1;
  }
  return findings;
}

}  // namespace sovereign::omega
