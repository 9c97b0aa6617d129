// The used nonces on disk, so that an envelope accepted before a crash is refused after it.
//
// When is it safe? append() returns after write(2): from then on the entry survives the death of the
// process, kill -9 included. Entries are not synced, so a power loss may take the last ones; a file's header
// and name are, once a window, so that this shows. Therefore, when the
// machine was started anew since the last entry (its boot id differs), nothing stamped up to that moment plus
// the window's future is accepted any more: whatever was lost had such a stamp. The cost: for the first
// `future_ms` after a machine's start, envelopes are refused as stale. (It assumes that the machine's wall
// clock did not go back over the restart; the newest stamp that is found on disk bounds that too.) The same
// is done when a file is damaged, or shorter than its header: what cannot be read is never taken for unused.
//
// Files: FOLDER/replay-NNNNNNNNNNNNNNNN.journal, N a hexadecimal number that grows; integers little-endian.
//   header, 64 bytes: "sovreplay-1\n" and four zeros; boot id, 16; floor in ms, 8; number N, 8; check, 16
//   entry, 32 bytes: replay key, 16; time stamp in ms, 8; check, 8
// A check is the beginning of the SHA-256 of the bytes before it in the header or entry. A file is closed
// when it spans a window, and removed when all it holds is stale. FOLDER/lock keeps a second process out.
//
// Thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/append_file.h"
#include "pci/boot_id.h"
#include "pci/replay_store.h"

namespace sovereign::pci {

class ReplayJournal {
 public:
  struct Entry {
    ReplayKey key;
    std::uint64_t timestamp_ms;
  };

  // Makes the folder, reads what is there into `store`, and raises its floor. The store outlives the journal.
  // Errors: resource_exhausted (more entries than the store holds), unavailable (another process has it),
  // permission_denied.
  static result<std::unique_ptr<ReplayJournal>> open(const std::filesystem::path& folder, ReplayStore& store,
                                                     std::uint64_t now_ms, const BootId& boot_id);

  // What open() found.
  struct Recovery {
    std::uint64_t entries = 0;
    bool other_boot = false;
    std::uint64_t damaged_files = 0;  // and one when all are gone
  };
  const Recovery& recovery() const { return recovery_; }

  // All or none. Errors: resource_exhausted (disk full), internal.
  result<void> append(std::span<const Entry> entries, std::uint64_t now_ms);

  std::size_t files() const;

 private:
  struct Segment {
    std::filesystem::path path;
    std::uint64_t number;
    std::uint64_t newest_ms;
  };
  ReplayJournal(std::filesystem::path folder, ReplayStore& store, AppendFile lock, const BootId& boot_id)
      : folder_(std::move(folder)), store_(store), lock_(std::move(lock)), boot_id_(boot_id) {}

  result<void> load(std::uint64_t now_ms, bool was_used);
  result<void> load_segment(Segment& segment, std::vector<Entry>& entries, std::uint64_t& floor_ms);
  result<void> begin_segment(std::uint64_t now_ms);
  void remove_stale_segments();

  const std::filesystem::path folder_;
  ReplayStore& store_;
  const AppendFile lock_;
  const BootId boot_id_;
  Recovery recovery_;
  mutable std::mutex mutex_;
  std::vector<Segment> segments_;  // the last one is open
  std::optional<AppendFile> file_;
  std::uint64_t segment_began_ms_ = 0;
  std::uint64_t next_number_ = 1;
  std::string buffer_;
};

}  // namespace sovereign::pci
