#include "omega/signals/agreement.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "omega/final_answer.h"
#include "omega/normalized_answer.h"
#include "omega/words.h"

namespace sovereign::omega {
namespace {

using Hashes = std::vector<std::uint64_t>;

struct Bag {
  Hashes words;    // content words, numbers and names, sorted; all words where there are none
  Hashes pairs;    // neighbours among them, sorted
  Hashes numbers;  // sorted, each once
};

Bag bag_of(std::string_view text) {
  const std::vector<Word> words = words_of(text);
  Bag bag;
  for (const Word& word : words) {
    if (word.kind != WordKind::stop) bag.words.push_back(word.hash);
    if (word.kind == WordKind::number) bag.numbers.push_back(word.hash);
  }
  if (bag.words.empty()) {
    for (const Word& word : words) bag.words.push_back(word.hash);
  }
  for (std::size_t i = 1; i < bag.words.size(); ++i)
    bag.pairs.push_back(join_hashes(bag.words[i - 1], bag.words[i]));
  std::sort(bag.words.begin(), bag.words.end());
  std::sort(bag.pairs.begin(), bag.pairs.end());
  std::sort(bag.numbers.begin(), bag.numbers.end());
  bag.numbers.erase(std::unique(bag.numbers.begin(), bag.numbers.end()), bag.numbers.end());
  return bag;
}

std::size_t common(const Hashes& a, const Hashes& b) {
  std::size_t count = 0;
  for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
    if (*i == *j) {
      ++count;
      ++i;
      ++j;
    } else if (*i < *j) {
      ++i;
    } else {
      ++j;
    }
  }
  return count;
}

double f1(const Hashes& a, const Hashes& b) {
  if (a.empty() && b.empty()) return 1.0;
  return 2.0 * static_cast<double>(common(a, b)) / static_cast<double>(a.size() + b.size());
}

double similarity_of(const Bag& a, const Bag& b) {
  const double words = f1(a.words, b.words);
  const double overlap = a.pairs.empty() || b.pairs.empty() ? words : (words + f1(a.pairs, b.pairs)) / 2;
  const std::size_t fewer = std::min(a.numbers.size(), b.numbers.size());
  if (fewer == 0) return overlap;
  return overlap * static_cast<double>(common(a.numbers, b.numbers)) / static_cast<double>(fewer);
}

}  // namespace

double similarity(std::string_view a, std::string_view b) {
  if (a == b) return 1.0;
  const auto answer_a = final_answer(a);
  const auto answer_b = final_answer(b);
  if (answer_a && answer_b) return answers_equal(*answer_a, *answer_b) ? 1.0 : 0.0;
  return similarity_of(bag_of(a), bag_of(b));
}

std::optional<double> agreement(std::string_view answer, std::span<const std::string_view> samples) {
  if (samples.empty()) return std::nullopt;
  double sum = 0;
  for (const std::string_view sample : samples) sum += similarity(answer, sample);
  return sum / static_cast<double>(samples.size());
}

}  // namespace sovereign::omega
