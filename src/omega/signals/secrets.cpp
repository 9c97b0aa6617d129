#include "omega/signals/secrets.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <limits>

namespace sovereign::omega {
namespace {

enum class Alphabet { upper_digits, alphanumeric, base64url };

struct TokenForm {
  std::string_view prefix;
  Alphabet alphabet;
  std::size_t least;  // characters after the prefix
  std::size_t most;
};

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

constexpr std::array<TokenForm, 26> kTokenForms = {{
    {"AKIA", Alphabet::upper_digits, 16, 16},    // AWS access key
    {"ASIA", Alphabet::upper_digits, 16, 16},    // AWS, temporary
    {"AIza", Alphabet::base64url, 35, 35},       // Google API key
    {"ghp_", Alphabet::alphanumeric, 36, kAny},  // GitHub: personal, OAuth, user, server, refresh
    {"gho_", Alphabet::alphanumeric, 36, kAny},
    {"ghu_", Alphabet::alphanumeric, 36, kAny},
    {"ghs_", Alphabet::alphanumeric, 36, kAny},
    {"ghr_", Alphabet::alphanumeric, 36, kAny},
    {"github_pat_", Alphabet::base64url, 82, kAny},  // GitHub, fine-grained
    {"glpat-", Alphabet::base64url, 20, kAny},       // GitLab
    {"xoxb-", Alphabet::base64url, 24, kAny},        // Slack: bot, user, app, refresh, workspace
    {"xoxp-", Alphabet::base64url, 24, kAny},
    {"xoxa-", Alphabet::base64url, 24, kAny},
    {"xoxr-", Alphabet::base64url, 24, kAny},
    {"xoxs-", Alphabet::base64url, 24, kAny},
    {"sk_live_", Alphabet::alphanumeric, 24, kAny},  // Stripe: secret, restricted
    {"rk_live_", Alphabet::alphanumeric, 24, kAny},
    {"npm_", Alphabet::alphanumeric, 36, 36},
    {"pypi-AgEIcHlwaS5vcmc", Alphabet::base64url, 50, kAny},
    {"hf_", Alphabet::alphanumeric, 34, 40},         // Hugging Face
    {"sk-ant-", Alphabet::base64url, 32, kAny},      // Anthropic
    {"sk-proj-", Alphabet::base64url, 32, kAny},     // OpenAI, of a project
    {"sk-svcacct-", Alphabet::base64url, 32, kAny},  // OpenAI, of a service account
    {"sk-", Alphabet::alphanumeric, 48, 48},         // OpenAI, older
    {"SG.", Alphabet::base64url, 22, 22},            // SendGrid: 22, a dot, 43
    {"dop_v1_", Alphabet::alphanumeric, 64, 64},     // DigitalOcean
}};

constexpr bool is_alphanumeric(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool in(Alphabet alphabet, char c) {
  switch (alphabet) {
    case Alphabet::upper_digits: return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    case Alphabet::alphanumeric: return is_alphanumeric(c);
    case Alphabet::base64url: return is_alphanumeric(c) || c == '_' || c == '-';
  }
  return false;
}

// Bounded, or a text of prefixes alone would be read once for each of them.
std::size_t run_length(std::string_view text, std::size_t at, Alphabet alphabet) {
  constexpr std::size_t kLongest = 4096;
  std::size_t end = at;
  while (end < text.size() && end - at < kLongest && in(alphabet, text[end])) ++end;
  return end - at;
}

// Placeholders of documentation, and one character over and over.
bool is_example(std::string_view token) {
  constexpr std::size_t kLeastVariety = 7;
  std::bitset<256> seen;
  for (const char c : token) seen.set(static_cast<unsigned char>(c));
  if (seen.count() < kLeastVariety) return true;
  for (const std::string_view word : {"EXAMPLE", "example", "XXXX", "xxxx", "your", "YOUR", "0000000000"}) {
    if (token.find(word) != std::string_view::npos) return true;
  }
  return false;
}

// Length of the token that begins at `at`; 0: none.
std::size_t access_token(std::string_view text, std::size_t at) {
  for (const TokenForm& form : kTokenForms) {
    if (text[at] != form.prefix.front() || text.compare(at, form.prefix.size(), form.prefix) != 0) continue;
    const std::size_t body = at + form.prefix.size();
    const std::size_t length = run_length(text, body, form.alphabet);
    if (length < form.least || length > form.most || is_example(text.substr(body, length))) continue;
    std::size_t whole = form.prefix.size() + length;
    if (form.prefix == "SG.") {
      const std::size_t dot = at + whole;
      if (dot >= text.size() || text[dot] != '.' || run_length(text, dot + 1, Alphabet::base64url) != 43)
        continue;
      whole += 1 + 43;
    }
    return whole;
  }
  return 0;
}

// Three parts of base64url; the first two are JSON objects, whose encoding begins with "eyJ".
std::size_t json_web_token(std::string_view text, std::size_t at) {
  constexpr std::size_t kLeastPart = 12;
  std::size_t end = at;
  for (int part = 0; part < 3; ++part) {
    if (part < 2 && text.compare(end, 3, "eyJ") != 0) return 0;
    const std::size_t length = run_length(text, end, Alphabet::base64url);
    if (length < kLeastPart) return 0;
    end += length;
    if (part == 2) break;
    if (end >= text.size() || text[end] != '.') return 0;
    ++end;
  }
  return end - at;
}

// A PEM header of any kind of private key, with some of the key after it.
std::size_t private_key(std::string_view text, std::size_t at) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  constexpr std::string_view kKey = "PRIVATE KEY-----";
  constexpr std::size_t kLongestKind = 24;
  constexpr std::size_t kLeastKey = 32;
  constexpr std::size_t kLongestKey = 16384;
  if (text.compare(at, kBegin.size(), kBegin) != 0) return 0;
  const std::size_t header = text.substr(0, at + kBegin.size() + kLongestKind + kKey.size()).find(kKey, at);
  if (header == std::string_view::npos) return 0;
  std::size_t key_characters = 0;
  std::size_t end = header + kKey.size();
  while (end < text.size() && end - header < kLongestKey) {
    const char c = text[end];
    const bool of_key = is_alphanumeric(c) || c == '+' || c == '/' || c == '=';
    if (!of_key && c != '\n' && c != '\r' && c != ' ' && c != '\\') break;
    key_characters += of_key ? 1 : 0;
    ++end;
  }
  return key_characters < kLeastKey ? 0 : end - at;
}

}  // namespace

std::vector<Finding> find_secrets(std::string_view text, std::span<const std::string_view> given) {
  std::vector<Finding> findings;
  for (std::size_t at = 0; at < text.size() && findings.size() < kMaxFindings;) {
    const bool inside_word = at > 0 && (is_alphanumeric(text[at - 1]) || text[at - 1] == '_');
    Finding finding{.kind = FindingKind::access_token, .offset = at, .length = 0};
    if (!inside_word) {
      if (text[at] == '-') {
        finding.kind = FindingKind::private_key;
        finding.length = private_key(text, at);
      } else if (text[at] == 'e' && (finding.length = json_web_token(text, at)) > 0) {
        finding.kind = FindingKind::json_web_token;
      } else {
        finding.length = access_token(text, at);
      }
    }
    if (finding.length > 0 && !is_given(text.substr(at, finding.length), given)) findings.push_back(finding);
    at += std::max<std::size_t>(finding.length, 1);
  }
  return findings;
}

}  // namespace sovereign::omega
