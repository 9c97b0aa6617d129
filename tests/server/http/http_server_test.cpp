// Requests and answers over real sockets: framing, keep-alive, errors, draining.
#include "server/http/http_server.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <boost/asio/post.hpp>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/http/test_server.h"

namespace sovereign::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(HttpServer, KeepsAConnectionForManyRequests) {
  TestServer test;
  RawClient client = test.client();
  for (int i = 0; i < 50; ++i) {
    client.send(i % 2 == 0 ? get("/hello") : post("/echo", "body " + std::to_string(i)));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.body, i % 2 == 0 ? "hi" : "body " + std::to_string(i));
    EXPECT_EQ(answer.header("Server"), "sovereign");
  }
  EXPECT_EQ(test.server->metrics().connections_accepted, 1U);
  wait_for([&] { return test.server->metrics().responses[2] == 50U; });  // counted after it is sent
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
  TestServer test;
  RawClient client = test.client();
  std::string all;
  for (int i = 0; i < 200; ++i) all += post("/echo", std::to_string(i)) + "\r\n" + post("/stream", "2");
  client.send(all);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(client.read().body, std::to_string(i));
    EXPECT_EQ(client.read().body, "data: event 0\n\ndata: event 1\n\n");
  }
}

TEST(HttpServer, ReadsARequestThatArrivesByteByByte) {
  TestServer test;
  RawClient client = test.client();
  for (const char c : post("/echo", "slow but fine")) client.send(std::string(1, c));
  EXPECT_EQ(client.read().body, "slow but fine");
}

TEST(HttpServer, ReadsChunkedBodies) {
  TestServer test;
  RawClient client = test.client();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
  client.send(head + "5\r\nhello\r\n1;note=1\r\n \r\n5\r\nworld\r\n0\r\nTrailer: x\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read().body, "hello world");
  EXPECT_EQ(client.read().body, "hi");
}

TEST(HttpServer, AsksForABodyThatIsExpected) {
  TestServer test;
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 100U);
  client.send("body");
  EXPECT_EQ(client.read().body, "body");
}

TEST(HttpServer, SpeaksHttp10) {
  TestServer test;
  RawClient client = test.client();
  client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.read().header("Connection"), "keep-alive");
  client.send("POST /stream HTTP/1.0\r\nContent-Length: 1\r\n\r\n1");
  const RawAnswer stream = client.read();
  EXPECT_EQ(stream.header("Transfer-Encoding"), "");
  EXPECT_EQ(stream.header("Connection"), "close");
  EXPECT_EQ(stream.body, "data: event 0\n\n");
}

TEST(HttpServer, ClosesWhenAsked) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/hello", "Connection: close\r\n"));
  EXPECT_EQ(client.read().header("Connection"), "close");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(HttpServer, AnswersAClientThatHasShutDownItsSide) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/hello") + get("/items/second"));
  client.shutdown_send();
  EXPECT_EQ(client.read().body, "hi");
  EXPECT_EQ(client.read().body, "second");
}

TEST(HttpServer, HeadHasTheHeadersOfGetAndNoBody) {
  TestServer test;
  RawClient client = test.client();
  client.send("HEAD /hello HTTP/1.1\r\nHost: t\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read(true).header("Content-Length"), "2");
  EXPECT_EQ(client.read().body, "hi");
}

TEST(HttpServer, SaysWhatIsNotThere) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/nothing"));
  const RawAnswer missing = client.read();
  EXPECT_EQ(missing.status, 404U);
  EXPECT_THAT(missing.body, HasSubstr(R"("code":"unknown_url")"));
  client.send("DELETE /hello HTTP/1.1\r\nHost: t\r\n\r\n");
  const RawAnswer wrong = client.read();
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.header("Allow"), "GET, HEAD");
  EXPECT_THAT(wrong.body, HasSubstr(R"("type":"invalid_request_error","param":null)"));
}

TEST(HttpServer, DecodesPathsAndRefusesBrokenOnes) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/items/org%2Fname%20x"));
  EXPECT_EQ(client.read().body, "org/name x");
  for (const char* path : {"/items/%", "/items/%4", "/items/%zz", "/items/%00", "/items/%0d%0a"}) {
    RawClient broken = test.client();
    broken.send(get(path));
    EXPECT_EQ(broken.read().status, 400U) << path;
  }
}

