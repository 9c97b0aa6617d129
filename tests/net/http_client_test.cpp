#include "net/http_client.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>

#include "net/blocking_http.h"
#include "net/scripted_server.h"
#include "net/test_certificate.h"

namespace sovereign::net {
namespace {

using std::chrono::milliseconds;
using testing::ok;
using testing::Peer;
using testing::ScriptedServer;

ClientRequest get(std::string url) {
  ClientRequest request;
  request.url = std::move(url);
  return request;
}

TEST(HttpClient, SendsWhatItWasGivenAndReadsTheAnswer) {
  std::string seen;
  ScriptedServer server([&](Peer& peer) {
    seen = peer.read_request();
    peer.write(ok("hello", "X-Note: yes\r\n"));
  });
  BlockingHttp http;
  const auto answer = http.fetch(json_post(server.url("/v1/x?y=1"), R"({"a":1})", "secret"));
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->body, "hello");
  EXPECT_EQ(find_header(answer->headers, "x-note"), "yes");
  EXPECT_EQ(seen,
            fmt::format("POST /v1/x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n"
                        "Authorization: Bearer secret\r\nUser-Agent: sovereign\r\nContent-Length: "
                        "7\r\n\r\n{{\"a\":1}}",
                        server.port()));
}

TEST(HttpClient, AStatusOfFourHundredIsAnAnswer) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 429 Too Many\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno");
  });
  const auto answer = BlockingHttp().fetch(get(server.url("/")));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 429U);
  EXPECT_EQ(answer->body, "no");
}

TEST(HttpClient, KeepsConnectionsAlive) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.write(ok("x"));
  });
  BlockingHttp http;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(http.fetch(get(server.url("/"))));
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, DoesNotReuseAConnectionThatTheServerCloses) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(ok("x", "Connection: close\r\n"));
    peer.wait_for_close();
  });
  BlockingHttp http;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(http.fetch(get(server.url("/"))));
  EXPECT_EQ(server.accepted(), 3);
}

TEST(HttpClient, BytesThatNobodyAskedForSpoilAConnection) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(ok("x") + ok("forged"));
    peer.wait_for_close();
  });
  BlockingHttp http;
  for (int i = 0; i < 2; ++i) {
    const auto answer = http.fetch(get(server.url("/")));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "x");
  }
  EXPECT_EQ(server.accepted(), 2);
}

// The first connection answers once, then drops the second request after reading it.
void drop_the_second_request(Peer& peer) {
  peer.read_request();
  peer.write(ok("first"));
  if (peer.index() == 0) {
    peer.read_request();
    return;
  }
  peer.wait_for_close();
}

