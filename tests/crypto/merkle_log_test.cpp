#include "crypto/merkle_log.h"

#include <gmock/gmock.h>

#include <random>

#include "crypto/merkle_proof.h"
#include "crypto/merkle_tree.h"
#include "support/temporary_folder.h"

namespace sovereign::crypto {
namespace {

namespace fs = std::filesystem;
using sovereign::testing::content_of;
using sovereign::testing::TemporaryFolder;
using sovereign::testing::write_file;
using ::testing::HasSubstr;

constexpr std::uint64_t kNowMs = 1'800'000'000'000;
constexpr auto kSync = MerkleLog::Sync::on_checkpoint;

Digest leaf_of(std::uint64_t i) { return merkle_leaf_hash("entry " + std::to_string(i)); }

const SigningKey& test_key() {
  static const SigningKey key = SigningKey::generate().value();
  return key;
}

void append(MerkleLog& log, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) log.append(leaf_of(log.size()));
  ASSERT_TRUE(log.commit());
}

// A log of `leaves` leaves with a head at the end and one in the middle.
void make_log(const fs::path& folder, std::uint64_t leaves) {
  auto log = MerkleLog::create(folder, test_key(), kNowMs, kSync).value();
  append(log, leaves / 2);
  ASSERT_TRUE(log.checkpoint(test_key(), kNowMs + 1));
  append(log, leaves - leaves / 2);
  ASSERT_TRUE(log.checkpoint(test_key(), kNowMs + 2));
}

result<void> open_and_audit(const fs::path& folder) {
  const auto log = MerkleLog::open_read_only(folder);
  if (!log) return fail(log.error());
  return log->audit();
}

TEST(MerkleLog, HasTheRootsAndProofsOfTheTreeInMemory) {
  const TemporaryFolder folder;
  auto log = MerkleLog::create(folder.path() / "log", test_key(), kNowMs, kSync).value();
  MerkleTree tree;
  EXPECT_EQ(log.root(), merkle_empty_root());
  for (std::uint64_t size = 1; size <= 70; ++size) {
    tree.append(leaf_of(size - 1));
    log.append(leaf_of(size - 1));
    ASSERT_TRUE(log.commit());
    ASSERT_EQ(log.root(), tree.root());
    for (std::uint64_t part = 0; part <= size; ++part) {
      ASSERT_EQ(log.root_at(part).value(), tree.root_at(part));
      ASSERT_EQ(log.consistency_proof(part, size).value(), tree.consistency_proof(part, size));
    }
    for (std::uint64_t index = 0; index < size; ++index)
      ASSERT_EQ(log.inclusion_proof(index, size).value(), tree.inclusion_proof(index, size));
  }
  EXPECT_EQ(log.inclusion_proof(5, 37).value(), tree.inclusion_proof(5, 37));
  EXPECT_TRUE(log.checkpoint(test_key(), kNowMs));
  EXPECT_TRUE(log.audit());
}

TEST(MerkleLog, IsTheSameAfterOpeningItAgain) {
  const TemporaryFolder folder;
  MerkleTree tree;
  for (std::uint64_t round = 0; round < 20; ++round) {
    auto log = round == 0 ? MerkleLog::create(folder.path(), test_key(), kNowMs, kSync)
                          : MerkleLog::open(folder.path(), kSync, &test_key().public_key());
    ASSERT_TRUE(log) << log.error().message;
    ASSERT_EQ(log->size(), tree.size());
    ASSERT_EQ(log->root(), tree.root());
    for (std::uint64_t i = 0; i < round; ++i) {
      tree.append(leaf_of(tree.size()));
      log->append(leaf_of(log->size()));
    }
    if (round % 3 == 0) {
      ASSERT_TRUE(log->checkpoint(test_key(), kNowMs + round));
    } else {
      ASSERT_TRUE(log->commit());
    }
  }
  EXPECT_TRUE(open_and_audit(folder.path()));
}

TEST(MerkleLog, AHeadIsSignedAndBoundToItsLog) {
  const TemporaryFolder folder;
  auto log = MerkleLog::create(folder.path() / "a", test_key(), kNowMs, kSync).value();
  auto other = MerkleLog::create(folder.path() / "b", test_key(), kNowMs, kSync).value();
  append(log, 3);
  SignedTreeHead head = log.sign_head(test_key(), kNowMs + 5).value();
  EXPECT_EQ(head.head.size, 3u);
  EXPECT_EQ(head.head.root, log.root());
  EXPECT_EQ(head.head.timestamp_ms, kNowMs + 5);
  EXPECT_TRUE(verify_tree_head(head, test_key().public_key()));
  EXPECT_NE(log.id(), other.id());
  SignedTreeHead moved = head;
  moved.head.log_id = other.id();
  EXPECT_FALSE(verify_tree_head(moved, test_key().public_key()));
  SignedTreeHead older = head;
  older.head.timestamp_ms -= 1;
  EXPECT_FALSE(verify_tree_head(older, test_key().public_key()));
  EXPECT_FALSE(verify_tree_head(head, SigningKey::generate()->public_key()));
}

TEST(MerkleLog, OneProcessWritesAndTheKeyMustBeTheLogs) {
  const TemporaryFolder folder;
  {
    auto log = MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).value();
    const auto second = MerkleLog::open(folder.path(), kSync);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::unavailable);
    EXPECT_TRUE(MerkleLog::open_read_only(folder.path()));
  }
  const auto stranger = SigningKey::generate().value();
  const auto opened = MerkleLog::open(folder.path(), kSync, &stranger.public_key());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).error().code,
            ErrorCode::already_exists);
  EXPECT_EQ(MerkleLog::open(folder.path() / "none", kSync).error().code, ErrorCode::not_found);
}

