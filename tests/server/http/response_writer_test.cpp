#include "server/http/response_writer.h"

#include <gmock/gmock.h>

namespace sovereign::server {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string events(bool http10, const std::vector<std::string>& payloads) {
  Framing framing;
  framing.http10 = http10;
  std::string out;
  append_events(out, framing, payloads);
  return out;
}

TEST(ResponseWriter, JoinsEventsIntoOneChunk) {
  EXPECT_EQ(events(false, {"a", "bc"}), "13\r\ndata: a\n\ndata: bc\n\n\r\n");
  EXPECT_EQ(events(true, {"a", "bc"}), "data: a\n\ndata: bc\n\n");
  EXPECT_EQ(events(false, {""}), "8\r\ndata: \n\n\r\n");
}

// A chunk of size zero would end the stream.
TEST(ResponseWriter, NoEventsAreNoChunk) { EXPECT_EQ(events(false, {}), ""); }

TEST(ResponseWriter, EveryKindOfLineBreakStartsADataLine) {
  EXPECT_EQ(events(true, {"a\nb\rc\r\nd\n"}), "data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(events(false, {"a\nb"}), "11\r\ndata: a\ndata: b\n\n\r\n");
}

TEST(ResponseWriter, AnswersWithoutContentHaveNoLength) {
  HttpResponse response;
  response.status = 204;
  std::string out;
  append_response(out, Framing{}, response);
  EXPECT_THAT(out, Not(HasSubstr("Content-")));
  EXPECT_THAT(out, HasSubstr("HTTP/1.1 204 No Content\r\n"));
  EXPECT_TRUE(out.ends_with("\r\n\r\n"));
}

TEST(ResponseWriter, LeavesOutHeadersThatWouldBreakTheFraming) {
  HttpResponse response;
  response.content_type = "text/plain\r\nX-Bad: 1";
  response.headers = {{"X-Good", "1"}, {"X-A", "a\nX-Bad: 2"}, {"X Bad", "3"}, {"", "X-Bad"}};
  std::string out;
  append_response(out, Framing{}, response);
  EXPECT_THAT(out, HasSubstr("X-Good: 1\r\n"));
  EXPECT_THAT(out, Not(HasSubstr("Bad")));
}

}  // namespace
}  // namespace sovereign::server
