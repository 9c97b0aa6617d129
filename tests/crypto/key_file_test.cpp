#include "crypto/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "crypto/vectors.h"

namespace sovereign::crypto {
namespace {

using testing::HasSubstr;

constexpr PassphraseCost kCheap{1, 8192};

class KeyFile : public testing::Test {
 protected:
  KeyFile() {
    std::string name = (std::filesystem::temp_directory_path() / "sovereign-key-XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~KeyFile() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path path(const char* name = "node.key") const { return folder_ / name; }
  static SigningKey key() { return std::move(SigningKey::generate().value()); }
  void overwrite(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary | std::ios::trunc) << bytes;
  }

  std::filesystem::path folder_;
};

TEST_F(KeyFile, SavesAndLoadsInTheClear) {
  const SigningKey saved = key();
  ASSERT_TRUE(save_key_file(path(), saved));
  const auto loaded = load_key_file(path());
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->public_key(), saved.public_key());
  EXPECT_EQ(loaded->sign("m"), saved.sign("m"));
  EXPECT_EQ(*load_public_key(path()), saved.public_key());
  struct stat status;
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  EXPECT_EQ(status.st_size, 152);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1)
      << "nothing else is left behind";
}

TEST_F(KeyFile, PassphraseProtectsTheSeed) {
  const SigningKey saved = key();
  ASSERT_TRUE(save_key_file(path(), saved, "correct horse", kCheap));
  const std::string bytes = read_file(path());
  const auto seed = saved.seed();
  EXPECT_EQ(bytes.find(std::string(reinterpret_cast<const char*>(seed.data()), seed.size())),
            std::string::npos);
  EXPECT_EQ(load_key_file(path(), "correct horse")->public_key(), saved.public_key());
  EXPECT_EQ(load_key_file(path(), "wrong").error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(load_key_file(path()).error().code, ErrorCode::unauthenticated);
  EXPECT_EQ(*load_public_key(path()), saved.public_key());
}

TEST_F(KeyFile, NeverOverwrites) {
  const SigningKey first = key();
  ASSERT_TRUE(save_key_file(path(), first));
  EXPECT_EQ(save_key_file(path(), key()).error().code, ErrorCode::already_exists);
  EXPECT_EQ(*load_public_key(path()), first.public_key());
}

TEST_F(KeyFile, OpenToOthersIsRefused) {
  ASSERT_TRUE(save_key_file(path(), key()));
  for (const mode_t mode : {0640U, 0604U, 0660U, 0700U, 0601U}) {
    ASSERT_EQ(chmod(path().c_str(), mode), 0);
    const auto loaded = load_key_file(path());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::permission_denied);
    EXPECT_THAT(loaded.error().message, HasSubstr("chmod 600"));
    EXPECT_FALSE(load_public_key(path()));
  }
  ASSERT_EQ(chmod(path().c_str(), 0400), 0);
  EXPECT_TRUE(load_key_file(path()));
}

TEST_F(KeyFile, MissingFilesAndFolders) {
  EXPECT_EQ(load_key_file(path("none")).error().code, ErrorCode::not_found);
  EXPECT_EQ(load_key_file(folder_).error().code, ErrorCode::permission_denied);
  EXPECT_EQ(save_key_file(folder_ / "no" / "folder.key", key()).error().code, ErrorCode::not_found);
}

TEST_F(KeyFile, EveryChangedByteIsFound) {
  for (const std::string passphrase : {"", "p"}) {
    std::filesystem::remove(path());
    ASSERT_TRUE(save_key_file(path(), key(), passphrase, kCheap));
    const std::string good = read_file(path());
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 1);
      overwrite(bad);
      EXPECT_FALSE(load_key_file(path(), passphrase)) << "byte " << i;
    }
    overwrite(good + "x");
    EXPECT_EQ(load_key_file(path(), passphrase).error().code, ErrorCode::corrupt);
    overwrite(good.substr(0, 151));
    EXPECT_EQ(load_key_file(path(), passphrase).error().code, ErrorCode::corrupt);
  }
}

TEST_F(KeyFile, CostHasBounds) {
  EXPECT_EQ(save_key_file(path(), key(), "p", {0, 8192}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(save_key_file(path(), key(), "p", {1, 100}).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(save_key_file(path(), key(), "p", {1, std::uint64_t{1} << 40}).error().code,
            ErrorCode::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST(SigningKey, SignsAsRfc8032Says) {
  std::array<std::byte, 32> seed{};
  const unsigned char secret[] = {0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
                                  0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
                                  0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60};
  std::memcpy(seed.data(), secret, 32);
  const auto key = SigningKey::from_seed(seed);
  ASSERT_TRUE(key);
  EXPECT_EQ(to_text(key->public_key()),
            "ed25519:d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const Signature signature = key->sign("");
  EXPECT_EQ(std::to_integer<int>(signature[0]), 0xe5);
  EXPECT_TRUE(ed25519::verify({"", &key->public_key(), &signature}));
}

// The sanitizers' runtimes make locking memory do nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLocksAreReal = false;
#else
constexpr bool kLocksAreReal = true;
#endif

// The flags of the mapping that holds an address (proc(5), VmFlags).
std::string mapping_flags(const void* address) {
  std::ifstream in("/proc/self/smaps");
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  bool here = false;
  for (std::string line; std::getline(in, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) here = wanted >= begin && wanted < end;
    if (here && line.starts_with("VmFlags:")) return line + " ";
  }
  return {};
}

TEST(SigningKey, ItsMemoryIsLockedAndLeftOutOfCoreDumps) {
  if (!kLocksAreReal) GTEST_SKIP();
  const auto key = SigningKey::generate();
  ASSERT_TRUE(key);
  const std::string flags = mapping_flags(key->seed().data());
  EXPECT_THAT(flags, HasSubstr(" lo "));
  EXPECT_THAT(flags, HasSubstr(" dd "));
}

TEST(SigningKey, NoKeyWithoutLockedMemory) {
  if (!kLocksAreReal) GTEST_SKIP();
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_MEMLOCK, &none) != 0) ::_exit(2);
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(3);  // root may lock without limit
    const auto key = SigningKey::generate();
    if (key) ::_exit(4);
    ::_exit(key.error().code == ErrorCode::resource_exhausted ? 0 : 5);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(PublicKeyText, RoundTripsAndRefusesTheRest) {
  const auto key = SigningKey::generate();
  ASSERT_TRUE(key);
  const std::string text = to_text(key->public_key());
  EXPECT_EQ(*public_key_from_text(text), key->public_key());
  for (const std::string& bad : {text.substr(1), text + "0", text.substr(0, 70), std::string("ed25519:"),
                                 "ed25519:" + std::string(64, 'g'), "ed25519:" + std::string(64, 'A')})
    EXPECT_EQ(public_key_from_text(bad).error().code, ErrorCode::invalid_argument) << bad;
}

}  // namespace
}  // namespace sovereign::crypto
