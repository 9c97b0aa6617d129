#include "pci/log_session.h"

#include <gtest/gtest.h>

#include "pci/receipt_verifier.h"
#include "receipt_samples.h"
#include "support/temporary_folder.h"

namespace sovereign::pci {
namespace {

namespace fs = std::filesystem;
using sovereign::testing::content_of;
using sovereign::testing::TemporaryFolder;
using sovereign::testing::write_file;

constexpr BootId kBoot{std::byte{1}};
constexpr BootId kNextBoot{std::byte{2}};
constexpr const char* kLogFiles[] = {"receipts.jsonl", "offsets", "heads", "tree"};

// What a machine that stops leaves: the files of a log that is open. Two receipts under a stored head, three
// after it.
struct Interrupted {
  explicit Interrupted(ReceiptLog::Sync sync = ReceiptLog::Sync::on_checkpoint) {
    const TemporaryFolder running;
    ReceiptIssuerConfig config = issuer_config(running.path(), kBoot);
    config.sync = sync;
    config.checkpoint_ms = 86'400'000;
    const auto issuer = ReceiptIssuer::open(config, copy_of(issuer_key()), kIssuedMs).value();
    for (int i = 0; i < 5; ++i) {
      files.push_back(issuer->issue(good_draft(), kIssuedMs).value());
      if (i != 1) continue;
      EXPECT_TRUE(issuer->checkpoint());
    }
    fs::copy(running.path(), folder.path(), fs::copy_options::recursive);
  }
  std::string log_id() const {
    return std::string(reinterpret_cast<const char*>(files[0].position.head.head.log_id.data()), 16);
  }

