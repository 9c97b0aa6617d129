#include "crypto/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace sovereign::crypto {
namespace {

TEST(Digest, PrefixIsAsDocumented) {
  const std::string prefix("sovereign/receipt/v1\0", 21);
  EXPECT_EQ(digest_of({"receipt", 1}, "abc"), sha256(prefix + "abc"));
  EXPECT_EQ(digest_of({"receipt", 1}, ""), sha256(prefix));
}

TEST(Digest, PurposeAndVersionSeparate) {
  const Digest digest = digest_of({"receipt", 1}, "x");
  EXPECT_NE(digest, digest_of({"receipt", 2}, "x"));
  EXPECT_NE(digest, digest_of({"envelope", 1}, "x"));
  EXPECT_NE(digest, digest_of({"receipt", 11}, "x"));
}

TEST(Digest, OfAValueEqualsThatOfItsCanonicalText) {
  const std::string text = R"({ "b" : [1.50, "é\n"], "a" : {} })";
  const Digest expected = digest_of({"test", 1}, R"({"a":{},"b":[1.5,"é\n"]})");
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document);
  EXPECT_EQ(digest_of({"test", 1}, document->root()), expected);
  EXPECT_EQ(*digest_of_json({"test", 1}, text), expected);
  const auto sealed = DigestedJson::from({"test", 1}, text);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->digest(), expected);
  EXPECT_EQ(sealed->text(), R"({"a":{},"b":[1.5,"é\n"]})");
}

TEST(Digest, OfBadTextIsAnError) {
  EXPECT_FALSE(digest_of_json({"test", 1}, "{"));
  EXPECT_FALSE(DigestedJson::from({"test", 1}, "{\"a\":1,\"a\":1}"));
}

TEST(Digest, SizedPartsCannotSlide) {
  const auto parts = [](std::string_view a, std::string_view b) {
    DomainHasher hasher({"test", 1});
    hasher.write_sized(a);
    hasher.write_sized(b);
    return hasher.finish();
  };
  EXPECT_NE(parts("ab", "c"), parts("a", "bc"));
  const std::string bytes("sovereign/test/v1\0\0\0\0\0\0\0\0\2ab\0\0\0\0\0\0\0\1c", 37);
  EXPECT_EQ(parts("ab", "c"), sha256(bytes));
}

TEST(Sha2, KnownAnswers) {
  Sha256Stream hash256;
  hash256.update("abc");
  EXPECT_EQ(to_hex(hash256.finish()), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha512Stream hash512;
  hash512.update("a");
  hash512.update("bc");
  const Sha512Digest digest = hash512.finish();
  EXPECT_EQ(std::to_integer<int>(digest[0]), 0xdd);
  EXPECT_EQ(std::to_integer<int>(digest[63]), 0x9f);
}

}  // namespace
}  // namespace sovereign::crypto
