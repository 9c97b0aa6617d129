#include "omega/signals/secrets.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace sovereign::omega {
namespace {

// Made here, so that no file of the repository looks as if it held a credential.
std::string random_text(std::size_t length, std::string_view alphabet) {
  static std::mt19937 random(20261125);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text.push_back(alphabet[random() % alphabet.size()]);
  return text;
}
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kAlphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

void expect_one(const std::string& secret, FindingKind kind) {
  const std::string text = "Use this: " + secret + " and tell nobody.";
  const auto findings = find_secrets(text);
  ASSERT_EQ(findings.size(), 1u) << secret.substr(0, 8);
  EXPECT_EQ(findings.front(), (Finding{kind, 10, secret.size()})) << secret.substr(0, 8);
}

TEST(Secrets, FindsEachIssuersTokens) {
  expect_one(
      "AK"
      "IA" +
          random_text(16, kUpper),
      FindingKind::access_token);
  expect_one(
      "AI"
      "za" +
          random_text(35, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "gh"
      "p_" +
          random_text(36, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "github"
      "_pat_" +
          random_text(82, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "glp"
      "at-" +
          random_text(20, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "xo"
      "xb-" +
          random_text(30, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "sk_"
      "live_" +
          random_text(24, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "np"
      "m_" +
          random_text(36, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "h"
      "f_" +
          random_text(34, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "sk"
      "-ant-" +
          random_text(40, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "sk"
      "-" +
          random_text(48, kAlphanumeric),
      FindingKind::access_token);
  expect_one(
      "S"
      "G." +
          random_text(22, kAlphanumeric) + "." + random_text(43, kAlphanumeric),
      FindingKind::access_token);
}

TEST(Secrets, FindsKeysAndWebTokens) {
  expect_one(
      "ey"
      "J" +
          random_text(20, kAlphanumeric) +
          ".ey"
          "J" +
          random_text(30, kAlphanumeric) + "." + random_text(43, kAlphanumeric),
      FindingKind::json_web_token);
  for (const std::string kind : {"", "RSA ", "EC ", "OPENSSH "}) {
    const std::string key = "-----BEGIN " + kind +
                            "PRIVATE"
                            " KEY-----\n" +
                            random_text(64, kAlphanumeric) + "\n" + random_text(64, kAlphanumeric);
    const auto findings = find_secrets("key:\n" + key + "\n-----END");
    ASSERT_EQ(findings.size(), 1u) << kind;
    EXPECT_EQ(findings.front().kind, FindingKind::private_key);
    EXPECT_EQ(findings.front().offset, 5u);
  }
}

TEST(Secrets, LeavesAloneWhatOnlyLooksAlike) {
  const std::string body = random_text(36, kAlphanumeric);
  for (const std::string& text :
       {std::string("Set AK"
                    "IAIOSFODNN7EXAMPLE in the file."),
        std::string("gh"
                    "p_") +
            std::string(36, 'x'),
        "my_gh"
        "p_" +
            body,  // inside a longer name
        "gh"
        "p_" +
            body.substr(0, 20),  // too short
        "AK"
        "IA" +
            random_text(20, kUpper),  // too long
        std::string("-----BEGIN PRIVATE"
                    " KEY-----\n...\n-----END PRIVATE"
                    " KEY-----"),
        std::string("-----BEGIN PUBLIC KEY-----\n") + random_text(64, kAlphanumeric),
        std::string("sk-learn and skim milk"), std::string("The eyJ prefix marks JSON."), std::string()}) {
    EXPECT_TRUE(find_secrets(text).empty()) << text.substr(0, 24);
  }
}

TEST(Secrets, ListIsBounded) {
  std::string text;
  for (int i = 0; i < 100; ++i)
    text +=
        "gh"
        "p_" +
        random_text(36, kAlphanumeric) + " ";
  EXPECT_EQ(find_secrets(text).size(), kMaxFindings);
}

}  // namespace
}  // namespace sovereign::omega