TEST(MerkleLog, AnyChangedByteIsFound) {
  const TemporaryFolder folder;
  make_log(folder.path(), 7);
  ASSERT_TRUE(open_and_audit(folder.path()));
  for (const char* name : {"tree", "heads"}) {
    const std::string good = content_of(folder.path() / name);
    ASSERT_GT(good.size(), 300u);
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
      write_file(folder.path() / name, bad);
      const auto audited = open_and_audit(folder.path());
      ASSERT_FALSE(audited) << name << ", byte " << i;
      ASSERT_EQ(audited.error().code, ErrorCode::corrupt) << audited.error().message;
    }
    write_file(folder.path() / name, good);
  }
  EXPECT_TRUE(open_and_audit(folder.path()));
}

// Killed while it was made: there is no log yet, and it can be made.
TEST(MerkleLog, ABeginningThatWasBrokenOffIsNoLog) {
  const TemporaryFolder folder;
  MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).value();
  const std::string tree = content_of(folder.path() / "tree");
  const std::string heads = content_of(folder.path() / "heads");
  ASSERT_EQ(heads.size(), 112u);
  for (const std::size_t tree_bytes : {std::size_t{0}, std::size_t{20}, tree.size()}) {
    for (const std::size_t head_bytes : {std::size_t{0}, std::size_t{111}}) {
      write_file(folder.path() / "tree", tree.substr(0, tree_bytes));
      write_file(folder.path() / "heads", heads.substr(0, head_bytes));
      ASSERT_EQ(MerkleLog::open(folder.path(), kSync).error().code, ErrorCode::not_found);
      ASSERT_TRUE(MerkleLog::create(folder.path(), test_key(), kNowMs, kSync));
      ASSERT_TRUE(open_and_audit(folder.path()));
    }
  }
}

// The newest head covers everything, so nothing may be missing.
TEST(MerkleLog, AnyMissingEndUnderAHeadIsFound) {
  const TemporaryFolder folder;
  make_log(folder.path(), 7);
  const std::string tree = content_of(folder.path() / "tree");
  for (std::size_t size = 0; size < tree.size(); ++size) {
    write_file(folder.path() / "tree", tree.substr(0, size));
    const auto log = MerkleLog::open(folder.path(), kSync);
    ASSERT_FALSE(log) << size;
    ASSERT_EQ(log.error().code, ErrorCode::corrupt);
    ASSERT_EQ(content_of(folder.path() / "tree").size(), size) << "something was cut";
  }
}

