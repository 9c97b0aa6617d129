// Bounds and patience: sizes, timeouts, clients that do not read, and bytes that are not HTTP.
#include <gmock/gmock.h>

#include <random>
#include <string>
#include <vector>

#include "server/http/test_server.h"

namespace sovereign::server {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

TEST(Limits, ALargeBodyIsRefusedByItsLength) {
  ServerConfig config = TestServer::config();
  config.max_body_bytes = 1000;
  TestServer test(config);
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1001\r\nX-Request-Id: mine\r\n\r\n");
  const RawAnswer answer = client.read();  // before a single byte of it was sent
  EXPECT_EQ(answer.status, 413U);
  EXPECT_EQ(answer.header("X-Request-Id"), "mine");
  EXPECT_THAT(answer.body, HasSubstr("body_too_large"));
  RawClient exact = test.client();
  exact.send(post("/echo", std::string(1000, 'a')));
  EXPECT_EQ(exact.read().status, 200U);
}

// A client that sends it all before it reads must still get the answer, not a reset connection.
TEST(Limits, ALargeBodyThatIsSentAnywayIsAnswered) {
  TestServer test;
  RawClient client = test.client();
  EXPECT_TRUE(client.send(post("/echo", std::string(10'000'000, 'a'))));
  EXPECT_EQ(client.read().status, 413U);
}

TEST(Limits, ALargeChunkedBodyIsRefused) {
  ServerConfig config = TestServer::config();
  config.max_body_bytes = 1000;
  TestServer test(config);
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send("1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n" + std::string(501, 'a') + "\r\n0\r\n\r\n");
  EXPECT_EQ(client.read().status, 413U);
}

TEST(Limits, ALargeHeaderIsRefused) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/hello", "X-Large: " + std::string(20'000, 'a') + "\r\n"));
  EXPECT_EQ(client.read().status, 431U);
  RawClient piecemeal = test.client();
  piecemeal.send("GET /hello HTTP/1.1\r\nHost: t\r\n");
  for (int i = 0; i < 2000; ++i) {
    if (!piecemeal.send("X-Field: 12345678\r\n")) break;
  }
  EXPECT_EQ(piecemeal.read().status, 431U);
}

