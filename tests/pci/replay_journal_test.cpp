#include "pci/replay_journal.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <random>

#include "envelope_samples.h"
#include "support/temporary_folder.h"

namespace sovereign::pci {
namespace {

namespace fs = std::filesystem;
using sovereign::testing::content_of;
using sovereign::testing::TemporaryFolder;
using sovereign::testing::write_file;

constexpr BootId kBoot{std::byte{1}};
constexpr BootId kNextBoot{std::byte{2}};

ReplayKey key_of(std::uint64_t i) {
  Nonce nonce{};
  std::memcpy(nonce.data(), &i, sizeof i);
  return replay_key({}, nonce);
}

// A store with its journal, as after a start of the process.
struct Started {
  explicit Started(const fs::path& folder, std::uint64_t now_ms, const BootId& boot = kBoot)
      : journal(std::move(ReplayJournal::open(folder, store, now_ms, boot).value())) {}
  void record(std::uint64_t i, std::uint64_t timestamp_ms) {
    ASSERT_EQ(store.record(key_of(i), timestamp_ms), Recorded::fresh);
    const ReplayJournal::Entry entry{key_of(i), timestamp_ms};
    ASSERT_TRUE(journal->append({&entry, 1}, timestamp_ms));
  }

  ReplayStore store{ReplayStoreConfig{}};
  std::unique_ptr<ReplayJournal> journal;
};

fs::path only_file_with_entries(const fs::path& folder) {
  for (const auto& file : fs::directory_iterator(folder))
    if (file.file_size() > 64) return file.path();
  return {};
}

TEST(ReplayJournal, RemembersOverARestart) {
  const TemporaryFolder folder;
  for (std::uint64_t round = 0; round < 5; ++round) {
    Started started(folder.path(), kNowMs + round);
    for (std::uint64_t i = 0; i < 10 * round; ++i) ASSERT_TRUE(started.store.contains(key_of(i))) << i;
    EXPECT_EQ(started.journal->recovery().entries, 10 * round);
    for (std::uint64_t i = 10 * round; i < 10 * round + 10; ++i) started.record(i, kNowMs + i);
  }
}

TEST(ReplayJournal, OneProcessAtATime) {
  const TemporaryFolder folder;
  Started started(folder.path(), kNowMs);
  ReplayStore store{ReplayStoreConfig{}};
  const auto second = ReplayJournal::open(folder.path(), store, kNowMs, kBoot);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::unavailable);
}

TEST(ReplayJournal, FilesGoWhenAllTheyHoldIsStale) {
  const TemporaryFolder folder;
  Started started(folder.path(), kNowMs);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const std::uint64_t now_ms = kNowMs + i * 30'000;
    started.store.forget_before(now_ms - 120'000);
    started.record(i, now_ms);
    ASSERT_LE(started.journal->files(), 4u);
  }
  EXPECT_TRUE(started.store.contains(key_of(99)));
  std::size_t on_disk = 0;
  for ([[maybe_unused]] const auto& file : fs::directory_iterator(folder.path())) ++on_disk;
  EXPECT_EQ(on_disk, started.journal->files() + 1) << "files, and the lock";
}

// Entries are not synced: after a power loss some may be missing, so none of that time may be accepted.
TEST(ReplayJournal, AfterAMachineRestartTheTimeBeforeItIsClosed) {
  const TemporaryFolder folder;
  Started(folder.path(), kNowMs).record(1, kNowMs + 10'000);
  Started started(folder.path(), kNowMs + 60'000, kNextBoot);
  EXPECT_TRUE(started.journal->recovery().other_boot);
  EXPECT_GE(started.store.floor_ms(), kNowMs + 70'000);
  EXPECT_LE(started.store.floor_ms(), kNowMs + 72'000);
  EXPECT_EQ(started.store.record(key_of(2), kNowMs + 60'000), Recorded::forgotten);
  EXPECT_EQ(started.store.record(key_of(3), kNowMs + 75'000), Recorded::fresh);
}

TEST(ReplayJournal, TheClosedTimeStaysClosedOverAProcessRestart) {
  const TemporaryFolder folder;
  Started(folder.path(), kNowMs).record(1, kNowMs);
  std::uint64_t floor_ms = 0;
  {
    Started started(folder.path(), kNowMs + 1'000, kNextBoot);
    floor_ms = started.store.floor_ms();
  }
  Started again(folder.path(), kNowMs + 1'500, kNextBoot);
  EXPECT_FALSE(again.journal->recovery().other_boot);
  EXPECT_EQ(again.store.floor_ms(), floor_ms);
}

TEST(ReplayJournal, ADamagedFileClosesItsTimeToo) {
  const TemporaryFolder folder;
  {
    Started started(folder.path(), kNowMs);
    for (std::uint64_t i = 0; i < 4; ++i) started.record(i, kNowMs);
  }
  const fs::path file = only_file_with_entries(folder.path());
  const std::string good = content_of(file);
  ASSERT_EQ(good.size(), 64u + 4 * 32);
  for (std::size_t i = 0; i < good.size(); ++i) {
    const TemporaryFolder copy;
    write_file(copy.path() / file.filename(), flip(good, i));
    Started started(copy.path(), kNowMs + 1'000);
    for (std::uint64_t n = 0; n < 4; ++n)
      ASSERT_NE(started.store.record(key_of(n), kNowMs), Recorded::fresh) << "byte " << i;
  }
}

TEST(ReplayJournal, AnUnfinishedEntryWasNeverAcknowledged) {
  const TemporaryFolder folder;
  {
    Started started(folder.path(), kNowMs);
    for (std::uint64_t i = 0; i < 3; ++i) started.record(i, kNowMs);
  }
  const fs::path file = only_file_with_entries(folder.path());
  const std::string good = content_of(file);
  for (std::size_t size = 64; size <= good.size(); ++size) {
    const TemporaryFolder copy;
    write_file(copy.path() / file.filename(), good.substr(0, size));
    Started started(copy.path(), kNowMs + 1'000);
    const std::uint64_t whole = (size - 64) / 32;
    ASSERT_EQ(started.journal->recovery().entries, whole);
    ASSERT_EQ(started.journal->recovery().damaged_files, 0u);
    for (std::uint64_t n = 0; n < whole; ++n) ASSERT_TRUE(started.store.contains(key_of(n)));
  }
}

// A power loss may leave a file that is empty, or shorter than its header: what it held could come again.
TEST(ReplayJournal, AFileWithoutItsHeaderClosesItsTime) {
  const TemporaryFolder folder;
  {
    Started started(folder.path(), kNowMs);
    started.record(1, kNowMs);
  }
  const fs::path file = only_file_with_entries(folder.path());
  const std::string good = content_of(file);
  for (const BootId& boot : {kBoot, kNextBoot}) {
    for (std::size_t size = 0; size < 64; ++size) {
      const TemporaryFolder copy;
      write_file(copy.path() / file.filename(), good.substr(0, size));
      {
        Started started(copy.path(), kNowMs + 1'000, boot);
        ASSERT_EQ(started.journal->recovery().damaged_files, 1u) << size << " bytes";
        ASSERT_EQ(started.store.record(key_of(1), kNowMs), Recorded::forgotten) << size << " bytes";
      }
      // The file is gone, and the time stays closed.
      Started again(copy.path(), kNowMs + 2'000, boot);
      ASSERT_EQ(again.journal->recovery().damaged_files, 0u);
      ASSERT_EQ(again.store.record(key_of(1), kNowMs), Recorded::forgotten);
    }
  }
}

TEST(ReplayJournal, FilesThatAreGoneCloseTheirTime) {
  const TemporaryFolder folder;
  {
    Started started(folder.path(), kNowMs);
    started.record(1, kNowMs);
  }
  fs::remove(only_file_with_entries(folder.path()));
  Started started(folder.path(), kNowMs + 1'000);
  EXPECT_EQ(started.journal->recovery().damaged_files, 1u);
  EXPECT_EQ(started.store.record(key_of(1), kNowMs), Recorded::forgotten);
}

TEST(ReplayJournal, TheFirstStartClosesNoTime) {
  const TemporaryFolder folder;
  Started started(folder.path() / "made" / "here", kNowMs);
  EXPECT_EQ(started.journal->recovery().damaged_files, 0u);
  started.record(1, kNowMs);
}

// With no room on the disk nothing is admitted.
TEST(ReplayJournal, AFullDiskRefuses) {
  const TemporaryFolder folder;
  SteadyClock clock;
  Started started(folder.path(), kNowMs);
  GateChain chain(good_policy(), started.store, started.journal.get(), {}, clock);
  ASSERT_EQ(chain.admit({good_envelope()}, kNowMs), RejectCode::none);
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGXFSZ, &ignore, &before), 0);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{64 + 32 + 16, limit.rlim_max};  // half an entry more
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string bytes = good_envelope();
  const RejectCode code = chain.admit({bytes}, kNowMs);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  ::sigaction(SIGXFSZ, &before, nullptr);
  EXPECT_EQ(code, RejectCode::replay_store_unavailable);
  EXPECT_EQ(chain.admit({bytes}, kNowMs), RejectCode::nonce_replay);
  EXPECT_EQ(chain.admit({good_envelope()}, kNowMs), RejectCode::none) << "the half entry was cut off";
  EXPECT_EQ(only_file_with_entries(folder.path()),
            fs::path(folder.path() / "replay-0000000000000001.journal"));
  EXPECT_EQ(fs::file_size(folder.path() / "replay-0000000000000001.journal"), 64u + 2 * 32);
}

// A process admits envelopes, says so over a pipe, and is killed. All that it said yes to must be refused
// later.
TEST(ReplayJournal, WhatWasAdmittedBeforeKill9IsRefusedAfter) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const TemporaryFolder folder;
  std::vector<std::string> envelopes;
  for (int i = 0; i < 4'000; ++i) envelopes.push_back(good_envelope());
  std::size_t next = 0;
  std::vector<std::uint32_t> acknowledged;
  for (int round = 0; round < 12 && next < envelopes.size(); ++round) {
    int pipe_ends[2];
    ASSERT_EQ(::pipe(pipe_ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      SteadyClock clock;
      Started started(folder.path(), kNowMs);
      GateChain chain(good_policy(), started.store, started.journal.get(), {}, clock);
      for (std::uint32_t i = static_cast<std::uint32_t>(next); i < envelopes.size(); ++i) {
        if (chain.admit({envelopes[i]}, kNowMs) != RejectCode::none) ::_exit(1);
        if (::write(pipe_ends[1], &i, sizeof i) != sizeof i) ::_exit(2);
      }
      ::_exit(0);
    }
    ASSERT_GT(child, 0);
    ::close(pipe_ends[1]);
    // Wait for some, then kill; what is in the pipe by then was admitted as well.
    std::uint32_t last = 0;
    const std::size_t wanted = 1 + random() % 200;
    std::size_t got = 0;
    while (::read(pipe_ends[0], &last, sizeof last) == sizeof last) {
      acknowledged.push_back(last);
      if (++got == wanted) ::kill(child, SIGKILL);
    }
    ::close(pipe_ends[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == 0) << "exit " << WEXITSTATUS(status);
    ASSERT_GE(got, 1u);

    SteadyClock clock;
    Started started(folder.path(), kNowMs);
    GateChain chain(good_policy(), started.store, started.journal.get(), {}, clock);
    for (const std::uint32_t i : acknowledged)
      ASSERT_EQ(chain.admit({envelopes[i]}, kNowMs), RejectCode::nonce_replay)
          << "round " << round << ", " << i;
    // The one after may have been taken without the answer getting out.
    next = last + 2;
  }
  EXPECT_GT(acknowledged.size(), 100u);
}

TEST(ReplayJournal, TheMachineHasABootId) {
  const auto id = machine_boot_id();
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_NE(*id, BootId{});
  EXPECT_EQ(*id, machine_boot_id().value());
}

}  // namespace
}  // namespace sovereign::pci