TEST(HttpServer, EchoesSaneRequestIdsOnly) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/hello", "X-Request-Id: my-id.1\r\n"));
  EXPECT_EQ(client.read().header("X-Request-Id"), "my-id.1");
  for (const std::string& id :
       {std::string("a b"), std::string(200, 'a'), std::string("<x>"), std::string()}) {
    client.send(get("/hello", "X-Request-Id: " + id + "\r\n"));
    EXPECT_THAT(client.read().header("X-Request-Id"), testing::MatchesRegex("req_[0-9a-f]+"));
  }
}

TEST(HttpServer, HeadersThatWouldSplitTheAnswerAreLeftOut) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/inject"));
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.body, "safe");
  EXPECT_THAT(answer.head, Not(HasSubstr("X-Injected")));
}

TEST(HttpServer, AHandlerThatFailsOrForgetsIsAnInternalError) {
  TestServer test;
  RawClient client = test.client();
  for (const char* path : {"/throw", "/silent"}) {
    client.send(get(path));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, 500U);
    EXPECT_THAT(answer.body, Not(HasSubstr("on purpose")));
  }
  client.send(get("/hello"));
  EXPECT_EQ(client.read().body, "hi");
}

// Its loops go on, and with them what others do there.
TEST(HttpServer, LeavesTheLoopsItWasGiven) {
  net::EventLoops loops(2);
  for (int round = 0; round < 3; ++round) {
    Router router;
    std::vector<std::size_t> served_on;
    std::mutex mutex;
    router.add("GET", "/loop", Access::open, [&](Exchange& exchange) -> asio::awaitable<void> {
      {
        const std::lock_guard lock(mutex);
        served_on.push_back(loops.here());
      }
      co_await exchange.respond(TestServer::text("here"));
    });
    auto server = HttpServer::start(TestServer::config(), std::move(router), &loops);
    ASSERT_TRUE(server.has_value());
    for (int i = 0; i < 4; ++i) {
      RawClient client((*server)->port());
      client.send(get("/loop"));
      EXPECT_EQ(client.read().status, 200U);
    }
    server->reset();
    EXPECT_THAT(served_on, ElementsAre(0, 1, 0, 1));
  }
  std::promise<void> ran;
  asio::post(loops.at(1).context(), [&] { ran.set_value(); });
  ran.get_future().wait();
}

TEST(HttpServer, SendsLargeAnswers) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/big"));
  EXPECT_EQ(client.read().body.size(), 8'000'000U);
}

TEST(HttpServer, NamesATakenPort) {
  TestServer test;
  ServerConfig config = TestServer::config();
  config.port = test.port();
  const auto second = HttpServer::start(config, Router{});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::already_exists);
  EXPECT_THAT(second.error().message, HasSubstr("Port " + std::to_string(test.port())));
  EXPECT_THAT(second.error().message, HasSubstr("--port"));
}

TEST(HttpServer, NamesABadHost) {
  ServerConfig config = TestServer::config();
  config.host = "no such host";
  config.insecure = true;
  const auto started = HttpServer::start(config, Router{});
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().where, "server.host");
  config.host = "192.0.2.1";  // TEST-NET-1: nobody's address
  EXPECT_EQ(HttpServer::start(config, Router{}).error().code, ErrorCode::invalid_argument);
}

TEST(HttpServer, RefusesToServeStrangersWithoutKeys) {
  ServerConfig config = TestServer::config();
  config.host = "0.0.0.0";
  EXPECT_EQ(HttpServer::start(config, Router{}).error().code, ErrorCode::permission_denied);
  config.insecure = true;
  EXPECT_TRUE(HttpServer::start(config, Router{}).has_value());
}

TEST(HttpServer, ServesFiveHundredClientsAtOnce) {
  TestServer test;
  std::vector<RawClient> clients;
  for (int i = 0; i < 500; ++i) clients.push_back(test.client());
  for (auto& client : clients) client.send(get("/wait"));
  wait_for([&] { return test.waiting == 500; });
  RawClient health = test.client();
  health.send(get("/hello"));
  EXPECT_EQ(health.read().body, "hi");
  test.released = true;
  for (auto& client : clients) EXPECT_EQ(client.read().body, "released");
}

