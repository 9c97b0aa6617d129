#include "pci/receipt_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>
#include <thread>

#include "crypto/merkle_proof.h"
#include "pci/receipt_verifier.h"
#include "receipt_samples.h"
#include "support/temporary_folder.h"

namespace sovereign::pci {
namespace {

namespace fs = std::filesystem;
using sovereign::testing::content_of;
using sovereign::testing::TemporaryFolder;
using sovereign::testing::write_file;

result<void> open_and_audit(const fs::path& folder) {
  const auto log = ReceiptLog::open_read_only(folder);
  if (!log) return fail(log.error());
  return log->audit();
}

void issue(ReceiptIssuer& issuer, int count) {
  for (int i = 0; i < count; ++i) ASSERT_TRUE(issuer.issue(good_draft(), kIssuedMs));
}

TEST(ReceiptLog, GoesOnAfterARestart) {
  const TemporaryFolder folder;
  std::vector<ReceiptFile> files;
  for (int round = 0; round < 4; ++round) {
    const auto issuer = open_issuer(folder.path());
    for (int i = 0; i < 3; ++i) files.push_back(issuer->issue(good_draft(), kIssuedMs).value());
  }
  const auto issuer = open_issuer(folder.path());
  for (std::size_t i = 0; i < files.size(); ++i) {
    EXPECT_EQ(files[i].receipt.content.sequence, i);
    const auto found = issuer->find(files[i].receipt.content.id, kIssuedMs + 9);
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(entry_text(found->receipt), entry_text(files[i].receipt));
    EXPECT_EQ(found->position.head.head.size, files.size());
    EXPECT_FALSE(found->openings.answer_salt);
    EXPECT_TRUE(verify_receipt(*found).holds()) << verify_receipt(*found).reason();
    if (i > 0) {
      EXPECT_TRUE(verify_receipt(files[i], {.previous = &files[i - 1].receipt}).holds());
    }
  }
  EXPECT_TRUE(open_and_audit(folder.path()));
}

TEST(ReceiptLog, FindsByTheWholeIdOnly) {
  const TemporaryFolder folder;
  const auto issuer = open_issuer(folder.path());
  std::string id = issuer->issue(good_draft(), kIssuedMs)->receipt.content.id;
  ASSERT_TRUE(issuer->find(id, kIssuedMs));
  for (const std::string& wrong :
       {std::string(), std::string("r-0"), std::string("r-0-"), id + "0", id.substr(0, id.size() - 1),
        std::string("r-7-") + id.substr(4), "x" + id, std::string("r-99999999999999999999999-0")}) {
    const auto found = issuer->find(wrong, kIssuedMs);
    ASSERT_FALSE(found) << wrong;
    EXPECT_EQ(found.error().code, ErrorCode::not_found);
  }
}

TEST(ReceiptLog, AnyChangedByteIsFound) {
  const TemporaryFolder folder;
  issue(*open_issuer(folder.path()), 3);
  const auto audited = open_and_audit(folder.path());
  ASSERT_TRUE(audited) << audited.error().message;
  for (const char* name : {"receipts.jsonl", "offsets", "tree", "heads"}) {
    const std::string good = content_of(folder.path() / name);
    ASSERT_FALSE(good.empty());
    for (std::size_t i = 0; i < good.size(); ++i) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
      write_file(folder.path() / name, bad);
      ASSERT_FALSE(open_and_audit(folder.path())) << name << ", byte " << i;
    }
    write_file(folder.path() / name, good + "x");
    EXPECT_FALSE(open_and_audit(folder.path())) << name;
    write_file(folder.path() / name, good);
  }
  EXPECT_TRUE(open_and_audit(folder.path()));
}

// Killed between any two writes: the tree decides, and no receipt that was given out is missing.
TEST(ReceiptLog, WhatHasNoLeafIsCutAndNothingElse) {
  const TemporaryFolder folder;
  issue(*open_issuer(folder.path()), 3);
  const std::string lines = content_of(folder.path() / "receipts.jsonl");
  const std::string offsets = content_of(folder.path() / "offsets");
  for (const std::string& torn_line : {std::string("{\"content\""), std::string("{}\n")}) {
    for (const std::string& torn_offset : {std::string(), std::string("abc"), std::string("abcdefgh")}) {
      write_file(folder.path() / "receipts.jsonl", lines + torn_line);
      write_file(folder.path() / "offsets", offsets + torn_offset);
      const auto log =
          ReceiptLog::open(folder.path(), issuer_key(), kIssuedMs, ReceiptLog::Sync::on_checkpoint);
      ASSERT_TRUE(log) << log.error().message;
      EXPECT_EQ(log->size(), 3u);
      EXPECT_EQ(content_of(folder.path() / "receipts.jsonl"), lines);
      EXPECT_EQ(content_of(folder.path() / "offsets"), offsets);
      EXPECT_TRUE(log->audit());
    }
  }
  // What was given out may not be missing.
  write_file(folder.path() / "receipts.jsonl", lines.substr(0, lines.size() - 1));
  EXPECT_FALSE(ReceiptLog::open(folder.path(), issuer_key(), kIssuedMs, ReceiptLog::Sync::on_checkpoint));
  write_file(folder.path() / "receipts.jsonl", lines);
  write_file(folder.path() / "offsets", offsets.substr(0, offsets.size() - 1));
  EXPECT_FALSE(ReceiptLog::open(folder.path(), issuer_key(), kIssuedMs, ReceiptLog::Sync::on_checkpoint));
}

// A process issues receipts, says so over a pipe, and is killed: each that it told of must be there, and all
// hold.
TEST(ReceiptLog, NoReceiptThatWasGivenOutIsLostByKill9) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const TemporaryFolder folder;
  issuer_key();  // made before the fork, so that all rounds have the same
  std::vector<std::array<char, 64>> told;
  for (int round = 0; round < 8; ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto issuer = open_issuer(folder.path());
      for (;;) {
        const auto file = issuer->issue(good_draft(), kIssuedMs);
        if (!file) ::_exit(1);
        std::array<char, 64> id{};
        file->receipt.content.id.copy(id.data(), id.size() - 1);
        if (::write(pipe_ends[1], id.data(), id.size()) != static_cast<ssize_t>(id.size())) ::_exit(2);
      }
    }
    ASSERT_GT(child, 0);
    ::close(pipe_ends[1]);
    const std::size_t wanted = told.size() + 1 + random() % 30;
    std::array<char, 64> id{};
    while (::read(pipe_ends[0], id.data(), id.size()) == static_cast<ssize_t>(id.size())) {
      told.push_back(id);
      if (told.size() == wanted) ::kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "exit " << WEXITSTATUS(status);
    const auto issuer = open_issuer(folder.path());
    for (const auto& one : told) ASSERT_TRUE(issuer->find(one.data(), kIssuedMs)) << "round " << round;
  }
  const auto audited = open_and_audit(folder.path());
  EXPECT_TRUE(audited) << audited.error().message;
}

