// Puts values in a disk store as fast as it takes them, and notes each in the journal, until it is killed.
// Arguments: the store's path, the journal's path, a seed.
#include <thread>

#include "cache/disk_store.h"
#include "cache_support.h"
#include "kill_journal.h"

using namespace sovereign::cache;

namespace {

void write(DiskStore& store, KillJournal& journal, std::uint64_t first_key, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (;;) {
    const std::uint64_t key = first_key + 2 * (random() % (kJournalKeys / 2));
    const std::uint64_t version = journal.begun[key].load() + 1;
    journal.begun[key] = version;
    if (!store.put(entry_of(key, value_of(key, version)))) {
      std::this_thread::yield();
      continue;
    }
    const std::uint64_t at = journal.acks.fetch_add(1);
    if (at >= kJournalAcks) break;
    journal.ack[at].key = key;
    journal.ack[at].version = version;
    journal.ack[at].at_ns = monotonic_ns();
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) return 2;
  KillJournal* journal = map_journal(arguments[2]);
  DiskStoreConfig config;
  config.path = arguments[1];
  auto store = DiskStore::open(config, Stamp("kill", "test"));
  if (!store) return 3;
  const std::uint64_t seed = std::stoull(arguments[3]);
  std::thread other([&] { write(**store, *journal, 1, seed + 1); });
  write(**store, *journal, 0, seed);
  other.join();
  (void)(*store)->flush();
  for (;;) ::pause();
}
