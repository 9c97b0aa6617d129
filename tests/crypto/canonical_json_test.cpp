#include "crypto/canonical_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "crypto/canonical_writer.h"
#include "crypto/es6_number.h"
#include "crypto/vectors.h"

namespace sovereign::crypto {
namespace {

using testing::HasSubstr;

std::string canonical(std::string_view text) {
  auto out = canonicalize(text);
  return out ? *out : "refused: " + out.error().message;
}

TEST(CanonicalJson, VectorsOfTheRfcAuthors) {
  SOVEREIGN_NEEDS_VECTORS("jcs");
  int documents = 0;
  for (const auto& entry : std::filesystem::directory_iterator(vectors_folder() / "jcs/input")) {
    const std::string expected = read_file(vectors_folder() / "jcs/output" / entry.path().filename());
    EXPECT_EQ(canonical(read_file(entry.path())), expected) << entry.path();
    EXPECT_EQ(canonical(expected), expected) << entry.path();
    ++documents;
  }
  EXPECT_GE(documents, 6);
}

TEST(Canonicalizer, KeepsNothingOfTheTextBefore) {
  Canonicalizer canonicalizer;
  const auto next = [&canonicalizer](std::string_view text) {
    const auto out = canonicalizer.canonicalize(text);
    return out ? std::string(*out) : "refused: " + out.error().message;
  };
  EXPECT_EQ(next(R"({"b":"\u0041","a":[1.50,2]})"), R"({"a":[1.5,2],"b":"A"})");
  EXPECT_THAT(next(R"({"a":[1,{"b":"\u0042)"), HasSubstr("refused: "));
  EXPECT_EQ(next(R"(["\u0043",{"z":1,"y":2}])"), R"(["C",{"y":2,"z":1}])");
  EXPECT_EQ(next("7"), "7");
}

TEST(CanonicalJson, LongRunsOfWhiteSpace) {
  for (const std::size_t count : {0U, 1U, 2U, 15U, 16U, 17U, 33U, 100U}) {
    const std::string spaces(count, ' ');
    for (const std::string& gap : {spaces, "\n" + spaces, spaces + "\t", "\r\n" + spaces + "\n" + spaces})
      EXPECT_EQ(canonical(gap + "{" + gap + "\"a\"" + gap + ":" + gap + "[" + gap + "1" + gap + "," + gap +
                          "2" + gap + "]" + gap + "}" + gap),
                R"({"a":[1,2]})");
    EXPECT_THAT(canonical(spaces + "\v1"), HasSubstr("column " + std::to_string(count + 1)));
  }
}

TEST(CanonicalJson, ScalarsAtTheTop) {
  EXPECT_EQ(canonical(" null "), "null");
  EXPECT_EQ(canonical("true"), "true");
  EXPECT_EQ(canonical("\"x\""), "\"x\"");
  EXPECT_EQ(canonical("-0"), "0");
  EXPECT_EQ(canonical("-0.0e5"), "0");
  EXPECT_EQ(canonical("1E30"), "1e+30");
  EXPECT_EQ(canonical("100000000000000"), "100000000000000");
}

TEST(CanonicalJson, EscapesOnlyWhatItMust) {
  EXPECT_EQ(canonical(R"("\u0008\u0009\u000a\u000c\u000d\u0000\u001f\"\\\/\u007f\u00e9\ud83d\ude00")"),
            "\"\\b\\t\\n\\f\\r\\u0000\\u001f\\\"\\\\/\x7f\u00e9\U0001F600\"");
}

TEST(CanonicalJson, KeysSortByUtf16CodeUnits) {
  EXPECT_EQ(canonical("{\"\uFB33\":1,\"\U0001F600\":2,\"a\":3,\"\":4,\"A\":5,\"aa\":6,\"\uD7FF\":7}"),
            "{\"\":4,\"A\":5,\"a\":3,\"aa\":6,\"\uD7FF\":7,\"\U0001F600\":2,\"\uFB33\":1}");
  // The difference lies past the eight bytes that are compared first.
  EXPECT_EQ(canonical("{\"12345678\uFB33\":1,\"12345678\U0001F600\":2,\"1234567\":3,\"12345678\":4}"),
            "{\"1234567\":3,\"12345678\":4,\"12345678\U0001F600\":2,\"12345678\uFB33\":1}");
  EXPECT_EQ(canonical(R"({"a\u0000":1,"a":2,"a\u0001":3})"), R"({"a":2,"a\u0000":1,"a\u0001":3})");
}

TEST(CanonicalJson, EscapedAndPlainSpellingsOfAKeyAreTheSame) {
  EXPECT_EQ(canonical(R"({"\u0062":1,"a":2})"), R"({"a":2,"b":1})");
  EXPECT_THAT(canonical(R"({"\u0061":1,"a":2})"), HasSubstr("byte 12): duplicate key \"a\""));
}

TEST(CanonicalJson, ErrorsSayWhereAndWhat) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "line 1, column 1 (byte 0): the text ends where a value is expected"},
      {"{\n  \"a\": 1,\n  \"a\": 2}", "line 3, column 3 (byte 14): duplicate key \"a\""},
      {"{\"a\":1,}", "column 8 (byte 7): '}' where a key in double quotes"},
      {"{\"a\" 1}", "byte 5): '1' where ':' is expected"},
      {"{\"a\":1 \"b\":2}", "byte 7): '\"' where ',' or '}' is expected"},
      {"{a:1}", "byte 1): 'a' where a key in double quotes"},
      {"{\"a\":1", "byte 6): the text ends where ',' or '}'"},
      {"[1,]", "byte 3): ']' where a value is expected"},
      {"[1 2]", "byte 3): '2' where ',' or ']'"},
      {"1 2", "byte 2): data after the value"},
      {"tru", "byte 0): a word that is not true"},
      {"nul", "byte 0): a word that is not null"},
      {"01", "byte 0): a number with a leading zero"},
      {"-", "byte 1): the text ends where a digit"},
      {"1.", "byte 2): the text ends where a digit after the point"},
      {".5", "byte 0): '.' where a value"},
      {"+1", "byte 0): '+' where a value"},
      {"1e", "byte 2): the text ends where a digit of the exponent"},
      {"1e400", "byte 0): a number past the range of a double"},
      {"-0.1e310", "byte 0): a number past the range of a double"},
      {"1e9223372036854775807", "byte 0): a number past the range of a double"},
      {"10e9223372036854775806", "byte 0): a number past the range of a double"},
      {"-1.5e+9223372036854775807", "byte 0): a number past the range of a double"},
      {"0.001e9223372036854775808", "byte 0): a number past the range of a double"},
      {"NaN", "byte 0): NaN and infinities are not JSON"},
      {"-Infinity", "byte 0): NaN and infinities are not JSON"},
      {"9007199254740993",
       "byte 0): an integer past 2^53, which readers may round differently: send it as a string"},
      {"-18446744073709551616", "byte 0): an integer past 2^53"},
      {"\"abc", "byte 0): a string that does not end"},
      {"\"a\nb\"", "byte 2): a control character"},
      {"\"a\\x\"", "byte 2): an escape that JSON does not have"},
      {"\"\\u12g4\"", "byte 1): \\u needs four hexadecimal digits"},
      {"\"\\u12", "byte 1): \\u needs four hexadecimal digits"},
      {"\"\\ud800\"", "byte 1): a lone surrogate"},
      {"\"\\ude00\"", "byte 1): a lone surrogate"},
      {"\"\\ud800\\u0041\"", "byte 1): a lone surrogate"},
      {"\"\\ud800\\ud800\"", "byte 1): a lone surrogate"},
      {"\"\x80\"", "byte 1): ill-formed UTF-8"},
      {"\"ab\xC0\xAF\"", "byte 3): ill-formed UTF-8"},
      {"\"\xED\xA0\x80\"", "byte 1): ill-formed UTF-8"},
      {"\"\xF4\x90\x80\x80\"", "byte 1): ill-formed UTF-8"},
      {"\"\xE2\x82\"", "byte 1): ill-formed UTF-8"},
      {"\"\xE2\x82", "byte 1): ill-formed UTF-8"},
      {"\xEF\xBB\xBF{}", "byte 0): byte-order mark"},
      {"{} // x", "byte 3): data after the value"},
      {std::string("{}\0", 3), "byte 2): data after the value"},
      {"\x01", "byte 0): byte 0x01 where a value"},
  };
  for (const auto& [text, expected] : cases) {
    const auto out = canonicalize(text);
    ASSERT_FALSE(out) << text;
    EXPECT_EQ(out.error().code, ErrorCode::invalid_argument);
    EXPECT_THAT(out.error().message, HasSubstr(expected)) << text;
  }
}