// A write that the end of the process broke off: its leaf was never acknowledged, all others were.
TEST(MerkleLog, ATornEndIsCutToTheLastWholeLeaf) {
  const TemporaryFolder folder;
  {
    auto log = MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).value();
    append(log, 8);
  }
  const std::string tree = content_of(folder.path() / "tree");
  MerkleTree expected;
  std::vector<std::size_t> ends = {64};
  for (std::uint64_t i = 0; i < 8; ++i) {
    ends.push_back(ends.back() + 32 * (1 + static_cast<std::size_t>(std::countr_one(i))));
    expected.append(leaf_of(i));
  }
  ASSERT_EQ(ends.back(), tree.size());
  for (std::size_t size = 64; size <= tree.size(); ++size) {
    write_file(folder.path() / "tree", tree.substr(0, size));
    const auto log = MerkleLog::open(folder.path(), kSync);
    ASSERT_TRUE(log) << size << ": " << log.error().message;
    const auto whole =
        static_cast<std::uint64_t>(std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1);
    ASSERT_EQ(log->size(), whole) << size;
    ASSERT_EQ(log->root(), expected.root_at(whole));
    ASSERT_EQ(content_of(folder.path() / "tree").size(), ends[whole]);
  }
}

TEST(MerkleLog, DamageAfterTheNewestHeadIsFoundAndTheRestCanBeRead) {
  const TemporaryFolder folder;
  {
    auto log = MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).value();
    append(log, 5);
    ASSERT_TRUE(log.checkpoint(test_key(), kNowMs));
    append(log, 4);
  }
  std::string tree = content_of(folder.path() / "tree");
  tree[64 + 32 * 9] = static_cast<char>(tree[64 + 32 * 9] ^ 1);  // leaf 5, below a node
  write_file(folder.path() / "tree", tree);
  EXPECT_EQ(MerkleLog::open(folder.path(), kSync).error().code, ErrorCode::corrupt);
  const auto log = MerkleLog::open_read_only(folder.path(), MerkleLog::Tail::not_counted);
  ASSERT_TRUE(log) << log.error().message;
  EXPECT_EQ(log->size(), 5u);
  EXPECT_TRUE(log->audit());
}

TEST(MerkleLog, WhatIsNotCommittedCannotBeProven) {
  const TemporaryFolder folder;
  auto log = MerkleLog::create(folder.path(), test_key(), kNowMs, kSync).value();
  log.append(leaf_of(0));
  EXPECT_EQ(log.leaf(0).error().code, ErrorCode::unavailable);
  EXPECT_EQ(log.inclusion_proof(0, 1).error().code, ErrorCode::unavailable);
  ASSERT_TRUE(log.commit());
  EXPECT_EQ(log.leaf(0).value(), leaf_of(0));
  EXPECT_TRUE(log.inclusion_proof(0, 1));
}

TEST(MerkleLog, AProofIsCheckedBeforeItIsGivenOut) {
  const TemporaryFolder folder;
  make_log(folder.path(), 64);
  auto log = MerkleLog::open(folder.path(), kSync).value();
  ASSERT_TRUE(log.inclusion_proof(3, 64));
  std::string tree = content_of(folder.path() / "tree");
  tree[64 + 32 * 3] = static_cast<char>(tree[64 + 32 * 3] ^ 1);  // leaf 2, the neighbour
  write_file(folder.path() / "tree", tree);
  const auto proof = log.inclusion_proof(3, 64);
  ASSERT_FALSE(proof);
  EXPECT_EQ(proof.error().code, ErrorCode::corrupt);
  EXPECT_THAT(proof.error().message, HasSubstr("leaf 3"));
  fs::resize_file(folder.path() / "tree", 100);
  EXPECT_EQ(log.inclusion_proof(3, 64).error().code, ErrorCode::corrupt);
  EXPECT_EQ(log.consistency_proof(3, 64).error().code, ErrorCode::corrupt);
  EXPECT_EQ(log.leaf(3).error().code, ErrorCode::corrupt);
  EXPECT_EQ(log.root_at(64).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace sovereign::crypto
