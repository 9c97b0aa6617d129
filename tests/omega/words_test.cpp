#include "omega/words.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <string>

namespace sovereign::omega {
namespace {

std::uint64_t hash_of(std::string_view word) {
  const auto words = words_of(word);
  EXPECT_EQ(words.size(), 1u) << word;
  return words.empty() ? 0 : words.front().hash;
}

TEST(Words, CutsWhereAReaderWould) {
  constexpr std::string_view kText = "It's 1,000.5 km\xE2\x80\x94isn\xE2\x80\x99t it? Yes.";
  std::vector<std::string_view> cut;
  for (const Word& word : words_of(kText)) cut.push_back(kText.substr(word.offset, word.length));
  EXPECT_EQ(cut, (std::vector<std::string_view>{"It's", "1,000.5", "km", "isn\xE2\x80\x99t", "it", "Yes"}));
}

TEST(Words, ComparesWithoutCaseSeparatorsAndPlurals) {
  EXPECT_EQ(hash_of("Cats"), hash_of("cat"));
  EXPECT_EQ(hash_of("Germany's"), hash_of("germany"));
  EXPECT_EQ(hash_of("cities"), hash_of("city"));
  EXPECT_EQ(hash_of("1,234,567"), hash_of("1234567"));
  EXPECT_EQ(hash_of("isn't"), hash_of("isn\xE2\x80\x99t"));
  EXPECT_NE(hash_of("class"), hash_of("clas"));
  EXPECT_NE(hash_of("3.5"), hash_of("35"));
  EXPECT_NE(hash_of("bus"), hash_of("bu"));
}

TEST(Words, TellsNamesNumbersAndStopWords) {
  const auto words = words_of("Later, Ada Lovelace met 3 of the Engineers. The end");
  std::vector<WordKind> kinds;
  for (const Word& word : words) kinds.push_back(word.kind);
  using enum WordKind;
  EXPECT_EQ(kinds, (std::vector{content, name, name, content, number, stop, stop, name, stop, content}));
  EXPECT_TRUE(words[0].begins_sentence);
  EXPECT_FALSE(words[1].begins_sentence);
  EXPECT_TRUE(words[8].begins_sentence);
}

TEST(Words, NegationsAndYesAreContent) {
  for (const std::string_view word : {"no", "not", "yes", "never"})
    EXPECT_EQ(words_of(word).front().kind, WordKind::content) << word;
}

RC_GTEST_PROP(Words, LieInOrderWithinAnyBytes, (const std::string& text)) {
  std::size_t end = 0;
  for (const Word& word : words_of(text)) {
    RC_ASSERT(word.offset >= end);
    RC_ASSERT(word.length > 0u);
    end = word.offset + word.length;
    RC_ASSERT(end <= text.size());
  }
}

}  // namespace
}  // namespace sovereign::omega