TEST(HttpClient, AStaleConnectionIsRetriedForAnIdempotentRequest) {
  ScriptedServer server(drop_the_second_request);
  BlockingHttp http;
  ASSERT_TRUE(http.fetch(get(server.url("/"))));
  const auto again = http.fetch(get(server.url("/")));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, AStaleConnectionIsNotRetriedForAPost) {
  ScriptedServer server(drop_the_second_request);
  BlockingHttp http;
  ASSERT_TRUE(http.fetch(get(server.url("/"))));
  const auto post = http.fetch(json_post(server.url("/"), "{}"));
  ASSERT_FALSE(post);
  EXPECT_EQ(post.error().code, ErrorCode::unavailable);
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, APostThatSaysItIsIdempotentIsRetried) {
  ScriptedServer server(drop_the_second_request);
  BlockingHttp http;
  ASSERT_TRUE(http.fetch(get(server.url("/"))));
  ClientRequest post = json_post(server.url("/"), "{}");
  post.idempotent = true;
  EXPECT_TRUE(http.fetch(post));
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, AFreshConnectionIsNeverRetried) {
  ScriptedServer server([](Peer& peer) { peer.read_request(); });
  const auto answer = BlockingHttp().fetch(get(server.url("/")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpClient, AnIdleConnectionThatTheServerClosedIsReplacedEvenForAPost) {
  std::promise<void> closed;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(ok("x"));
    if (peer.index() == 0) {
      peer.reset();
      closed.set_value();
    } else {
      peer.wait_for_close();
    }
  });
  BlockingHttp http;
  ASSERT_TRUE(http.fetch(get(server.url("/"))));
  closed.get_future().wait();
  const auto post = http.fetch(json_post(server.url("/"), "{}"));
  ASSERT_TRUE(post) << post.error().message;
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpClient, ReadsAnEarlyAnswerToARequestThatTheServerWillNotTake) {
  ScriptedServer server([](Peer& peer) {
    peer.read_head();
    peer.write("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
  });
  const auto answer = BlockingHttp().fetch(json_post(server.url("/"), std::string(20'000'000, 'x')));
  // The kernel may drop the answer with the connection's reset: then an error, never a hang or a crash.
  if (answer) {
    EXPECT_EQ(answer->status, 413U);
  } else {
    EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
  }
}

TEST(HttpClient, EveryFramingOfTheBody) {
  ScriptedServer server([](Peer& peer) {
    const std::string head = peer.read_request();
    if (head.find("/chunked") != std::string::npos) {
      peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n");
      peer.write("2\r\nde\r\n0\r\nTrailer: x\r\n\r\n");
      peer.wait_for_close();
    } else if (head.find("/to-the-end") != std::string::npos) {
      peer.write("HTTP/1.0 200 OK\r\n\r\nabcde");
    } else if (head.find("/none") != std::string::npos) {
      peer.write("HTTP/1.1 204 No Content\r\n\r\n");
      peer.wait_for_close();
    } else if (head.find("/interim") != std::string::npos) {
      peer.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok("abcde"));
      peer.wait_for_close();
    } else {
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");  // to HEAD
      peer.wait_for_close();
    }
  });
  for (const char* target : {"/chunked", "/to-the-end", "/interim"}) {
    const auto answer = BlockingHttp().fetch(get(server.url(target)));
    ASSERT_TRUE(answer) << target << ": " << answer.error().message;
    EXPECT_EQ(answer->body, "abcde") << target;
  }
  const auto none = BlockingHttp().fetch(get(server.url("/none")));
  ASSERT_TRUE(none);
  EXPECT_EQ(none->status, 204U);
  ClientRequest head = get(server.url("/head"));
  head.method = "HEAD";
  const auto headless = BlockingHttp().fetch(head);
  ASSERT_TRUE(headless) << headless.error().message;
  EXPECT_EQ(headless->body, "");
}

TEST(HttpClient, WhatIsNotHttpOrIsCutShortIsCorrupt) {
  for (const char* bytes :
       {"hello, world\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 200",
        "HTTP/1.1 200 OK\r\nBad Header\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", "HTTP/1.1 101 Switch\r\n\r\n"}) {
    ScriptedServer server([bytes](Peer& peer) {
      peer.read_request();
      peer.write(bytes);
    });
    const auto answer = BlockingHttp().fetch(get(server.url("/")));
    ASSERT_FALSE(answer) << bytes;
    EXPECT_EQ(answer.error().code, ErrorCode::corrupt) << bytes << ": " << answer.error().message;
  }
}