TEST(Limits, AnEndlessChunkHeaderIsRefused) {
  TestServer test;
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n1;x=" +
              std::string(40'000, 'a'));
  EXPECT_THAT(client.read().status, testing::AnyOf(400U, 431U));
}

TEST(Limits, ASlowHeaderTimesOut) {
  ServerConfig config = TestServer::config();
  config.header_timeout = milliseconds(50);
  TestServer test(config);
  RawClient client = test.client();
  client.send("GET /hello HTTP/1.1\r\nHost");
  EXPECT_EQ(client.read().status, 408U);
  EXPECT_EQ(client.read_to_end(), "");
}

// Bytes now and then must not buy more time (slow loris).
TEST(Limits, ADrippingHeaderTimesOut) {
  ServerConfig config = TestServer::config();
  config.header_timeout = milliseconds(100);
  TestServer test(config);
  RawClient client = test.client();
  client.send("GET /hello HTTP/1.1\r\n");
  while (!client.readable(10)) client.send("X-Drip: 1\r\n");
  EXPECT_EQ(client.read().status, 408U);
}

TEST(Limits, ASlowBodyTimesOut) {
  ServerConfig config = TestServer::config();
  config.body_timeout = milliseconds(50);
  TestServer test(config);
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 100\r\n\r\nsome");
  EXPECT_EQ(client.read().status, 408U);
}

TEST(Limits, AnIdleConnectionIsClosed) {
  ServerConfig config = TestServer::config();
  config.idle_timeout = milliseconds(50);
  TestServer test(config);
  RawClient used = test.client();
  used.send(get("/hello"));
  EXPECT_EQ(used.read().status, 200U);
  EXPECT_EQ(used.read_to_end(), "");
  RawClient silent = test.client();
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST(Limits, AClientThatNeverReadsAStreamIsDroppedAndOthersAreFine) {
  ServerConfig config = TestServer::config();
  config.io_threads = 1;
  config.write_timeout = milliseconds(200);
  config.max_unsent_bytes = 64 * 1024;
  TestServer test(config);
  RawClient deaf(test.port(), 4096);
  deaf.send(get("/forever"));
  RawClient fine = test.client();
  while (test.disconnects == 0) {
    fine.send(post("/stream", "10"));
    ASSERT_TRUE(fine.read().complete);
  }
  wait_for([&] { return test.server->metrics().slow_clients_dropped == 1; });
}

TEST(Limits, AClientThatNeverReadsALargeAnswerIsDropped) {
  ServerConfig config = TestServer::config();
  config.write_timeout = milliseconds(100);
  TestServer test(config);
  RawClient deaf(test.port(), 4096);
  deaf.send(get("/big"));
  wait_for([&] { return test.server->metrics().slow_clients_dropped == 1; });
  wait_for([&] { return test.server->metrics().connections_open == 0; });
}

// Each byte that it took gave it another write_timeout.
TEST(Limits, AClientThatReadsALargeAnswerInATrickleIsDropped) {
  ServerConfig config = TestServer::config();
  config.write_timeout = milliseconds(1500);
  config.min_read_rate = 1ULL << 40;
  TestServer test(config);
  RawClient trickle(test.port(), 4096);
  trickle.send(get("/big"));
  std::size_t taken = 0;
  while (const std::size_t more = trickle.read_some(64 * 1024)) {
    taken += more;
    std::this_thread::sleep_for(milliseconds(100));  // this is how slow it is
  }
  EXPECT_LT(taken, 8'000'000U);
  wait_for([&] { return test.server->metrics().slow_clients_dropped == 1; });
}

TEST(Malformed, IsRefusedAtOnce) {
  TestServer test;
  const std::string bodies[] = {
      "GET /hello HTTP/1.1\n\n",
      "GET /hello HTTP/1.1\r\n\r\n",                        // no Host
      "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",  // two
      "GET  /hello HTTP/1.1\r\nHost: a\r\n\r\n",            // two spaces
      "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n",            // space before the colon
      "GET hello HTTP/1.1\r\nHost: a\r\n\r\n",
      "\x16\x03\x01\x02",  // a TLS client
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnot hex\r\n",
  };
  for (const auto& bytes : bodies) {
    RawClient client = test.client();
    client.send(bytes);
    EXPECT_EQ(client.read().status, 400U) << bytes;
    EXPECT_EQ(client.read_to_end(), "");
  }
  RawClient version = test.client();
  version.send("GET /hello HTTP/2.0\r\nHost: a\r\n\r\n");
  EXPECT_EQ(version.read().status, 505U);
  RawClient coding = test.client();
  coding.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
  EXPECT_EQ(coding.read().status, 501U);
  RawClient expectation = test.client();
  expectation.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: a miracle\r\nContent-Length: 1\r\n\r\n");
  EXPECT_EQ(expectation.read().status, 417U);
}

TEST(Malformed, RandomBytesAndTruncatedRequestsDoNoHarm) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  ServerConfig config = TestServer::config();
  config.header_timeout = milliseconds(20);
  config.body_timeout = milliseconds(20);
  config.idle_timeout = milliseconds(20);  // bytes that happen to be whole requests
  TestServer test(config);
  const std::string good = post("/echo", "0123456789", "Transfer-Encoding: identity\r\nX-A: b\r\n") +
                           get("/hello") + post("/stream", "3");
  for (int round = 0; round < 300; ++round) {
    std::string bytes = good;
    switch (round % 3) {
      case 0:  // noise
        bytes.resize(random() % 400);
        for (auto& c : bytes) c = static_cast<char>(random());
        break;
      case 1: bytes.resize(random() % good.size()); break;  // cut short
      default:                                              // a few bytes changed
        for (int i = 0; i < 4; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    RawClient client = test.client();
    client.send(bytes);
    if (random() % 2 == 0) client.shutdown_send();
    if (random() % 4 != 0) client.read_to_end();
  }
  RawClient client = test.client();
  client.send(get("/hello"));
  EXPECT_EQ(client.read().body, "hi");
}

}  // namespace
}  // namespace sovereign::server
