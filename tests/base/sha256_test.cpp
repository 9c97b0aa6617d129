#include "base/sha256.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <rapidcheck/gtest.h>
#include <filesystem>
#include <fstream>

namespace sovereign {
namespace {

namespace fs = std::filesystem;

class Sha256FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "sha256_test_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return folder_ / name;
  }

  fs::path folder_;
};

// FIPS 180-4's examples and the empty message.
TEST(Sha256Test, KnownAnswers) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

RC_GTEST_PROP(Sha256Property, PiecesGiveTheDigestOfTheWhole, (const std::vector<std::string>& pieces)) {
  Sha256 hash;
  std::string whole;
  for (const std::string& piece : pieces) {
    hash.update(piece);
    whole += piece;
  }
  RC_ASSERT(to_hex(hash.finish()) == sha256_hex(whole));
}

TEST_F(Sha256FileTest, ReadsFilesOfEverySize) {
  // 1 MiB is the block size: at the border the last read gives nothing.
  for (const std::size_t size : {0U, 1U, 63U, 64U, 1U << 20, (1U << 20) + 1, 3U << 20}) {
    const std::string content(size, 'x');
    const auto digest = sha256_file(write("file", content));
    ASSERT_TRUE(digest.has_value()) << digest.error().message;
    EXPECT_EQ(to_hex(*digest), sha256_hex(content)) << size;
  }
}

TEST_F(Sha256FileTest, SaysWhatIsWrongWithTheFile) {
  const auto missing = sha256_file(folder_ / "none");
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, ErrorCode::not_found);
  EXPECT_EQ(missing.error().where, (folder_ / "none").string());

  const auto directory = sha256_file(folder_);
  ASSERT_FALSE(directory.has_value());
  EXPECT_EQ(directory.error().code, ErrorCode::invalid_argument);
}

TEST(ConstantTimeEqualTest, ComparesLikeEquality) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("secret", "secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secreT"));
  EXPECT_FALSE(constant_time_equal("secret", "Secret"));
  EXPECT_FALSE(constant_time_equal("secret", "secre"));
  EXPECT_FALSE(constant_time_equal("", "x"));
}

}  // namespace
}  // namespace sovereign
