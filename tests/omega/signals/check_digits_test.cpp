#include "omega/signals/check_digits.h"

#include <gtest/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

TEST(CheckDigits, LuhnRefusesEachWrongDigitAndEachSwapOfUnequalNeighbours) {
  const std::string number = "4539148803436467";
  ASSERT_TRUE(luhn_holds(number));
  for (std::size_t i = 0; i < number.size(); ++i) {
    for (char c = '0'; c <= '9'; ++c) {
      std::string changed = number;
      changed[i] = c;
      EXPECT_EQ(luhn_holds(changed), c == number[i]) << changed;
    }
    if (i + 1 == number.size() || number[i] == number[i + 1]) continue;
    const std::string pair = number.substr(i, 2);
    if (pair == "09" || pair == "90") continue;  // the one swap that the formula cannot see
    std::string swapped = number;
    std::swap(swapped[i], swapped[i + 1]);
    EXPECT_FALSE(luhn_holds(swapped)) << swapped;
  }
}

TEST(CheckDigits, CardsNeedAnIssuersPrefixAndLength) {
  EXPECT_TRUE(is_payment_card("4539148803436467"));
  EXPECT_TRUE(is_payment_card("375556917985515"));
  EXPECT_FALSE(is_payment_card("4242424242424242"));
  EXPECT_FALSE(is_payment_card("0000000000000000"));
  EXPECT_FALSE(is_payment_card("453914880343646"));
  EXPECT_FALSE(is_payment_card(""));
}

TEST(CheckDigits, IbansOfTheRegistryAreRight) {
  for (const std::string_view iban :
       {"DE89370400440532013000", "GB82WEST12345698765432", "FR1420041010050500013M02606",
        "NL91ABNA0417164300", "CH9300762011623852957", "NO9386011117947", "MT84MALT011000012345MTLCAST001S",
        "SA0380000000608010167519"}) {
    EXPECT_TRUE(is_iban(iban)) << iban;
    std::string changed(iban);
    changed.back() = changed.back() == '1' ? '2' : '1';
    EXPECT_FALSE(is_iban(changed)) << changed;
    EXPECT_FALSE(is_iban(iban.substr(1))) << iban;
  }
}

}  // namespace
}  // namespace sovereign::omega
