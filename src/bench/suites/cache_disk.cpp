#include <stdlib.h>

#include <chrono>
#include <filesystem>

#include "bench/statistics.h"
#include "bench/suites/cache.h"
#include "cache/disk_store.h"
#include "cache/key_encoder.h"

namespace sovereign::bench {
namespace {

constexpr std::size_t kAnswerBytes = 1000;

// A folder of its own, gone at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sovereign-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) != nullptr) path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

double ms_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
}

void encode(cache::KeyEncoder& encoder, std::uint64_t id) {
  encoder.clear();
  encoder.add_text(cache::KeyField::content, "What is there to say about number " + std::to_string(id) + "?");
}

result<void> fill(const cache::DiskStoreConfig& config, const cache::Stamp& stamp, std::uint64_t entries) {
  auto store = cache::DiskStore::open(config, stamp);
  if (!store) return fail(store.error());
  if (auto open = (*store)->wait_until_open(); !open) return fail(open.error());
  const std::string answer(kAnswerBytes, 'a');
  cache::KeyEncoder encoder;
  for (std::uint64_t id = 0; id < entries; ++id) {
    encode(encoder, id);
    if ((*store)->put(cache::Entry::make(encoder.key(), answer, cache::wall_now()))) continue;
    if (auto stored = (*store)->flush(); !stored) return fail(stored.error());
    --id;  // the queue was full
  }
  return (*store)->flush();
}

}  // namespace

// What a start waits for, and when the first kept answer can be had.
result<void> measure_cache_disk(const CacheOptions& options, const Progress& progress, Report& report) {
  const std::uint64_t entries = options.smoke ? 1000 : 100'000;
  progress.step("a start with many answers on disk");
  const Folder folder;
  if (folder.path().empty()) return fail(ErrorCode::unavailable, "cannot make a temporary folder");
  cache::DiskStoreConfig config;
  config.path = (folder.path() / "answers.db").string();
  const cache::Stamp stamp("bench", "");
  if (auto filled = fill(config, stamp, entries); !filled) return fail(filled.error());
  std::vector<double> start_ms;
  std::vector<double> open_ms;
  std::vector<double> usable_ms;
  for (int round = 0; round < (options.smoke ? 2 : options.rounds); ++round) {
    const auto begin = std::chrono::steady_clock::now();
    auto store = cache::DiskStore::open(config, stamp);
    if (!store) return fail(store.error());
    start_ms.push_back(ms_since(begin));
    if (auto open = (*store)->wait_until_open(); !open) return fail(open.error());
    open_ms.push_back(ms_since(begin));
    cache::KeyEncoder encoder;
    encode(encoder, entries - 1);
    if ((*store)->get(encoder.key(), cache::wall_now()) == nullptr) {
      return fail(ErrorCode::internal, "an answer that was stored is missing");
    }
    usable_ms.push_back(ms_since(begin));
  }
  report.figures["disk_start_ms"] = median(start_ms);
  report.figures["disk_open_ms"] = median(open_ms);
  report.figures["disk_first_hit_ms"] = median(usable_ms);
  report.notes.push_back(
      "disk_start_ms: what readiness waits for (the file is opened by another thread); disk_open_ms: until "
      "the "
      "file is open, with " +
      std::to_string(entries) + " answers of 1 KB in it; disk_first_hit_ms: until one of them was had");
  return {};
}

}  // namespace sovereign::bench
