#include "omega/signals/repetition.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace sovereign::omega {
namespace {

constexpr std::size_t kWordGram = 4;
constexpr std::size_t kByteGram = 12;
// A loop shows in the end of a long text as well as in all of it.
constexpr std::size_t kMaxBytes = std::size_t{64} * 1024;

// Counts distinct values among `capacity` at most.
class DistinctCounter {
 public:
  explicit DistinctCounter(std::size_t capacity) : slots_(std::bit_ceil(2 * capacity + 1), 0) {}

  void add(std::uint64_t value) {
    value |= value == 0 ? 1U : 0U;  // 0 marks an empty slot
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = (value * 0x9E3779B97F4A7C15ULL) >> 32 & mask;
    while (slots_[at] != 0) {
      if (slots_[at] == value) return;
      at = (at + 1) & mask;
    }
    slots_[at] = value;
    ++distinct_;
  }
  std::size_t distinct() const { return distinct_; }

 private:
  std::vector<std::uint64_t> slots_;
  std::size_t distinct_ = 0;
};

double share(std::size_t distinct, std::size_t all) {
  return static_cast<double>(distinct) / static_cast<double>(all);
}

double distinct_word_grams(std::span<const Word> words) {
  if (words.size() < 2 * kWordGram) return 1.0;
  const std::size_t grams = words.size() - kWordGram + 1;
  DistinctCounter counter(grams);
  for (std::size_t begin = 0; begin < grams; ++begin) {
    std::uint64_t hash = words[begin].hash;
    for (std::size_t i = 1; i < kWordGram; ++i) hash = join_hashes(hash, words[begin + i].hash);
    counter.add(hash);
  }
  return share(counter.distinct(), grams);
}

// Rules, indentation and white space repeat in good tables and code: runs of them count as one.
std::string without_rules(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  for (const char c : text) {
    const bool rule = c == ' ' || c == '\n' || c == '\t' || c == '-' || c == '=' || c == '_';
    if (rule && !kept.empty() && kept.back() == c) continue;
    kept.push_back(c);
  }
  return kept;
}

double distinct_byte_grams(std::string_view text) {
  const std::string kept = without_rules(text);
  if (kept.size() < 2 * kByteGram) return 1.0;
  const std::size_t grams = kept.size() - kByteGram + 1;
  DistinctCounter counter(grams);
  for (std::size_t begin = 0; begin < grams; ++begin) {
    std::uint64_t head = 0;
    std::uint32_t tail = 0;
    std::memcpy(&head, kept.data() + begin, sizeof head);
    std::memcpy(&tail, kept.data() + begin + sizeof head, sizeof tail);
    counter.add(join_hashes(head, tail));
  }
  return share(counter.distinct(), grams);
}

}  // namespace

std::optional<double> variety(std::string_view text, std::span<const Word> words) {
  if (text.size() < kMinRepetitionBytes) return std::nullopt;
  if (text.size() > kMaxBytes) {
    const std::size_t from = text.size() - kMaxBytes;
    text.remove_prefix(from);
    words = words.subspan(static_cast<std::size_t>(
        std::partition_point(words.begin(), words.end(), [&](const Word& w) { return w.offset < from; }) -
        words.begin()));
  }
  return std::min(distinct_word_grams(words), distinct_byte_grams(text));
}

}  // namespace sovereign::omega
