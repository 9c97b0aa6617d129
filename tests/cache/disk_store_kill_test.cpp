// Kills a process that writes to the disk store, again and again, and checks what is left: every value
// is exactly one that was written for its key, and nothing accepted more than a second before is missing.
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <thread>
#include <vector>

#include "cache/disk_store.h"
#include "cache_support.h"
#include "kill_journal.h"
#include "support/temporary_folder.h"

extern char** environ;

namespace sovereign::cache {
namespace {

constexpr int kRounds = 100;
constexpr std::int64_t kSecondNs = 1'000'000'000;

pid_t spawn(const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t child = -1;
  EXPECT_EQ(::posix_spawn(&child, program.c_str(), nullptr, nullptr, argv.data(), environ), 0);
  return child;
}

TEST(DiskStoreKill, NothingOldIsLostAndNothingIsWrong) {
  const auto seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937_64 random(seed);
  const testing::TemporaryFolder folder;
  KillJournal* journal = map_journal(folder.file("journal"));
  std::vector<std::uint64_t> required(kJournalKeys, 0);  // the least version that must be there
  std::uint64_t acknowledged = 0;
  std::uint64_t required_by_age = 0;

  for (int round = 0; round < kRounds; ++round) {
    journal->acks = 0;
    // Mostly short lives, so that opening, recovery and the first batches are hit too; every tenth is
    // long enough for the promise about the last second to bite.
    const auto life = std::chrono::milliseconds(round % 10 == 9 ? 1100 + random() % 500 : random() % 200);
    const pid_t child = spawn(SOVEREIGN_DISK_STORE_WRITER,
                              {folder.file("cache.db"), folder.file("journal"), std::to_string(random())});
    ASSERT_GT(child, 0);
    std::this_thread::sleep_for(life);
    const std::int64_t killed_at = monotonic_ns();
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the writer ended by itself: " << WEXITSTATUS(status);

    const std::uint64_t acks = std::min(journal->acks.load(), kJournalAcks);
    acknowledged += acks;
    for (std::uint64_t i = 0; i < acks; ++i) {
      KillJournal::Ack& ack = journal->ack[i];
      const std::int64_t at = ack.at_ns.exchange(0);
      if (at == 0 || at > killed_at - kSecondNs) continue;
      ++required_by_age;
      required[ack.key] = std::max(required[ack.key], ack.version);
    }

    DiskStoreConfig config;
    config.path = folder.file("cache.db");
    auto store = DiskStore::open(config, Stamp("kill", "test"));
    ASSERT_TRUE(store.has_value()) << store.error().message;
    ASSERT_TRUE((*store)->wait_until_open().has_value());
    for (std::uint64_t key = 0; key < kJournalKeys; ++key) {
      const std::string encoding = encoding_of(key);
      const EntryPtr entry = (*store)->get(key_of(encoding), at_ms(0));
      const std::uint64_t version = entry ? std::stoull(std::string(entry->value().substr(0, 20))) : 0;
      if (entry) {
        ASSERT_LE(version, journal->begun[key]) << "round " << round << ": a value nobody wrote";
        ASSERT_EQ(entry->value(), value_of(key, version)) << "round " << round << ", key " << key;
      }
      ASSERT_GE(version, required[key]) << "round " << round << ": key " << key << " lost an old value";
      required[key] = version;  // what was read back is stored
    }
    ASSERT_EQ((*store)->stats().corrupt, 0u);
    ASSERT_EQ((*store)->stats().errors, 0u);
  }
  std::printf("%d rounds, %llu puts acknowledged, %llu of them more than a second before the kill\n", kRounds,
              static_cast<unsigned long long>(acknowledged),
              static_cast<unsigned long long>(required_by_age));
  EXPECT_GT(required_by_age, 0u);
}

}  // namespace
}  // namespace sovereign::cache
