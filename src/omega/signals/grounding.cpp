#include "omega/signals/grounding.h"

#include <cstdint>
#include <unordered_set>
#include <vector>

namespace sovereign::omega {
namespace {

using HashSet = std::unordered_set<std::uint64_t>;

struct Support {
  HashSet words;
  HashSet pairs;  // neighbours, in order
};

Support support_of(std::span<const std::string_view> context) {
  Support support;
  for (const std::string_view document : context) {
    const std::vector<Word> words = words_of(document);
    support.words.reserve(support.words.size() + words.size());
    support.pairs.reserve(support.pairs.size() + words.size());
    for (std::size_t i = 0; i < words.size(); ++i) {
      support.words.insert(words[i].hash);
      if (i > 0) support.pairs.insert(join_hashes(words[i - 1].hash, words[i].hash));
    }
  }
  return support;
}

bool stands_as_there(std::span<const Word> words, std::size_t i, const HashSet& pairs) {
  const auto holds = [&](std::size_t first) {
    return pairs.contains(join_hashes(words[first].hash, words[first + 1].hash));
  };
  return (i > 0 && holds(i - 1)) || (i + 1 < words.size() && holds(i));
}

}  // namespace

std::optional<double> grounding(std::span<const Word> answer, std::string_view question,
                                std::span<const std::string_view> context) {
  if (context.empty()) return std::nullopt;
  const Support support = support_of(context);
  if (support.words.empty()) return std::nullopt;
  HashSet asked;
  for (const Word& word : words_of(question)) asked.insert(word.hash);

  double covered = 0;
  std::size_t counted = 0;
  std::size_t entities = 0;
  std::size_t known_entities = 0;
  for (std::size_t i = 0; i < answer.size(); ++i) {
    const Word& word = answer[i];
    if (word.kind == WordKind::stop) continue;
    const bool known = support.words.contains(word.hash);
    if (!known && asked.contains(word.hash)) continue;
    ++counted;
    if (known) covered += stands_as_there(answer, i, support.pairs) ? 1.0 : kLoneWord;
    if (word.kind != WordKind::number && word.kind != WordKind::name) continue;
    ++entities;
    known_entities += known ? 1 : 0;
  }
  if (counted == 0) return std::nullopt;
  const double coverage = covered / static_cast<double>(counted);
  if (entities == 0) return coverage;
  return (coverage + static_cast<double>(known_entities) / static_cast<double>(entities)) / 2;
}

}  // namespace sovereign::omega
