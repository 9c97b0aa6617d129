#include "pci/replay_journal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sovereign::pci {
namespace {

constexpr std::string_view kPrefix = "replay-";
constexpr std::string_view kSuffix = ".journal";
constexpr std::size_t kNumberDigits = 16;
constexpr const char* kLockName = "lock";

struct Header {
  char magic[16];
  BootId boot_id;
  std::uint64_t floor_ms;
  std::uint64_t number;
  std::byte check[16];
};
static_assert(sizeof(Header) == 64);
constexpr char kMagic[16] = {'s', 'o', 'v', 'r', 'e', 'p', 'l', 'a', 'y', '-', '1', '\n', 0, 0, 0, 0};

struct Record {
  ReplayKey key;
  std::uint64_t timestamp_ms;
  std::byte check[8];
};
static_assert(sizeof(Record) == 32);

// The check is each struct's last member.
template <class Checked>
void set_check(Checked& value, std::byte* out) {
  const crypto::Digest digest =
      sha256({reinterpret_cast<const char*>(&value), sizeof value - sizeof value.check});
  std::memcpy(out, digest.data(), sizeof value.check);
}

template <class Checked>
bool check_holds(const Checked& value) {
  std::byte expected[sizeof value.check];
  set_check(value, expected);
  return std::memcmp(expected, value.check, sizeof expected) == 0;
}

std::optional<std::uint64_t> segment_number(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (name.size() != kPrefix.size() + kNumberDigits + kSuffix.size() || !name.starts_with(kPrefix) ||
      !name.ends_with(kSuffix))
    return {};
  std::uint64_t number = 0;
  const char* first = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(first, first + kNumberDigits, number, 16);
  if (error != std::errc{} || end != first + kNumberDigits) return {};
  return number;
}

template <class Value>
std::string_view bytes_of(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

result<std::unique_ptr<ReplayJournal>> ReplayJournal::open(const std::filesystem::path& folder,
                                                           ReplayStore& store, std::uint64_t now_ms,
                                                           const BootId& boot_id) {
  if (auto made = make_folder(folder); !made) return fail(std::move(made.error()));
  std::error_code ignored;
  const bool was_used = std::filesystem::exists(folder / kLockName, ignored);
  auto lock = AppendFile::open(folder / kLockName, AppendFile::Mode::read_write);
  if (!lock) return fail(std::move(lock.error()));
  std::unique_ptr<ReplayJournal> journal(new ReplayJournal(folder, store, std::move(*lock), boot_id));
  if (auto loaded = journal->load(now_ms, was_used); !loaded) return fail(std::move(loaded.error()));
  if (auto begun = journal->begin_segment(now_ms); !begun) return fail(std::move(begun.error()));
  return journal;
}

result<void> ReplayJournal::load(std::uint64_t now_ms, bool was_used) {
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder_, error))
    if (const auto number = segment_number(file.path())) segments_.push_back({file.path(), *number, 0});
  if (error)
    return fail(ErrorCode::internal, fmt::format("cannot list {}: {}", folder_.string(), error.message()));
  std::sort(segments_.begin(), segments_.end(),
            [](const Segment& a, const Segment& b) { return a.number < b.number; });
  if (!segments_.empty()) next_number_ = segments_.back().number + 1;
  // Whoever used the folder left a file.
  if (was_used && segments_.empty()) ++recovery_.damaged_files;

  std::uint64_t floor_ms = 0;
  std::uint64_t newest_ms = 0;
  std::vector<Entry> entries;
  for (Segment& segment : segments_) {
    if (auto good = load_segment(segment, entries, floor_ms); !good) return good;
    newest_ms = std::max(newest_ms, segment.newest_ms);
  }
  recovery_.entries = entries.size();
  const TimeWindow& window = store_.config().window;
  store_.forget_before(std::max(floor_ms, now_ms - std::min(now_ms, window.past_ms)));
  // The bucket that holds the last possible stamp is given up as a whole.
  if (recovery_.other_boot || recovery_.damaged_files > 0)
    store_.forget_before(std::max(newest_ms, now_ms + window.future_ms) + store_.config().bucket_ms);
  for (const Entry& entry : entries) {
    if (store_.record(entry.key, entry.timestamp_ms) == Recorded::full)
      return fail(
          ErrorCode::resource_exhausted,
          fmt::format("the replay journal in {} holds more than the replay store may: raise its bound",
                      folder_.string()));
  }
  return {};
}

