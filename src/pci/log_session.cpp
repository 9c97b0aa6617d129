#include "pci/log_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "base/sha256.h"

namespace sovereign::pci {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSessionName = "session";
constexpr std::string_view kClosedPrefix = "closed-";
constexpr std::size_t kNumberDigits = 6;
// The tree last: as long as it is there, the log is.
constexpr const char* kLogFiles[] = {"receipts.jsonl", "offsets", "heads", "tree"};

struct Record {
  char magic[16];
  BootId boot_id;
  std::uint8_t state;
  std::byte zeros[7];
  std::uint64_t number;
  std::byte check[16];
};
static_assert(sizeof(Record) == 64);
constexpr char kMagic[16] = {'s', 'o', 'v', 's', 'e', 's', 's', 'i', 'o', 'n', '-', '1', '\n', 0, 0, 0};

void set_check(Record& record) {
  const auto digest = sha256({reinterpret_cast<const char*>(&record), offsetof(Record, check)});
  std::memcpy(record.check, digest.data(), sizeof record.check);
}

bool holds(const Record& record) {
  Record expected = record;
  set_check(expected);
  return std::memcmp(record.magic, kMagic, sizeof kMagic) == 0 &&
         std::memcmp(record.check, expected.check, sizeof record.check) == 0;
}

fs::path closed_folder(const fs::path& folder, std::uint64_t number) {
  return folder / fmt::format("{}{:0{}}", kClosedPrefix, number, kNumberDigits);
}

std::optional<std::uint64_t> closed_number(const fs::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kClosedPrefix) || name.size() < kClosedPrefix.size() + kNumberDigits) return {};
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stopped, error] = std::from_chars(name.data() + kClosedPrefix.size(), end, number);
  if (error != std::errc{} || stopped != end) return {};
  return number;
}

std::vector<std::uint64_t> closed_numbers(const fs::path& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (const auto number = closed_number(entry.path())) numbers.push_back(*number);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

}  // namespace

std::vector<fs::path> closed_logs(const fs::path& folder) {
  std::vector<fs::path> folders;
  for (const std::uint64_t number : closed_numbers(folder)) folders.push_back(closed_folder(folder, number));
  return folders;
}

result<LogSession> LogSession::open(const fs::path& folder, const BootId& boot_id) {
  if (auto made = make_folder(folder); !made) return fail(std::move(made.error()));
  auto file = AppendFile::open(folder / kSessionName, AppendFile::Mode::read_write);
  if (!file) return fail(std::move(file.error()));
  if (auto synced = sync_folder(folder); !synced) return fail(std::move(synced.error()));
  LogSession session(folder, std::move(*file), boot_id);
  if (auto read = session.read_last(); !read) return fail(std::move(read.error()));
  return session;
}

result<void> LogSession::read_last() {
  std::error_code ignored;
  const std::uint64_t records = file_.size() / sizeof(Record);
  const bool torn = file_.size() % sizeof(Record) != 0;
  Record last{};
  if (records > 0) {
    const auto bytes = file_.read((records - 1) * sizeof last, sizeof last);
    if (!bytes) return fail(bytes.error());
    std::memcpy(&last, bytes->data(), sizeof last);
  }
  if (torn)
    if (auto good = file_.cut(records * sizeof(Record)); !good) return good;
  const bool known = records > 0 && !torn && holds(last);
  if (known && last.state == static_cast<std::uint8_t>(State::setting_aside)) {
    if (auto moved = move_files(last.number); !moved) return fail(std::move(moved.error()));
    return {};
  }
  // Before the first receipt of a folder there is a record: who took it away did so on purpose, or a power
  // loss.
  if (!known) {
    loss_ = fs::exists(folder_ / "tree", ignored) ? Loss::possible : Loss::none;
    return {};
  }
  if (last.boot_id == boot_id_ || last.state == static_cast<std::uint8_t>(State::ended)) return {};
  loss_ =
      last.state == static_cast<std::uint8_t>(State::open_each_synced) ? Loss::unfinished : Loss::possible;
  return {};
}

result<void> LogSession::write(State state, std::uint64_t number) {
  Record record{};
  std::memcpy(record.magic, kMagic, sizeof kMagic);
  record.boot_id = boot_id_;
  record.state = static_cast<std::uint8_t>(state);
  record.number = number;
  set_check(record);
  if (auto good = file_.append({reinterpret_cast<const char*>(&record), sizeof record}); !good) return good;
  return file_.sync();
}

result<fs::path> LogSession::set_aside() {
  const std::vector<std::uint64_t> numbers = closed_numbers(folder_);
  const std::uint64_t number = numbers.empty() ? 1 : numbers.back() + 1;
  if (auto good = write(State::setting_aside, number); !good) return fail(std::move(good.error()));
  return move_files(number);
}

result<fs::path> LogSession::move_files(std::uint64_t number) {
  const fs::path to = closed_folder(folder_, number);
  if (auto made = make_folder(to); !made) return fail(std::move(made.error()));
  for (const char* name : kLogFiles) {
    std::error_code error;
    if (!fs::exists(folder_ / name, error)) continue;  // moved by an attempt that was broken off
    fs::rename(folder_ / name, to / name, error);
    if (error)
      return fail(
          ErrorCode::permission_denied,
          fmt::format("cannot move {} to {}: {}", (folder_ / name).string(), to.string(), error.message()),
          folder_.string());
  }
  if (auto synced = sync_folder(to); !synced) return fail(std::move(synced.error()));
  if (auto synced = sync_folder(folder_); !synced) return fail(std::move(synced.error()));
  // Before a new log is made here, which must not go the same way.
  if (auto good = write(State::ended, 0); !good) return fail(std::move(good.error()));
  loss_ = Loss::none;
  return to;
}

result<void> LogSession::begin(bool each_synced) {
  return write(each_synced ? State::open_each_synced : State::open, 0);
}

result<void> LogSession::end() { return write(State::ended, 0); }

}  // namespace sovereign::pci