TEST(HttpServer, OneConnectionTooManyWaitsForAPlace) {
  ServerConfig config = TestServer::config();
  config.max_connections = 2;
  TestServer test(config);
  RawClient first = test.client();
  RawClient second = test.client();
  for (RawClient* client : {&first, &second}) {
    client->send(get("/hello"));
    EXPECT_EQ(client->read().body, "hi");
  }
  RawClient third = test.client();
  third.send(get("/hello"));
  first.send(get("/hello"));
  EXPECT_EQ(first.read().body, "hi");
  EXPECT_EQ(test.server->metrics().connections_accepted, 2U);
  first.close();
  EXPECT_EQ(third.read().body, "hi");
}

// Out of file descriptors: the next client waits, and is served when there is one again.
TEST(HttpServer, SurvivesTheLackOfDescriptors) {
#ifdef __SANITIZE_ADDRESS__
  // That build checks types as well (-fsanitize=undefined), by way of a pipe, and takes every type for a
  // wrong one when it can open none.
  GTEST_SKIP() << "the sanitizer itself needs descriptors";
#endif
  TestServer test;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_free = ::dup(0);
  ASSERT_GE(next_free, 0);
  ::close(next_free);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_free) + 1;  // the client's own, and none for accept()
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  RawClient client = test.client();
  client.send(get("/hello"));
  wait_for([&] { return test.server->metrics().accept_failures > 0; });
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(client.read().body, "hi");
}

TEST(HttpServer, AHandlerLearnsThatItsClientLeft) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/wait") + get("/hello"));  // the second request waits its turn
  wait_for([&] { return test.waiting == 1; });
  client.close();
  wait_for([&] { return test.waiting == 0; });
  EXPECT_EQ(test.disconnects, 1);
}

TEST(HttpServer, DrainingLetsHandlersFinishAndClosesTheRest) {
  TestServer test;
  RawClient idle = test.client();
  idle.send(get("/hello"));
  idle.read();
  RawClient busy = test.client();
  busy.send(get("/wait"));
  wait_for([&] { return test.waiting == 1; });
  test.server->drain(std::chrono::seconds(60));
  EXPECT_EQ(idle.read_to_end(), "");
  EXPECT_THROW(test.client(), std::runtime_error);
  test.released = true;
  EXPECT_EQ(busy.read().body, "released");
  EXPECT_EQ(busy.read_to_end(), "");
  test.server->join();
  EXPECT_EQ(test.disconnects, 0);
}

TEST(HttpServer, DrainingUnderLoadCutsNoAnswer) {
  TestServer test;
  std::atomic<int> answered{0};
  std::atomic<int> torn{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      try {
        RawClient client = test.client();
        while (client.send(post("/stream", "20"))) {
          const RawAnswer answer = client.read();
          if (answer.status == 0) break;  // closed between two requests
          answer.complete ? ++answered : ++torn;
        }
      } catch (const std::runtime_error&) {  // refused: draining
      }
    });
  }
  wait_for([&] { return answered > 200; });
  test.server->drain(std::chrono::seconds(60));
  test.server->join();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(torn, 0);
}

TEST(HttpServer, ADrainThatTakesTooLongClosesHard) {
  TestServer test;
  RawClient busy = test.client();
  busy.send(get("/wait"));
  RawClient stream = test.client();
  stream.send(get("/forever"));
  wait_for([&] { return test.waiting == 1; });
  test.server->drain(std::chrono::milliseconds(20));
  test.server->join();
  EXPECT_EQ(busy.read().status, 0U);
  EXPECT_FALSE(stream.read().complete);
  EXPECT_GE(test.disconnects, 1);
}

TEST(HttpServer, MayBeDestroyedInTheMiddleOfEverything) {
  TestServer test;
  RawClient idle = test.client();
  RawClient half = test.client();
  half.send("POST /echo HTTP/1.1\r\nContent-");
  RawClient busy = test.client();
  busy.send(get("/wait"));
  RawClient unread = test.client();
  unread.send(get("/big"));
  wait_for([&] { return test.waiting == 1; });
  test.server.reset();
  EXPECT_EQ(test.waiting, 0);
}

}  // namespace
}  // namespace sovereign::server