TEST(CanonicalJson, DuplicateKeyInAMessageIsPrintable) {
  const auto out = canonicalize("{\"\\n\u00e9\":1,\"\\n\u00e9\":2}");
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().message, HasSubstr(R"(duplicate key "\x0A\xC3\xA9")"));
}

TEST(CanonicalJson, IntegersUpTo2To53AreExact) {
  EXPECT_EQ(canonical("9007199254740992"), "9007199254740992");
  EXPECT_EQ(canonical("-9007199254740992"), "-9007199254740992");
  EXPECT_EQ(canonical("9007199254740991"), "9007199254740991");
}

TEST(CanonicalJson, TinyNumbersRoundToZero) {
  EXPECT_EQ(canonical("1e-400"), "0");
  EXPECT_EQ(canonical("-0.0000001e-400"), "0");
  EXPECT_EQ(canonical("0e99999999999999999999"), "0");
  EXPECT_EQ(canonical("1e-99999999999999999999"), "0");
  EXPECT_EQ(canonical("0.001e-9223372036854775807"), "0");
  EXPECT_EQ(canonical("-123e-9223372036854775808"), "0");
  EXPECT_EQ(canonical("4.9e-324"), "5e-324");
  EXPECT_EQ(canonical("0." + std::string(400, '0') + "1e400"), "0.1");
}

