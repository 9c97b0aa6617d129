#include "omega/words.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

namespace sovereign::omega {
namespace {

constexpr std::uint64_t kOffsetBasis = 0xCBF29CE484222325ULL;
constexpr std::uint64_t kPrime = 0x100000001B3ULL;

constexpr std::uint64_t add(std::uint64_t hash, char byte) {
  return (hash ^ static_cast<unsigned char>(byte)) * kPrime;
}

constexpr std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = kOffsetBasis;
  for (const char byte : text) hash = add(hash, byte);
  return hash;
}

// "no", "not" and "yes" are not among them: they turn a sentence round.
constexpr std::string_view kStopWords[] = {
    "a",     "about", "after", "all",    "also",  "am",   "an",    "and",     "any",   "are",   "as",
    "at",    "be",    "been",  "being",  "but",   "by",   "can",   "could",   "did",   "do",    "does",
    "doing", "each",  "for",   "from",   "had",   "has",  "have",  "he",      "her",   "here",  "him",
    "his",   "how",   "i",     "if",     "in",    "into", "is",    "it",      "its",   "just",  "may",
    "me",    "might", "more",  "most",   "must",  "my",   "of",    "on",      "or",    "our",   "out",
    "over",  "shall", "she",   "should", "so",    "some", "such",  "than",    "that",  "the",   "their",
    "them",  "then",  "there", "these",  "they",  "this", "those", "through", "to",    "too",   "under",
    "up",    "very",  "was",   "we",     "were",  "what", "when",  "where",   "which", "while", "who",
    "whom",  "why",   "will",  "with",   "would", "you",  "your",  "it's",    "i'm",   "let's", "that's"};

constexpr auto sorted_stop_hashes() {
  std::array<std::uint64_t, std::size(kStopWords)> hashes{};
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = hash_of(kStopWords[i]);
  std::sort(hashes.begin(), hashes.end());
  return hashes;
}
constexpr auto kStopHashes = sorted_stop_hashes();

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_letter(char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); }
constexpr char lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

// U+2019, the apostrophe of typeset text; U+2010 to U+201F and U+2026 otherwise separate words.
constexpr std::string_view kCurlyApostrophe = "\xE2\x80\x99";

enum class Mark : std::uint8_t { inside, space, sentence_end };

struct Step {
  std::size_t bytes;
  Mark mark;
};

class Cutter {
 public:
  explicit Cutter(std::string_view text) : text_(text) {}

  std::vector<Word> cut() {
    words_.reserve(text_.size() / 5);
    bool begins_sentence = true;
    for (std::size_t at = 0; at < text_.size();) {
      const Step step = look(at);
      if (step.mark != Mark::inside) {
        begins_sentence = begins_sentence || step.mark == Mark::sentence_end;
        at += step.bytes;
        continue;
      }
      at = is_digit(text_[at]) ? take_number(at, begins_sentence) : take_word(at, begins_sentence);
      begins_sentence = false;
    }
    return std::move(words_);
  }

 private:
  Step look(std::size_t at) const {
    const char c = text_[at];
    if (is_letter(c) || is_digit(c)) return {1, Mark::inside};
    if (static_cast<unsigned char>(c) < 0x80) {
      const bool ends = c == '.' || c == '!' || c == '?' || c == ':' || c == '\n';
      return {1, ends ? Mark::sentence_end : Mark::space};
    }
    // General punctuation (U+2000 to U+206F) and the ideographic full stop and comma.
    if (text_.compare(at, 2, "\xE2\x80") == 0 || text_.compare(at, 2, "\xE2\x81") == 0)
      return {std::min<std::size_t>(3, text_.size() - at), Mark::space};
    if (text_.compare(at, 3, "\xE3\x80\x82") == 0) return {3, Mark::sentence_end};
    if (text_.compare(at, 3, "\xE3\x80\x81") == 0) return {3, Mark::space};
    return {1, Mark::inside};
  }

  bool inside(std::size_t at) const { return at < text_.size() && look(at).mark == Mark::inside; }

  // Digits with '.' and ',' between them, and letters after them ("3rd", "5km").
  std::size_t take_number(std::size_t begin, bool begins_sentence) {
    std::uint64_t hash = kOffsetBasis;
    std::size_t at = begin;
    while (at < text_.size()) {
      const char c = text_[at];
      const bool digit_follows = at + 1 < text_.size() && is_digit(text_[at + 1]);
      if (is_digit(c) || is_letter(c) || (c == '.' && digit_follows)) {
        hash = add(hash, lower(c));
      } else if (!(c == ',' && digit_follows)) {
        break;
      }
      ++at;
    }
    push(hash, begin, at, WordKind::number, begins_sentence);
    return at;
  }

  std::size_t take_word(std::size_t begin, bool begins_sentence) {
    buffer_.clear();
    std::size_t at = begin;
    while (at < text_.size()) {
      if (inside(at)) {
        buffer_.push_back(lower(text_[at]));
        ++at;
      } else if (text_[at] == '\'' && inside(at + 1)) {
        buffer_.push_back('\'');
        ++at;
      } else if (text_.compare(at, 3, kCurlyApostrophe) == 0 && inside(at + 3)) {
        buffer_.push_back('\'');
        at += 3;
      } else {
        break;
      }
    }
    const std::uint64_t whole = hash_of(buffer_);
    if (std::binary_search(kStopHashes.begin(), kStopHashes.end(), whole)) {
      push(whole, begin, at, WordKind::stop, begins_sentence);
    } else {
      const bool name = is_upper(text_[begin]) && !begins_sentence;
      push(hash_of(stem(buffer_)), begin, at, name ? WordKind::name : WordKind::content, begins_sentence);
    }
    return at;
  }

  static std::string_view stem(std::string& word) {
    if (word.ends_with("'s")) word.resize(word.size() - 2);
    if (word.size() <= 3 || !word.ends_with('s')) return word;
    const auto ends = [&](std::string_view tail) { return word.ends_with(tail); };
    if (ends("ies") && !ends("eies") && !ends("aies")) {
      word.replace(word.size() - 3, 3, "y");
    } else if (!ends("us") && !ends("ss") && !ends("is")) {
      word.pop_back();
    }
    return word;
  }

  void push(std::uint64_t hash, std::size_t begin, std::size_t end, WordKind kind, bool begins_sentence) {
    words_.push_back({hash, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin), kind,
                      begins_sentence});
  }

  std::string_view text_;
  std::string buffer_;
  std::vector<Word> words_;
};

}  // namespace

std::vector<Word> words_of(std::string_view text) {
  return Cutter(text.substr(0, std::numeric_limits<std::uint32_t>::max())).cut();
}

}  // namespace sovereign::omega