TEST(HttpClient, HeadersAndBodiesPastTheirBoundAreRefused) {
  ScriptedServer server([](Peer& peer) {
    const std::string head = peer.read_request();
    if (head.find("/body") != std::string::npos) {
      peer.write(ok(std::string(100'000, 'b')));
    } else if (head.find("/one") != std::string::npos) {
      peer.write("HTTP/1.1 200 OK\r\nX: " + std::string(1'000'000, 'h') + "\r\n\r\n");
    } else {
      std::string many = "HTTP/1.1 200 OK\r\n";
      for (int i = 0; i < 50'000; ++i) many += fmt::format("X-{}: y\r\n", i);
      peer.write(many + "\r\n");
    }
    peer.wait_for_close();
  });
  HttpClientConfig config;
  config.max_body_bytes = 50'000;
  BlockingHttp http(config);
  for (const char* target : {"/one", "/many", "/body"}) {
    const auto answer = http.fetch(get(server.url(target)));
    ASSERT_FALSE(answer) << target;
    EXPECT_EQ(answer.error().code, ErrorCode::resource_exhausted) << target << ": " << answer.error().message;
  }
}

TEST(HttpClient, EachPhaseHasItsTimeout) {
  ScriptedServer server([](Peer& peer) {
    const std::string head = peer.read_request();
    if (head.find("/slow-body") != std::string::npos)
      peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
    peer.wait_for_close();
  });
  ClientRequest first_byte = get(server.url("/"));
  first_byte.timeouts.first_byte = milliseconds(30);
  ClientRequest idle = get(server.url("/slow-body"));
  idle.timeouts.idle = milliseconds(30);
  ClientRequest total = get(server.url("/"));
  total.timeouts.total = milliseconds(30);
  BlockingHttp http;
  for (const auto& [request, words] : {std::pair(first_byte, "waiting for an answer"),
                                       std::pair(idle, "reading"), std::pair(total, "whole request")}) {
    const auto answer = http.fetch(request);
    ASSERT_FALSE(answer) << words;
    EXPECT_EQ(answer.error().code, ErrorCode::deadline_exceeded);
    EXPECT_NE(answer.error().message.find(words), std::string::npos) << answer.error().message;
  }
}

TEST(HttpClient, AServerThatNeverReadsRunsIntoTheTimeout) {
  std::promise<void> over;
  ScriptedServer server([wait = over.get_future().share()](Peer&) { wait.wait(); });
  ClientRequest request = json_post(server.url("/"), std::string(30'000'000, 'x'));
  request.timeouts.first_byte = milliseconds(50);
  const auto answer = BlockingHttp().fetch(request);
  over.set_value();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::deadline_exceeded);
}

TEST(HttpClient, ATlsHandshakeThatNeverComesRunsIntoTheConnectTimeout) {
  ScriptedServer server([](Peer& peer) { peer.wait_for_close(); });
  ClientRequest request = get(fmt::format("https://127.0.0.1:{}/", server.port()));
  request.timeouts.connect = milliseconds(50);
  const auto answer = BlockingHttp().fetch(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::deadline_exceeded);
  EXPECT_NE(answer.error().message.find("connecting"), std::string::npos);
}

TEST(HttpClient, NobodyListeningIsUnavailable) {
  std::uint16_t port = 0;
  {
    ScriptedServer gone([](Peer&) {});
    port = gone.port();
  }
  const auto answer = BlockingHttp().fetch(get(fmt::format("http://127.0.0.1:{}/", port)));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::unavailable);
}

TEST(HttpClient, ANameThatDoesNotExistIsUnavailable) {
  ClientRequest request = get("http://name.invalid/");
  const auto answer = BlockingHttp().fetch(request);
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().code == ErrorCode::unavailable ||
              answer.error().code == ErrorCode::deadline_exceeded);
}

TEST(HttpClient, StopEndsAWaitFromAnotherThread) {
  std::stop_source stop;
  ScriptedServer server([&](Peer& peer) {
    const std::string head = peer.read_request();
    if (head.find("/body") != std::string::npos) peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab");
    stop.request_stop();
    peer.wait_for_close();
  });
  for (const char* target : {"/", "/body"}) {
    stop = std::stop_source();
    ClientRequest request = get(server.url(target));
    request.stop = stop.get_token();
    const auto answer = BlockingHttp().fetch(request);
    ASSERT_FALSE(answer) << target;
    EXPECT_EQ(answer.error().code, ErrorCode::cancelled) << target << ": " << answer.error().message;
  }
}

TEST(HttpClient, AStoppedRequestIsNotSent) {
  ScriptedServer server([](Peer& peer) { peer.read_request(); });
  std::stop_source stop;
  stop.request_stop();
  ClientRequest request = get(server.url("/"));
  request.stop = stop.get_token();
  const auto answer = BlockingHttp().fetch(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::cancelled);
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpClient, RefusesHeadersThatWouldForgeOthers) {
  ClientRequest forged = get("http://127.0.0.1:1/");
  for (const auto& header :
       Headers{{"X", "a\r\nY: b"}, {"X Y", "a"}, {"", "a"}, {"Host", "h"}, {"content-length", "1"}}) {
    forged.headers = {header};
    const auto answer = BlockingHttp().fetch(forged);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument) << header.first;
  }
  forged.headers.clear();
  forged.method = "GET / HTTP/1.1\r\nX:";
  EXPECT_EQ(BlockingHttp().fetch(forged).error().code, ErrorCode::invalid_argument);
}

TEST(HttpClient, EventsArriveOneByOne) {
  // The server sends the second event only after the client has seen the first.
  std::promise<void> first_seen;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
        "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: a\n\n\r\n");
    first_seen.get_future().wait();
    peer.write("3\r\ndat\r\n6\r\na: b\n\n\r\n0\r\n\r\n");
    peer.wait_for_close();
  });
  std::vector<std::string> events;
  BlockingHttp http;
  const auto answer = http.stream_events(json_post(server.url("/"), "{}"), [&](const SseEvent& event) {
    if (events.empty()) first_seen.set_value();
    events.push_back(event.data);
    return true;
  });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(events, (std::vector<std::string>{"a", "b"}));
}

