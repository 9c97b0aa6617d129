#include "cache/disk_store.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "cache/disk_file.h"
#include "cache_support.h"
#include "faulty_vfs.h"
#include "support/temporary_folder.h"

namespace sovereign::cache {
namespace {

using namespace std::chrono_literals;

const Stamp kStamp("test 1", "model a");

class DiskStoreTest : public ::testing::Test {
 protected:
  DiskStoreConfig config() const {
    DiskStoreConfig config;
    config.path = folder_.file("cache.db");
    config.flush_interval = 20ms;
    return config;
  }

  std::unique_ptr<DiskStore> open(const Stamp& stamp = kStamp) { return open(config(), stamp); }
  static std::unique_ptr<DiskStore> open(const DiskStoreConfig& config, const Stamp& stamp = kStamp) {
    auto store = DiskStore::open(config, stamp);
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().message);
    EXPECT_TRUE((*store)->wait_until_open().has_value());
    return std::move(*store);
  }
  static std::string get(DiskStore& store, std::uint64_t id, WallTime now = at_ms(0)) {
    const std::string encoding = encoding_of(id);
    const EntryPtr entry = store.get(key_of(encoding), now);
    return entry ? std::string(entry->value()) : "(none)";
  }
  static std::string bytes_of_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Changes the file behind the store's back, as damage would.
  void tamper(const std::string& sql) const {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(folder_.file("cache.db").c_str(), &database), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(database);
    sqlite3_close(database);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(DiskStoreTest, WhatWasAcceptedIsSeenAtOnceAndAfterAReopen) {
  auto store = open();
  ASSERT_TRUE(store->put(entry_of(1, "one")));
  ASSERT_TRUE(store->put(entry_of(2, "two", at_ms(1000), at_ms(7))));
  EXPECT_EQ(get(*store, 1), "one");
  ASSERT_TRUE(store->flush().has_value());
  EXPECT_EQ(get(*store, 1), "one");
  EXPECT_EQ(get(*store, 3), "(none)");
  store.reset();
  store = open();
  EXPECT_EQ(get(*store, 1), "one");
  EXPECT_EQ(get(*store, 2, at_ms(999)), "two");
  EXPECT_EQ(get(*store, 2, at_ms(1000)), "(none)");
  EXPECT_EQ(store->peek(hash128(encoding_of(2)), at_ms(0))->created(), at_ms(7));
  EXPECT_EQ(store->stats().entries, 2u);
}

TEST_F(DiskStoreTest, ClosingStoresWhatWasAccepted) {
  auto slow = config();
  slow.flush_interval = 1h;
  auto store = open(slow);
  store->put(entry_of(1, "one"));
  store.reset();
  EXPECT_EQ(get(*open(), 1), "one");
}

TEST_F(DiskStoreTest, TheWriterStoresWithoutBeingAsked) {
  auto store = open();
  store->put(entry_of(1, "one"));
  while (store->stats().pending > 0) std::this_thread::yield();
  EXPECT_EQ(store->stats().writes, 1u);
  EXPECT_EQ(get(*store, 1), "one");
}

TEST_F(DiskStoreTest, ErasedAndClearedStayAway) {
  auto store = open();
  for (std::uint64_t id = 0; id < 100; ++id) store->put(entry_of(id, "v"));
  ASSERT_TRUE(store->flush().has_value());
  store->erase(hash128(encoding_of(1)));
  EXPECT_EQ(get(*store, 1), "(none)");
  ASSERT_TRUE(store->flush().has_value());
  store.reset();
  store = open();
  EXPECT_EQ(get(*store, 1), "(none)");
  EXPECT_EQ(get(*store, 2), "v");
  store->put(entry_of(200, "queued"));
  ASSERT_TRUE(store->clear().has_value());
  EXPECT_EQ(get(*store, 2), "(none)");
  EXPECT_EQ(get(*store, 200), "(none)");
  EXPECT_EQ(store->stats().entries, 0u);
  store->put(entry_of(3, "new"));
  store.reset();
  store = open();
  EXPECT_EQ(get(*store, 2), "(none)");
  EXPECT_EQ(get(*store, 3), "new");
}

TEST_F(DiskStoreTest, AnotherVersionOrModelBeginsAnew) {
  auto store = open();
  store->put(entry_of(1, "one"));
  store.reset();
  store = open(Stamp("test 2", "model a"));
  EXPECT_EQ(get(*store, 1), "(none)");
  store->put(entry_of(1, "two"));
  store.reset();
  EXPECT_EQ(get(*open(Stamp("test 2", "model b")), 1), "(none)");
}

TEST_F(DiskStoreTest, OneHashTwoQueriesNeverGivesTheOtherAnswer) {
  auto store = open();
  store->put(Entry::make(QueryKey({1, 2}, "mine"), "my answer", at_ms(0)));
  EXPECT_EQ(store->get(QueryKey({1, 2}, "theirs"), at_ms(0)), nullptr);
  ASSERT_TRUE(store->flush().has_value());
  EXPECT_EQ(store->get(QueryKey({1, 2}, "theirs"), at_ms(0)), nullptr);
  EXPECT_EQ(store->get(QueryKey({1, 2}, "mine"), at_ms(0))->value(), "my answer");
}

TEST_F(DiskStoreTest, DamagedAndMisplacedRecordsAreMisses) {
  auto store = open();
  for (std::uint64_t id = 1; id <= 4; ++id) store->put(entry_of(id, "value"));
  store.reset();
  tamper(
      "UPDATE entry SET record = CAST(substr(record, 1, 80) || x'00' || substr(record, 82) AS BLOB) WHERE id "
      "= 1;"
      "UPDATE entry SET record = substr(record, 1, 50) WHERE id = 2;"
      "UPDATE entry SET record = (SELECT record FROM entry WHERE id = 4) WHERE id = 3;");
  store = open();
  int found = 0;
  for (std::uint64_t id = 1; id <= 4; ++id) {
    const std::string value = get(*store, id);
    EXPECT_TRUE(value == "value" || value == "(none)");
    found += value == "value" ? 1 : 0;
  }
  EXPECT_EQ(found, 1);
  EXPECT_EQ(store->stats().corrupt, 3u);
  store->put(entry_of(1, "again"));
  ASSERT_TRUE(store->flush().has_value());
  EXPECT_EQ(get(*store, 1), "again");
}

// A wrong cache.disk_path deleted the file it named.
TEST_F(DiskStoreTest, AFileOfSomebodyElseIsLeftAlone) {
  const std::string path = folder_.file("cache.db");
  const auto make_database = [&](const std::string& sql) {
    std::filesystem::remove(path);
    tamper(sql);
  };
  const std::vector<std::pair<std::string, std::function<void()>>> others = {
      {"a text", [&] { std::ofstream(path) << std::string(10'000, 'x'); }},
      {"a short text", [&] { std::ofstream(path) << "notes"; }},
      {"a database",
       [&] { make_database("CREATE TABLE accounts(name); INSERT INTO accounts VALUES('me')"); }},
      {"a database in WAL mode",
       [&] { make_database("PRAGMA journal_mode = WAL; CREATE TABLE accounts(name)"); }},
      {"a database with a mark",
       [&] { make_database("PRAGMA application_id = 7; CREATE TABLE accounts(name)"); }},
      {"a database without tables", [&] { make_database("PRAGMA user_version = 3"); }},
      {"a table that looks like ours",
       [&] { make_database("CREATE TABLE meta(stamp); CREATE TABLE entry(id)"); }},
  };
  for (const auto& [what, make] : others) {
    SCOPED_TRACE(what);
    make();
    const std::string before = bytes_of_file(path);
    ASSERT_FALSE(before.empty());
    auto store = DiskStore::open(config(), kStamp);
    ASSERT_TRUE(store.has_value());
    const auto opened = (*store)->wait_until_open();
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::already_exists);
    EXPECT_NE(opened.error().message.find(path), std::string::npos);
    (*store)->put(entry_of(1, "one"));
    EXPECT_EQ(get(**store, 1), "one") << "what was accepted is still seen";
    EXPECT_FALSE((*store)->clear().has_value());
    EXPECT_FALSE((*store)->stats().healthy);
    store->reset();
    EXPECT_EQ(bytes_of_file(path), before);
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(path + "-journal"));
  }
}

TEST_F(DiskStoreTest, WhereSomebodyElsesFileWasTakenAwayItBegins) {
  std::ofstream(folder_.file("cache.db")) << "notes";
  auto store = DiskStore::open(config(), kStamp);
  ASSERT_TRUE(store.has_value());
  ASSERT_FALSE((*store)->wait_until_open().has_value());
  (*store)->put(entry_of(1, "one"));
  std::filesystem::remove(folder_.file("cache.db"));
  EXPECT_TRUE((*store)->flush().has_value());
  store->reset();
  EXPECT_EQ(get(*open(), 1), "one");
}

TEST_F(DiskStoreTest, NoPipeAndNoFolderIsOpened) {
  ASSERT_EQ(::mkfifo(folder_.file("cache.db").c_str(), 0600), 0);
  auto store = DiskStore::open(config(), kStamp);
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ((*store)->wait_until_open().error().code, ErrorCode::already_exists);
  store->reset();
  std::filesystem::remove(folder_.file("cache.db"));
  std::filesystem::create_directory(folder_.file("cache.db"));
  store = DiskStore::open(config(), kStamp);
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ((*store)->wait_until_open().error().code, ErrorCode::already_exists);
}

// kill -9 before the first checkpoint leaves all but the first transaction in SQLite's log.
TEST_F(DiskStoreTest, ItsFileIsKnownFromItsFirstTransactionOn) {
  auto store = open();
  store->put(entry_of(1, "one"));
  ASSERT_TRUE(store->flush().has_value());
  EXPECT_EQ(owner_of_disk_file(folder_.file("cache.db")), DiskFileOwner::cache);
}

TEST_F(DiskStoreTest, AnEmptyFileIsTaken) {
  std::ofstream(folder_.file("cache.db")).close();
  auto store = open();
  store->put(entry_of(1, "one"));
  EXPECT_TRUE(store->flush().has_value());
}

// Pages overwritten at random: never a wrong answer, never a crash, and the store comes back to health.
TEST_F(DiskStoreTest, RandomDamageNeverGivesAWrongAnswer) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 10; ++round) {
    auto store = open();
    for (std::uint64_t id = 0; id < 300; ++id)
      store->put(entry_of(id, encoding_of(id) + std::string(id * 7, 'v')));
    store.reset();
    {
      std::fstream file(folder_.file("cache.db"), std::ios::in | std::ios::out | std::ios::binary);
      const auto size = std::filesystem::file_size(folder_.file("cache.db"));
      for (int hit = 0; hit < 20; ++hit) {
        // Not the bytes by which the file is known: without them it would be left alone.
        auto at = random() % size;
        while (at < 16 || (at >= 68 && at < 72)) at = random() % size;
        file.seekp(static_cast<std::streamoff>(at));
        file.put(static_cast<char>(random()));
      }
    }
    store = open();
    for (std::uint64_t id = 0; id < 300; ++id) {
      const std::string value = get(*store, id);
      if (value == "(none)") continue;
      ASSERT_EQ(value, encoding_of(id) + std::string(id * 7, 'v'));
    }
    // A damaged structure is found by the reader or by the writer; either way it is begun anew.
    store->put(entry_of(1000, "after"));
    for (int attempt = 0; attempt < 3 && !store->flush().has_value(); ++attempt) {
    }
    ASSERT_TRUE(store->clear().has_value());
    store->put(entry_of(1000, "after"));
    ASSERT_TRUE(store->flush().has_value());
    EXPECT_EQ(get(*store, 1000), "after");
  }
}

TEST_F(DiskStoreTest, StaysInsideItsBoundAndKeepsWhatIsUsed) {
  auto small = config();
  small.max_bytes = 2 << 20;
  auto store = open(small);
  const std::string value(10'000, 'v');
  for (std::uint64_t id = 0; id < 1000; ++id) {
    store->put(entry_of(id, value));
    if (id % 50 == 49) {
      ASSERT_TRUE(store->flush().has_value());
      ASSERT_EQ(get(*store, 7), value) << "after " << id;  // used, so it is not the oldest
      ASSERT_LE(store->stats().bytes, small.max_bytes);
    }
  }
  EXPECT_GT(store->stats().evictions, 700u);
  EXPECT_EQ(get(*store, 8), "(none)");
  EXPECT_EQ(get(*store, 999), value);
  EXPECT_FALSE(store->put(entry_of(5000, std::string(600'000, 'x'))));
  const auto entries = store->stats().entries;
  store.reset();
  EXPECT_LE(std::filesystem::file_size(small.path), small.max_bytes + 64 * 1024);
  EXPECT_EQ(open(small)->stats().entries, entries);
}

class DiskStoreFaultTest : public DiskStoreTest, public ::testing::WithParamInterface<DiskFault> {
 protected:
  ~DiskStoreFaultTest() override { set_disk_fault(DiskFault::none); }
};

TEST_P(DiskStoreFaultTest, DegradesAndComesBack) {
  auto faulty = config();
  faulty.vfs = faulty_vfs();
  faulty.retry_interval = 10ms;
  faulty.max_queue_bytes = 100'000;
  auto store = open(faulty);
  store->put(entry_of(1, "before"));
  ASSERT_TRUE(store->flush().has_value());
  set_disk_fault(GetParam());
  store->put(entry_of(2, "during"));
  store->erase(hash128(encoding_of(1)));
  EXPECT_FALSE(store->flush().has_value());
  EXPECT_FALSE(store->stats().healthy);
  EXPECT_GT(store->stats().errors, 0u);
  EXPECT_EQ(get(*store, 2), "during");  // from its queue
  EXPECT_EQ(get(*store, 1), "(none)");
  std::uint64_t refused = 0;
  for (std::uint64_t id = 100; id < 300; ++id)
    refused += store->put(entry_of(id, std::string(1000, 'v'))) ? 0 : 1;
  EXPECT_GT(refused, 100u);  // the queue is bounded
  EXPECT_EQ(store->stats().refusals, refused);
  set_disk_fault(DiskFault::none);
  while (!store->stats().healthy) std::this_thread::yield();
  ASSERT_TRUE(store->flush().has_value());
  store.reset();
  store = open();
  EXPECT_EQ(get(*store, 1), "(none)");
  EXPECT_EQ(get(*store, 2), "during");
  EXPECT_EQ(get(*store, 100), std::string(1000, 'v'));
}

TEST_P(DiskStoreFaultTest, AClearThatFailsStillHidesEverything) {
  auto faulty = config();
  faulty.vfs = faulty_vfs();
  faulty.retry_interval = 10ms;
  auto store = open(faulty);
  store->put(entry_of(1, "before"));
  ASSERT_TRUE(store->flush().has_value());
  set_disk_fault(GetParam());
  EXPECT_FALSE(store->clear().has_value());
  EXPECT_EQ(get(*store, 1), "(none)");
  store->put(entry_of(2, "after"));
  EXPECT_EQ(get(*store, 2), "after");
  set_disk_fault(DiskFault::none);
  while (!store->stats().healthy) std::this_thread::yield();
  ASSERT_TRUE(store->flush().has_value());
  store.reset();
  store = open();
  EXPECT_EQ(get(*store, 1), "(none)");
  EXPECT_EQ(get(*store, 2), "after");
}

INSTANTIATE_TEST_SUITE_P(Faults, DiskStoreFaultTest, ::testing::Values(DiskFault::full, DiskFault::broken),
                         [](const auto& fault) {
                           return fault.param == DiskFault::full ? "Full" : "Broken";
                         });

// What a server does until it is ready, and its first queries, need nothing of the file: here the disk does
// not answer at all until they are through.
TEST_F(DiskStoreTest, AHundredThousandAnswersKeepNobodyWaiting) {
  constexpr std::uint64_t kEntries = 100'000;
  {
    auto roomy = config();
    roomy.max_queue_bytes = 256 << 20;
    auto store = open(roomy);
    for (std::uint64_t id = 0; id < kEntries; ++id) ASSERT_TRUE(store->put(entry_of(id, "kept")));
    ASSERT_TRUE(store->flush().has_value());
    ASSERT_EQ(store->stats().entries, kEntries);
  }
  auto slow = config();
  slow.vfs = faulty_vfs();
  set_disk_fault(DiskFault::stalled);
  auto store = DiskStore::open(slow, kStamp);
  ASSERT_TRUE(store.has_value()) << store.error().message;
  EXPECT_EQ(get(**store, 7), "(none)") << "a miss, until the file is open";
  ASSERT_TRUE((*store)->put(entry_of(kEntries, "new")));
  EXPECT_EQ(get(**store, kEntries), "new");
  EXPECT_FALSE((*store)->stats().healthy);
  set_disk_fault(DiskFault::none);
  ASSERT_TRUE((*store)->wait_until_open().has_value());
  EXPECT_EQ(get(**store, 7), "kept");
  EXPECT_EQ(get(**store, kEntries - 1), "kept");
}

TEST_F(DiskStoreTest, OneProcessPerFile) {
  auto store = open();
  EXPECT_EQ(DiskStore::open(config(), kStamp).error().code, ErrorCode::unavailable);
  store.reset();
  EXPECT_TRUE(DiskStore::open(config(), kStamp).has_value());
}

TEST_F(DiskStoreTest, SaysWhatIsWrongWithItsConfiguration) {
  auto bad = config();
  bad.path = folder_.file("no such folder/cache.db");
  EXPECT_EQ(DiskStore::open(bad, kStamp).error().code, ErrorCode::not_found);
  bad = config();
  bad.max_bytes = 10;
  EXPECT_EQ(DiskStore::open(bad, kStamp).error().code, ErrorCode::invalid_argument);
}

TEST_F(DiskStoreTest, OthersCannotReadTheFiles) {
  auto store = open();
  store->put(entry_of(1, "private"));
  ASSERT_TRUE(store->flush().has_value());
  for (const char* name : {"cache.db", "cache.db-wal"}) {
    struct stat status {};
    ASSERT_EQ(::stat(folder_.file(name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0077, 0u) << name;
  }
}

// Run under the thread sanitizer too.
TEST_F(DiskStoreTest, ThreadsSeeOnlyRightValues) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  auto fast = config();
  fast.flush_interval = 1ms;
  fast.max_bytes = 1 << 20;
  auto store = open(fast);
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      for (int i = 0; i < 1500; ++i) {
        const std::uint64_t id = random() % 300;
        const std::string value(id * 10, 'v');
        const auto action = random() % 100;
        if (action < 50) {
          const std::string found = get(*store, id);
          if (found != value && found != "(none)") ++wrong;
        } else if (action < 95) {
          store->put(entry_of(id, value));
        } else if (action < 98) {
          store->erase(hash128(encoding_of(id)));
        } else if (action < 99 || i % 20 != 0) {
          store->stats();
        } else {
          (void)store->clear();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(store->stats().corrupt, 0u);
}

}  // namespace
}  // namespace sovereign::cache
