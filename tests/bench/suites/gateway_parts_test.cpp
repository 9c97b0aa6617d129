#include <gtest/gtest.h>

#include "bench/suites/http_frame.h"
#include "bench/suites/keepalive_load.h"
#include "bench/suites/stub_backend.h"

namespace sovereign::bench {
namespace {

TEST(HttpFrame, EndsAMessageByItsLength) {
  const std::string_view request = "POST / HTTP/1.1\r\ncontent-LENGTH: 3\r\n\r\nabc";
  EXPECT_EQ(http_message_length(request), request.size());
  EXPECT_EQ(http_message_length(std::string(request) + "POST"), request.size());
  for (std::size_t cut = 0; cut < request.size(); ++cut) {
    EXPECT_EQ(http_message_length(request.substr(0, cut)), std::nullopt) << cut;
  }
  EXPECT_EQ(http_message_length("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 27U);
}

TEST(HttpFrame, EndsAChunkedMessageByItsLastChunk) {
  const std::string_view answer =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\nhello world\r\n1\r\n!\r\n0\r\n\r\n";
  EXPECT_EQ(http_message_length(answer), answer.size());
  for (std::size_t cut = 0; cut < answer.size(); ++cut) {
    EXPECT_EQ(http_message_length(answer.substr(0, cut)), std::nullopt) << cut;
  }
  EXPECT_EQ(http_message_length("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
            std::nullopt);
}

KeepaliveLoad load_on(const StubBackend& stub, std::string body, std::string expected) {
  KeepaliveLoad load;
  load.port = stub.port();
  load.body = std::move(body);
  load.expected = std::move(expected);
  load.clients = 3;
  load.duration = std::chrono::milliseconds(1);
  return load;
}

TEST(KeepaliveLoad, EveryClientIsAnsweredByTheStubAtLeastOnce) {
  const StubBackend stub;
  const auto whole = run_keepalive_load(load_on(stub, R"({"messages":[]})", StubBackend::kAnswer));
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_GE(whole->latency_ms.size(), 3U);
  const auto streamed = run_keepalive_load(load_on(stub, R"({"stream": true})", "data: [DONE]"));
  ASSERT_TRUE(streamed) << streamed.error().message;
  EXPECT_GE(streamed->latency_ms.size(), 3U);
}

TEST(KeepaliveLoad, AnswersWithoutWhatIsExpectedAndDeadPortsAreErrors) {
  std::uint16_t port = 0;
  {
    const StubBackend stub;
    port = stub.port();
    const auto other = run_keepalive_load(load_on(stub, "{}", "something else"));
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().code, ErrorCode::unavailable);
  }
  KeepaliveLoad load;
  load.port = port;
  EXPECT_FALSE(run_keepalive_load(load));
}

}  // namespace
}  // namespace sovereign::bench