// No further receipt is needed for the last ones before a pause to be covered.
TEST(ReceiptLog, ACheckpointFollowsTheLastReceipt) {
  const TemporaryFolder folder;
  ReceiptIssuerConfig config = issuer_config(folder.path());
  config.checkpoint_ms = 1;
  const auto issuer = ReceiptIssuer::open(config, copy_of(issuer_key()), kIssuedMs).value();
  for (std::uint64_t size = 1; size <= 3; ++size) {
    issue(*issuer, 1);
    const auto covered = [&] {
      return crypto::MerkleLog::open_read_only(folder.path(), crypto::MerkleLog::Tail::not_counted)->size();
    };
    while (issuer->stats().checkpoints < size) std::this_thread::yield();
    EXPECT_EQ(covered(), size);
  }
}

TEST(ReceiptLog, ShowsThatItOnlyGrew) {
  const TemporaryFolder folder;
  const auto issuer = open_issuer(folder.path());
  std::vector<crypto::TreeHead> heads;
  for (int i = 0; i < 9; ++i) heads.push_back(issuer->issue(good_draft(), kIssuedMs)->position.head.head);
  for (std::size_t from = 0; from < heads.size(); ++from) {
    for (std::size_t to = from; to < heads.size(); ++to) {
      const auto shown = issuer->consistency(from + 1, to + 1, kIssuedMs);
      ASSERT_TRUE(shown) << shown.error().message;
      EXPECT_TRUE(
          crypto::verify_consistency(from + 1, heads[from].root, to + 1, heads[to].root, shown->path));
    }
    const auto now = issuer->consistency(from + 1, 0, kIssuedMs + 5);
    ASSERT_TRUE(now);
    EXPECT_EQ(now->head.head.size, heads.size());
    EXPECT_EQ(now->head.head.root, heads.back().root);
    const auto read = consistency_from_json(to_json(*now));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(to_json(*read), to_json(*now));
    EXPECT_TRUE(crypto::verify_tree_head(now->head, issuer->public_key()));
  }
  for (const auto& [from, to] : {std::pair<std::uint64_t, std::uint64_t>{10, 0}, {3, 2}, {1, 10}})
    EXPECT_EQ(issuer->consistency(from, to, kIssuedMs).error().code, ErrorCode::invalid_argument);
}

TEST(ReceiptLog, ManyThreadsGetOneChain) {
  const TemporaryFolder folder;
  {
    const auto issuer = open_issuer(folder.path());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i) {
          const auto file = issuer->issue(good_draft(), kIssuedMs);
          if (!file || !verify_receipt(*file, {.answer = kAnswer}).holds()) ADD_FAILURE() << "a bad receipt";
          if (file && !issuer->find(file->receipt.content.id, kIssuedMs)) ADD_FAILURE() << "not found";
        }
      });
    for (std::thread& thread : threads) thread.join();
  }
  const auto log = ReceiptLog::open_read_only(folder.path());
  ASSERT_TRUE(log);
  EXPECT_EQ(log->size(), 200u);
  EXPECT_TRUE(log->audit());
}

}  // namespace
}  // namespace sovereign::pci