  TemporaryFolder folder;
  std::vector<ReceiptFile> files;
};

std::string log_id_of(const ReceiptFile& file) {
  return std::string(reinterpret_cast<const char*>(file.position.head.head.log_id.data()), 16);
}

TEST(LogSession, ALogThatEndedWellGoesOnAfterARestartOfTheMachine) {
  const TemporaryFolder folder;
  const auto first = open_issuer(folder.path(), kBoot)->issue(good_draft(), kIssuedMs).value();
  const auto issuer = open_issuer(folder.path(), kNextBoot);
  EXPECT_FALSE(issuer->set_aside());
  const auto second = issuer->issue(good_draft(), kIssuedMs).value();
  EXPECT_EQ(second.receipt.content.sequence, 1u);
  EXPECT_TRUE(verify_receipt(second, {.previous = &first.receipt}).holds());
}

TEST(LogSession, AKilledProcessLosesNothingSoItsLogGoesOn) {
  const Interrupted stopped;
  const auto issuer = open_issuer(stopped.folder.path(), kBoot);
  EXPECT_FALSE(issuer->set_aside());
  EXPECT_EQ(issuer->issue(good_draft(), kIssuedMs)->receipt.content.sequence, 5u);
}

// Whatever a power loss left of what no head covers: no number is given twice under one log id, and the
// server has a log to write to.
TEST(LogSession, AfterAPowerLossAnotherLogBegins) {
  for (const char* shorter : kLogFiles) {
    if (std::string_view(shorter) == "heads") continue;
    const Interrupted stopped;
    const fs::path file = stopped.folder.path() / shorter;
    const auto bytes = fs::file_size(file);
    // Of five entries the last is torn or missing, in one file.
    fs::resize_file(file, bytes - (std::string_view(shorter) == "tree" ? 32 : 5));
    const auto issuer = open_issuer(stopped.folder.path(), kNextBoot);
    ASSERT_TRUE(issuer->set_aside()) << shorter;
    EXPECT_EQ(*issuer->set_aside(), stopped.folder.path() / "closed-000001");
    const auto next = issuer->issue(good_draft(), kIssuedMs).value();
    EXPECT_EQ(next.receipt.content.sequence, 0u);
    EXPECT_NE(log_id_of(next), stopped.log_id());
    EXPECT_TRUE(verify_receipt(next).holds());
    // The two that the stored head covers are there; those after it are not said to be.
    for (std::size_t i = 0; i < stopped.files.size(); ++i) {
      const auto found = issuer->find(stopped.files[i].receipt.content.id, kIssuedMs);
      ASSERT_EQ(found.has_value(), i < 2) << i;
      if (!found) continue;
      EXPECT_EQ(log_id_of(*found), stopped.log_id());
      EXPECT_TRUE(verify_receipt(*found).holds()) << verify_receipt(*found).reason();
    }
    EXPECT_EQ(issuer->find(next.receipt.content.id, kIssuedMs)->receipt.content.id, next.receipt.content.id);
    const auto covered = ReceiptLog::open_read_only(*issuer->set_aside(), ReceiptLog::Tail::not_counted);
    ASSERT_TRUE(covered) << covered.error().message;
    EXPECT_EQ(covered->size(), 2u);
    EXPECT_TRUE(covered->audit());
  }
}

TEST(LogSession, LogsThatWereSetAsideAreKeptApart) {
  const Interrupted stopped;
  for (int i = 1; i <= 3; ++i) {
    const auto boot = BootId{std::byte{static_cast<unsigned char>(i + 1)}};
    const TemporaryFolder running;
    fs::remove_all(running.path());
    fs::rename(stopped.folder.path(), running.path());
    {
      const auto issuer = open_issuer(running.path(), boot);
      ASSERT_TRUE(issuer->set_aside());
      EXPECT_EQ(issuer->set_aside()->filename(), "closed-00000" + std::to_string(i));
      ASSERT_TRUE(issuer->issue(good_draft(), kIssuedMs));
      fs::copy(running.path(), stopped.folder.path(), fs::copy_options::recursive);
    }
  }
  EXPECT_EQ(closed_logs(stopped.folder.path()).size(), 3u);
}

TEST(LogSession, ALogOfWhichEachReceiptIsSyncedGoesOnAfterAPowerLoss) {
  const Interrupted stopped(ReceiptLog::Sync::each_commit);
  {
    const auto issuer = open_issuer(stopped.folder.path(), kNextBoot);
    EXPECT_FALSE(issuer->set_aside());
    for (const ReceiptFile& file : stopped.files)
      EXPECT_TRUE(issuer->find(file.receipt.content.id, kIssuedMs));
    EXPECT_EQ(issuer->issue(good_draft(), kIssuedMs)->receipt.content.sequence, 5u);
  }
  EXPECT_TRUE(ReceiptLog::open_read_only(stopped.folder.path())->audit());
}

// A receipt that nobody was given may be torn.
TEST(LogSession, ATornEndOfALogOfWhichEachIsSyncedIsSetAside) {
  const Interrupted stopped(ReceiptLog::Sync::each_commit);
  const fs::path tree = stopped.folder.path() / "tree";
  write_file(tree, content_of(tree) + std::string(32, 'x') + std::string(32, 'y'));
  const auto issuer = open_issuer(stopped.folder.path(), kNextBoot);
  EXPECT_TRUE(issuer->set_aside());
  EXPECT_EQ(issuer->issue(good_draft(), kIssuedMs)->receipt.content.sequence, 0u);
}

TEST(LogSession, DamageToWhatWasOnTheDiskIsAnError) {
  const Interrupted stopped;
  const fs::path tree = stopped.folder.path() / "tree";
  std::string bytes = content_of(tree);
  bytes[64 + 2 * 32] = static_cast<char>(bytes[64 + 2 * 32] ^ 1);  // the root of the newest head
  write_file(tree, bytes);
  const auto opened =
      ReceiptIssuer::open(issuer_config(stopped.folder.path(), kNextBoot), copy_of(issuer_key()), kIssuedMs);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
  EXPECT_TRUE(fs::exists(tree)) << "left where it was";
}

TEST(LogSession, ASessionThatCannotBeReadIsTakenForAPowerLoss) {
  const Interrupted stopped;
  const std::string session = content_of(stopped.folder.path() / "session");
  ASSERT_EQ(session.size(), 64u);
  for (std::size_t size = 0; size <= session.size(); ++size) {
    const TemporaryFolder folder;
    fs::copy(stopped.folder.path(), folder.path(), fs::copy_options::recursive);
    write_file(folder.path() / "session",
               size < 64 ? session.substr(0, size) : session.substr(0, 32) + "x" + session.substr(33));
    const auto issuer = open_issuer(folder.path(), kBoot);
    ASSERT_TRUE(issuer->set_aside()) << size;
  }
}

// The process dies between any two of the moves.
TEST(LogSession, ASettingAsideThatWasBrokenOffIsEnded) {
  const Interrupted stopped;
  // The record that set_aside() writes before its moves.
  const TemporaryFolder other;
  fs::copy(stopped.folder.path(), other.path(), fs::copy_options::recursive);
  ASSERT_TRUE(LogSession::open(other.path(), kNextBoot)->set_aside());
  const std::string record = content_of(other.path() / "session").substr(64, 64);
  for (std::size_t moved = 0; moved <= std::size(kLogFiles); ++moved) {
    const TemporaryFolder folder;
    fs::copy(stopped.folder.path(), folder.path(), fs::copy_options::recursive);
    write_file(folder.path() / "session", content_of(folder.path() / "session") + record);
    fs::create_directory(folder.path() / "closed-000001");
    for (std::size_t i = 0; i < moved; ++i)
      fs::rename(folder.path() / kLogFiles[i], folder.path() / "closed-000001" / kLogFiles[i]);
    std::string first;
    {
      const auto issuer = open_issuer(folder.path(), kNextBoot);
      const auto file = issuer->issue(good_draft(), kIssuedMs).value();
      EXPECT_EQ(file.receipt.content.sequence, 0u);
      first = file.receipt.content.id;
      EXPECT_TRUE(issuer->find(stopped.files[0].receipt.content.id, kIssuedMs)) << moved;
    }
    // The new log is not taken for the old one.
    EXPECT_TRUE(open_issuer(folder.path(), kNextBoot)->find(first, kIssuedMs)) << moved;
  }
}

TEST(LogSession, OneProcessAtATime) {
  const TemporaryFolder folder;
  const auto issuer = open_issuer(folder.path(), kBoot);
  const auto second = LogSession::open(folder.path(), kBoot);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace sovereign::pci