TEST(CanonicalJson, CanonicalLargeIntegersReadBackWhenAskedFor) {
  const JsonLimits reading_back{.large_integers = LargeIntegers::canonical_spelling};
  EXPECT_EQ(canonical("1e20"), "100000000000000000000");
  EXPECT_FALSE(canonicalize("100000000000000000000"));
  EXPECT_EQ(*canonicalize("100000000000000000000", reading_back), "100000000000000000000");
  EXPECT_EQ(*canonicalize("-295147905179352830000", reading_back), "-295147905179352830000");
  EXPECT_FALSE(canonicalize("9007199254740993", reading_back));
  EXPECT_FALSE(canonicalize("1000000000000000000000", reading_back));
  EXPECT_FALSE(canonicalize("1" + std::string(400, '0'), reading_back));
}

TEST(CanonicalJson, DepthAndSizeHaveLimits) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(canonical(nested(128)), nested(128));
  EXPECT_THAT(canonical(nested(129)), HasSubstr("byte 128): nested deeper than 128 levels"));
  EXPECT_THAT(canonicalize(std::string(100000, '['), {.max_depth = 1U << 30}).error().message,
              HasSubstr("nested deeper than 1000 levels"));
  EXPECT_TRUE(canonicalize(nested(1000), {.max_depth = 1000}));
  EXPECT_TRUE(canonicalize("[1,2]", {.max_bytes = 5}));
  EXPECT_THAT(canonicalize("[1,22]", {.max_bytes = 5}).error().message, HasSubstr("6 bytes, the limit is 5"));
}

TEST(CanonicalJson, LongStringsPassTheBuffer) {
  for (const std::size_t bytes : {8189U, 8190U, 8191U, 8192U, 8193U, 20000U}) {
    const std::string plain(bytes, 'x');
    EXPECT_EQ(canonical("{ \"k\" : \"" + plain + "\" }"), "{\"k\":\"" + plain + "\"}");
    EXPECT_EQ(canonical("{ \"k\" : \"" + plain + "\\u0041\\n\" }"), "{\"k\":\"" + plain + "A\\n\"}");
  }
}

TEST(CanonicalJson, ManyNumbersPassTheBuffer) {
  std::string text = "[";
  std::string expected = "[";
  for (int i = 0; i < 5000; ++i) {
    text += std::string(i == 0 ? "" : " , ") + std::to_string(i) + ".50";
    expected += std::string(i == 0 ? "" : ",") + std::to_string(i) + ".5";
  }
  EXPECT_EQ(canonical(text + "]"), expected + "]");
}

// Every byte of a document changed, cut or doubled: never a crash, and what is accepted is stable.
TEST(CanonicalJson, DamagedTextNeverBreaksTheParser) {
  const std::string good =
      R"({"b":[1,2.50,-3e-7,true,null],"a\u00e9":"x\ud83d\ude00y","":{"z":"\"\\/","y":[[],{}]}})";
  int accepted = 0;
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string bad = good;
      bad[i] = static_cast<char>(byte);
      const auto once = canonicalize(bad);
      if (!once) continue;
      ++accepted;
      const auto twice = canonicalize(*once, {.large_integers = LargeIntegers::canonical_spelling});
      ASSERT_TRUE(twice) << *once;
      EXPECT_EQ(*twice, *once);
    }
    EXPECT_FALSE(canonicalize(good.substr(0, i)));
  }
  EXPECT_GT(accepted, 256);
}

