// Whether the last process that had a receipt log ended it well, and where an interrupted log goes.
//
// Receipts are given out before they are on the disk for certain (unless each is synced). After a power loss
// the log may lack some of them, and nobody can tell: a log that went on would give their numbers again, and
// with them a second tree under the same log id. That is what a forger does. So a log whose machine stopped
// while it was open is set aside as it is, and another begins, with an id of its own.
//
// FOLDER/session: records of 64 bytes, of which the last counts; integers little-endian.
//   "sovsession-1\n" and three zeros; boot id, 16; state, 1; zeros, 7; number, 8; check, 16
//   states: 1 open; 2 open, with each receipt synced before it is given out; 3 ended, with everything synced;
//   4 being set aside to FOLDER/closed-N (six decimal digits), N the number. A check is the beginning of the
//   SHA-256 of the 48 bytes before it.
// Each record is synced before the call that wrote it returns. The session holds its file's lock, so one
// process has the folder. Not thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "base/append_file.h"
#include "pci/boot_id.h"

namespace sovereign::pci {

class LogSession {
 public:
  enum class Loss {
    none,        // ended well, or the machine runs since: what was written is there
    unfinished,  // the machine stopped, but what was given out was synced
    possible,    // the machine stopped, and what was given out may be missing
  };

  // Makes the folder when there is none, and ends a setting aside that was broken off. Errors: unavailable
  // (another process has the folder), permission_denied, internal.
  static result<LogSession> open(const std::filesystem::path& folder, const BootId& boot_id);

  Loss loss() const { return loss_; }
  // Moves the log's files to the next FOLDER/closed-N, and returns its path.
  result<std::filesystem::path> set_aside();

  // Before the first receipt.
  result<void> begin(bool each_synced);
  // After a checkpoint that covers everything.
  result<void> end();

 private:
  enum class State : std::uint8_t { open = 1, open_each_synced = 2, ended = 3, setting_aside = 4 };
  LogSession(std::filesystem::path folder, AppendFile file, const BootId& boot_id)
      : folder_(std::move(folder)), file_(std::move(file)), boot_id_(boot_id) {}

  result<void> read_last();
  result<void> write(State state, std::uint64_t number);
  result<std::filesystem::path> move_files(std::uint64_t number);

  std::filesystem::path folder_;
  AppendFile file_;
  BootId boot_id_;
  Loss loss_ = Loss::none;
};

// The logs that were set aside in a folder, the oldest first.
std::vector<std::filesystem::path> closed_logs(const std::filesystem::path& folder);

}  // namespace sovereign::pci
