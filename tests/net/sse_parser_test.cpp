#include "net/sse_parser.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace sovereign::net {
namespace {

using Events = std::vector<SseEvent>;

Events parse(const std::vector<std::string>& pieces) {
  SseParser parser;
  Events events;
  for (const std::string& piece : pieces) {
    const auto more = parser.feed(piece, [&](const SseEvent& event) {
      events.push_back(event);
      return true;
    });
    EXPECT_TRUE(more.has_value() && *more);
  }
  return events;
}

std::string describe(const Events& events) {
  std::string text;
  for (const auto& event : events) text += event.type + "|" + event.data + "|" + event.last_event_id + "\n";
  return text;
}

TEST(SseParser, TheStandardsExamples) {
  EXPECT_EQ(describe(parse({"data: YHOO\ndata: +2\ndata: 10\n\n"})), "message|YHOO\n+2\n10|\n");
  EXPECT_EQ(
      describe(parse({": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third "
                      "event\n\n"})),
      "message|first event|1\nmessage|second event|\nmessage| third event|\n");
  EXPECT_EQ(describe(parse({"data\n\ndata\ndata\n\ndata:"})), "message||\nmessage|\n|\n");
  EXPECT_EQ(describe(parse({"data:test\n\ndata: test\n\n"})), "message|test|\nmessage|test|\n");
}

TEST(SseParser, EveryLineEndAndTheByteOrderMark) {
  EXPECT_EQ(describe(parse({"\xEF\xBB\xBF"
                            "event: a\r\ndata: 1\r\rdata: 2\n\r\n"})),
            "a|1|\nmessage|2|\n");
}

TEST(SseParser, AnUnfinishedEventIsNotDelivered) {
  EXPECT_TRUE(parse({"data: lost\n"}).empty());
  EXPECT_TRUE(parse({"data: lost"}).empty());
}

TEST(SseParser, ATypeWithoutDataIsForgotten) {
  EXPECT_EQ(describe(parse({"event: gone\n\ndata: x\n\n"})), "message|x|\n");
}

TEST(SseParser, RetryTakesDigitsOnly) {
  SseParser parser;
  const auto ignore = [](const SseEvent&) { return true; };
  ASSERT_TRUE(parser.feed("retry: 12x\nretry: -1\nretry:\nretry: 99999999999999999999\n", ignore));
  EXPECT_EQ(parser.retry(), std::nullopt);
  ASSERT_TRUE(parser.feed("retry: 1500\n", ignore));
  EXPECT_EQ(parser.retry(), std::chrono::milliseconds(1500));
}

TEST(SseParser, AnIdWithANulIsIgnored) {
  EXPECT_EQ(describe(parse({std::string("id: a\ndata: 1\n\nid: b\0c\ndata: 2\n\n", 33)})),
            "message|1|a\nmessage|2|a\n");
}

TEST(SseParser, StopsWhenTheCallbackSaysSo) {
  SseParser parser;
  int seen = 0;
  const auto more = parser.feed("data: 1\n\ndata: 2\n\n", [&](const SseEvent&) { return ++seen < 1; });
  ASSERT_TRUE(more);
  EXPECT_FALSE(*more);
  EXPECT_EQ(seen, 1);
}

TEST(SseParser, AnEventPastTheBoundIsAnErrorInOneLineOrMany) {
  const auto ignore = [](const SseEvent&) { return true; };
  SseParser one_line(100);
  const auto long_line = one_line.feed("data: " + std::string(200, 'x'), ignore);
  ASSERT_FALSE(long_line);
  EXPECT_EQ(long_line.error().code, ErrorCode::resource_exhausted);

  SseParser many_lines(100);
  bool failed = false;
  for (int i = 0; i < 100 && !failed; ++i) failed = !many_lines.feed("data: 12345678\n", ignore);
  EXPECT_TRUE(failed);

  SseParser small_events(100);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(small_events.feed("data: 12345678\n\n", ignore));
}

RC_GTEST_PROP(SseParserProperty, TheSplitDoesNotMatter, ()) {
  // Pieces that bring line ends, colons and fields into every neighbourhood.
  const auto parts = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"data", ":", " ", "\r", "\n", "\r\n", "\n\n", "id: 7",
                                                  "event: t", "retry: 5", "x", "\xEF\xBB\xBF", ": c"}));
  std::string whole;
  for (const auto& part : parts) whole += part;
  std::vector<std::string> pieces;
  for (std::size_t at = 0; at < whole.size();) {
    const auto length = *rc::gen::inRange<std::size_t>(1, whole.size() - at + 1);
    pieces.push_back(whole.substr(at, length));
    at += length;
  }
  const std::string expected = describe(parse({whole}));
  RC_ASSERT(describe(parse(pieces)) == expected);
  std::vector<std::string> bytes;
  for (const char c : whole) bytes.emplace_back(1, c);
  RC_ASSERT(describe(parse(bytes)) == expected);
}

RC_GTEST_PROP(SseParserProperty, WhatIsWrittenIsRead, (const std::vector<std::string>& payloads)) {
  std::string stream;
  std::vector<std::string> expected;
  for (std::string payload : payloads) {
    std::erase(payload, '\r');
    expected.push_back(payload);
    stream += "data: ";
    for (const char c : payload) stream += c == '\n' ? "\ndata: " : std::string(1, c);
    stream += "\n\n";
  }
  std::vector<std::string> got;
  for (const auto& event : parse({stream})) got.push_back(event.data);
  RC_ASSERT(got == expected);
}

}  // namespace
}  // namespace sovereign::net
