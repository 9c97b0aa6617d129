// What the writer under the kill test did, in memory shared with its checker: it survives the writer.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>
#include <random>
#include <stdexcept>
#include <string>

namespace sovereign::cache {

constexpr std::uint64_t kJournalKeys = 1000;
constexpr std::uint64_t kJournalAcks = 1'000'000;  // of one round; the writer pauses when it is full

struct KillJournal {
  struct Ack {
    std::atomic<std::int64_t> at_ns;  // set last; 0: not complete
    std::uint64_t key;
    std::uint64_t version;
  };
  std::array<std::atomic<std::uint64_t>, kJournalKeys> begun;  // the last version whose put began, ever
  std::atomic<std::uint64_t> acks;
  std::array<Ack, kJournalAcks> ack;
};

inline std::int64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

// Maps the file, creating it with zeros. Stays mapped to the end of the process.
inline KillJournal* map_journal(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0 || ::ftruncate(file, sizeof(KillJournal)) != 0) throw std::runtime_error("no journal");
  void* memory = ::mmap(nullptr, sizeof(KillJournal), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the journal");
  return static_cast<KillJournal*>(memory);
}

// The one value that may be read for this version of this key; it begins with the version.
inline std::string value_of(std::uint64_t key, std::uint64_t version) {
  std::mt19937_64 random(key * 1'000'003 + version);
  std::string value = std::to_string(version) + " ";
  value.resize(value.size() + random() % 4000);
  for (std::size_t i = value.find(' ') + 1; i < value.size(); ++i) value[i] = static_cast<char>(random());
  return value;
}

}  // namespace sovereign::cache