result<void> ReplayJournal::load_segment(Segment& segment, std::vector<Entry>& entries,
                                         std::uint64_t& floor_ms) {
  const auto file = AppendFile::open(segment.path, AppendFile::Mode::read_only);
  if (!file) return fail(file.error());
  const auto content = file->read(0, file->size());
  if (!content) return fail(content.error());
  Header header{};
  std::memcpy(&header, content->data(), std::min(content->size(), sizeof header));
  // A header is synced before anything is acknowledged, so one that is cut off was damaged, or the making of
  // the file was broken off; nobody can tell which.
  if (content->size() < sizeof header || std::memcmp(header.magic, kMagic, sizeof kMagic) != 0 ||
      !check_holds(header) || header.number != segment.number) {
    ++recovery_.damaged_files;
    return {};
  }
  recovery_.other_boot = recovery_.other_boot || header.boot_id != boot_id_;
  floor_ms = std::max(floor_ms, header.floor_ms);
  // An unfinished entry at the end was never acknowledged.
  const std::size_t count = (content->size() - sizeof header) / sizeof(Record);
  for (std::size_t i = 0; i < count; ++i) {
    Record record;
    std::memcpy(&record, content->data() + sizeof header + i * sizeof record, sizeof record);
    if (!check_holds(record)) {
      ++recovery_.damaged_files;
      return {};
    }
    entries.push_back({record.key, record.timestamp_ms});
    segment.newest_ms = std::max(segment.newest_ms, record.timestamp_ms);
  }
  return {};
}

result<void> ReplayJournal::begin_segment(std::uint64_t now_ms) {
  Segment segment{folder_ / fmt::format("{}{:016x}{}", kPrefix, next_number_, kSuffix), next_number_, 0};
  auto file = AppendFile::open(segment.path, AppendFile::Mode::create_new);
  if (!file) return fail(std::move(file.error()));
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.boot_id = boot_id_;
  header.floor_ms = store_.floor_ms();
  header.number = segment.number;
  set_check(header, header.check);
  // The boot id tells the next start of the machine that entries may be missing: it must be there whatever
  // becomes of them.
  auto written = file->append(bytes_of(header));
  if (written) written = file->sync();
  if (written) written = sync_folder(folder_);
  if (!written) {
    std::error_code ignored;
    std::filesystem::remove(segment.path, ignored);
    return written;
  }
  file_.emplace(std::move(*file));
  segments_.push_back(std::move(segment));
  segment_began_ms_ = now_ms;
  ++next_number_;
  remove_stale_segments();
  return {};
}

void ReplayJournal::remove_stale_segments() {
  const std::uint64_t floor_ms = store_.floor_ms();
  std::error_code ignored;  // what cannot be removed is read once more at the next start
  std::erase_if(segments_, [&](const Segment& segment) {
    const bool stale = segment.number + 1 != next_number_ && segment.newest_ms < floor_ms;
    if (stale) std::filesystem::remove(segment.path, ignored);
    return stale;
  });
}

result<void> ReplayJournal::append(std::span<const Entry> entries, std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const TimeWindow& window = store_.config().window;
  if (now_ms >= segment_began_ms_ + window.past_ms + window.future_ms)
    if (auto begun = begin_segment(now_ms); !begun) return begun;
  buffer_.clear();
  for (const Entry& entry : entries) {
    Record record{entry.key, entry.timestamp_ms, {}};
    set_check(record, record.check);
    buffer_ += bytes_of(record);
    segments_.back().newest_ms = std::max(segments_.back().newest_ms, entry.timestamp_ms);
  }
  return file_->append(buffer_);
}

std::size_t ReplayJournal::files() const {
  const std::lock_guard lock(mutex_);
  return segments_.size();
}

}  // namespace sovereign::pci