TEST(HttpClient, AnErrorInsteadOfAStreamComesWithItsBody) {
  ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 503 No\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  });
  const auto answer =
      BlockingHttp().stream_events(get(server.url("/")), [](const SseEvent&) { return true; });
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503U);
  EXPECT_EQ(answer->body, "{}");
}

TEST(HttpClient, StoppingAnEventStreamClosesTheConnection) {
  std::promise<void> closed;
  ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: a\n\n");
    peer.wait_for_close();
    closed.set_value();
  });
  BlockingHttp http;
  const auto answer = http.stream_events(get(server.url("/")), [](const SseEvent&) { return false; });
  ASSERT_TRUE(answer) << answer.error().message;
  closed.get_future().wait();
}

TEST(HttpClient, ManyRequestsAtOnceAndTheClientGoneBeforeTheyEnd) {
  ScriptedServer server([](Peer& peer) {
    while (!peer.read_request().empty()) peer.write(ok("x"));
  });
  asio::io_context context;
  int answered = 0;
  {
    HttpClient client(context.get_executor());
    for (int i = 0; i < 20; ++i) {
      asio::co_spawn(context, client.fetch(get(server.url("/"))),
                     [&](std::exception_ptr exception, const result<ClientResponse>& answer) {
                       EXPECT_FALSE(exception);
                       answered += answer.has_value() ? 1 : 0;
                     });
    }
  }
  context.run();
  EXPECT_EQ(answered, 20);
}

class HttpClientTls : public ::testing::Test {
 protected:
  HttpClientTls() : ca_file_(::testing::TempDir() + fmt::format("sovereign-test-ca-{}.pem", ::getpid())) {
    std::ofstream(ca_file_) << certificate_.certificate_pem;
  }
  ~HttpClientTls() override { std::filesystem::remove(ca_file_); }

  testing::TestCertificate certificate_ = testing::make_test_certificate();
  std::string ca_file_;
};

TEST_F(HttpClientTls, SpeaksTlsToAServerItTrustsAndKeepsTheConnection) {
  auto tls = testing::server_context(certificate_);
  ScriptedServer server(
      [](Peer& peer) {
        while (!peer.read_request().empty()) peer.write(ok("safe"));
      },
      &tls);
  HttpClientConfig config;
  config.ca_file = ca_file_;
  BlockingHttp http(config);
  for (const std::string& url : {server.url("/"), fmt::format("https://localhost:{}/", server.port())}) {
    const auto answer = http.fetch(get(url));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, "safe");
  }
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(http.fetch(get(server.url("/"))));
  EXPECT_LE(server.accepted(), 3) << "two hosts, and at most one connection lost to a late session ticket";
}

TEST_F(HttpClientTls, RefusesAStrangerAndAnotherName) {
  auto tls = testing::server_context(certificate_);
  ScriptedServer server([](Peer& peer) { peer.read_request(); }, &tls);
  const auto stranger = BlockingHttp().fetch(get(server.url("/")));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::unavailable);

  const auto other = testing::make_test_certificate("DNS:elsewhere.example");
  std::ofstream(ca_file_, std::ios::trunc) << other.certificate_pem;
  auto other_tls = testing::server_context(other);
  ScriptedServer misnamed([](Peer& peer) { peer.read_request(); }, &other_tls);
  HttpClientConfig config;
  config.ca_file = ca_file_;
  const auto wrong_name = BlockingHttp(config).fetch(get(misnamed.url("/")));
  ASSERT_FALSE(wrong_name);
  EXPECT_EQ(wrong_name.error().code, ErrorCode::unavailable);
}

TEST_F(HttpClientTls, ABodyWithoutLengthNeedsTheTlsGoodbye) {
  auto tls = testing::server_context(certificate_);
  ScriptedServer server(
      [](Peer& peer) {
        peer.read_request();
        peer.write("HTTP/1.0 200 OK\r\n\r\nhalf of it");  // then closes without close_notify
      },
      &tls);
  HttpClientConfig config;
  config.ca_file = ca_file_;
  const auto answer = BlockingHttp(config).fetch(get(server.url("/")));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::corrupt);
}

TEST_F(HttpClientTls, ARootsFileThatIsNotThereIsNamed) {
  HttpClientConfig config;
  config.ca_file = "/nonexistent/roots.pem";
  const auto answer = BlockingHttp(config).fetch(get("https://127.0.0.1:1/"));
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(answer.error().where, "/nonexistent/roots.pem");
}

}  // namespace
}  // namespace sovereign::net