// Decimals that are canonical already are copied, not converted: the choice must never show.
TEST(CanonicalJson, DecimalsAreWhatTheirDoublePrints) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  int copied = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string literal = below(4) == 0 ? "-" : "";
    const auto digits = [&](std::uint64_t most) {
      std::string text;
      for (std::uint64_t k = 1 + below(most); k > 0; --k) text += static_cast<char>('0' + below(10));
      return text;
    };
    if (below(2) == 0) {
      literal += "0." + std::string(below(8), '0') + digits(18);
    } else {
      literal += static_cast<char>('1' + below(9));
      if (below(3) != 0) literal += digits(17);
      literal += "." + digits(17);
    }
    char expected[kEs6NumberBytes];
    const char* end = write_es6_number(std::strtod(literal.c_str(), nullptr), expected);
    ASSERT_EQ(canonical(literal), std::string_view(expected, end)) << literal;
    copied += std::string_view(expected, end) == literal ? 1 : 0;
  }
  EXPECT_GT(copied, 10'000);
}

TEST(CanonicalJson, DecimalsAtTheEdgesOfPlainNotation) {
  EXPECT_EQ(canonical("[0.000001,0.0000001,0.0000012,-0.5,0.10,1.0,0.0,-0.0,100.25]"),
            "[0.000001,1e-7,0.0000012,-0.5,0.1,1,0,0,100.25]");
  EXPECT_EQ(canonical("[123456789012345.6,12345678901234.5,0.1234567890123456789]"),
            "[123456789012345.6,12345678901234.5,0.12345678901234568]");
}

TEST(CanonicalJson, AnyOrderOfKeysGivesTheSameBytes) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  std::vector<std::string> members;
  for (int i = 0; i < 200; ++i)
    members.push_back("\"key " + std::to_string(i * 7919) + "\":" + std::to_string(i));
  const auto object = [&] {
    std::string text = "{";
    for (const std::string& member : members) text += (text.size() > 1 ? "," : "") + member;
    return text + "}";
  };
  const std::string expected = canonical(object());
  for (int round = 0; round < 20; ++round) {
    std::shuffle(members.begin(), members.end(), random);
    EXPECT_EQ(canonical(object()), expected);
  }
}

TEST(JsonView, ReadsFieldsOfADocument) {
  const std::string text = R"({"name":"a\tb","n":-12,"x":2.5,"list":[true,null,{"k":"v"}],"big":1e300})";
  const auto document = JsonDocument::parse(text);
  ASSERT_TRUE(document);
  const JsonView root = document->root();
  EXPECT_EQ(root.kind(), JsonKind::object);
  EXPECT_EQ(root.size(), 5U);
  EXPECT_EQ(root.find("name")->string(), "a\tb");
  EXPECT_EQ(root.find("n")->number(), -12);
  EXPECT_EQ(root.find("x")->number(), 2.5);
  EXPECT_EQ(root.find("big")->number(), 1e300);
  EXPECT_FALSE(root.find("nothing"));
  const auto list = root.find("list")->elements();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_TRUE(list[0].boolean());
  EXPECT_EQ(list[1].kind(), JsonKind::null);
  EXPECT_EQ(list[2].find("k")->string(), "v");
  EXPECT_EQ(root.key(0), "big");
  EXPECT_EQ(canonical_text(*root.find("list")), R"([true,null,{"k":"v"}])");
}

TEST(CanonicalWriter, BuildsWhatTheParserWouldCanonicalize) {
  std::string out;
  StringSink sink(out);
  CanonicalWriter writer(sink);
  const auto part = JsonDocument::parse("{\"y\":1, \"x\":[]}");
  ASSERT_TRUE(part);
  writer.begin_object();
  writer.key("a");
  writer.begin_array();
  writer.integer(-5);
  writer.number(0.1);
  writer.boolean(false);
  writer.null();
  writer.begin_object();
  writer.end_object();
  writer.end_array();
  writer.key("b\n");
  writer.string("q\"");
  writer.key("c");
  writer.value(part->root());
  writer.end_object();
  writer.finish();
  EXPECT_EQ(out, R"({"a":[-5,0.1,false,null,{}],"b\n":"q\"","c":{"x":[],"y":1}})");
  EXPECT_EQ(canonical(out), out);
}

}  // namespace
}  // namespace sovereign::crypto
