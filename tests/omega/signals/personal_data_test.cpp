#include "omega/signals/personal_data.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

void expect_one(std::string_view data, FindingKind kind) {
  const std::string text = "Write to " + std::string(data) + ", please.";
  const auto findings = find_personal_data(text);
  ASSERT_EQ(findings.size(), 1u) << data;
  EXPECT_EQ(findings.front(), (Finding{kind, 9, data.size()})) << data;
}

TEST(PersonalData, FindsEachKind) {
  expect_one("maria.lopez@telecorreo.es", FindingKind::email);
  expect_one("j+news@mail.uni-koeln.de", FindingKind::email);
  expect_one("+49 30 901820", FindingKind::phone);
  expect_one("+1 (415) 861-2345", FindingKind::phone);
  expect_one("(415) 861-2345", FindingKind::phone);
  expect_one("415-861-2345", FindingKind::phone);
  expect_one("DE89 3704 0044 0532 0130 00", FindingKind::iban);
  expect_one("GB82WEST12345698765432", FindingKind::iban);
  expect_one("4539 1488 0343 6467", FindingKind::payment_card);
  expect_one("6011-0009-9013-9432", FindingKind::payment_card);
  expect_one("536-22-8726", FindingKind::social_security_number);
}

TEST(PersonalData, LeavesAloneWhatOnlyLooksAlike) {
  for (const std::string_view text : {"jane@example.com",
                                      "user@mail.example",
                                      "support@shop.com",
                                      "git@github.com:a/b",
                                      "a @ b",
                                      "@handle",
                                      "+1 212 555 0123",
                                      "(212) 555-0199",
                                      "x = 3 +12 - 4",
                                      "2024-01-15",
                                      "10.1.2.3",
                                      "192-168-1000",
                                      "DE89 3704 0044 0532 0130 01",  // wrong check digits
                                      "XX82WEST12345698765432",       // no such country
                                      "4539 1488 0343 6468",          // wrong check digit
                                      "4111 1111 1111 1111",          // published for tests
                                      "1234567890123456",             // no issuer
                                      "123-45-6789",
                                      "000-12-3456",
                                      "900-12-3456",
                                      "3.14159265358979",
                                      "ISBN 978-3-16-148410-0",
                                      "version 415.861.2345.1a",
                                      "https://site.org/u/4539148803436467"}) {
    EXPECT_TRUE(find_personal_data(text).empty()) << text;
  }
}

RC_GTEST_PROP(PersonalData, LiesInOrderWithinAnyBytes, ()) {
  const auto text =
      *rc::gen::container<std::string>(rc::gen::elementOf(std::string("+@.- ()0123456789DE8aZ\n")));
  std::size_t end = 0;
  for (const Finding& finding : find_personal_data(text)) {
    RC_ASSERT(finding.length > 0u);
    end = finding.offset + finding.length;
    RC_ASSERT(end <= text.size());
  }
}

}  // namespace
}  // namespace sovereign::omega
