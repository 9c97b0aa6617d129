// A server on a free loopback port with routes that show what the transport does.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/http_server.h"
#include "server/http/raw_client.h"

namespace sovereign::server {

// Looks again and again until `condition` holds; fails the test when it never does.
template <class Condition>
void wait_for(Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the condition never came true";
    std::this_thread::yield();
  }
}

struct TestServer {
  std::atomic<int> disconnects{0};     // on_disconnect calls of /wait and /forever
  std::atomic<int> waiting{0};         // handlers of /wait at work
  std::atomic<bool> released{false};   // lets /wait answer
  std::unique_ptr<HttpServer> server;  // last: it ends before what its handlers use

  static ServerConfig config() {
    ServerConfig config;
    config.port = 0;
    config.io_threads = 2;
    return config;
  }

  explicit TestServer(const ServerConfig& config = TestServer::config()) {
    auto started = HttpServer::start(config, routes());
    if (!started) throw std::runtime_error(started.error().message);
    server = std::move(*started);
  }

  std::uint16_t port() const { return server->port(); }
  RawClient client() const { return RawClient(port()); }

  static HttpResponse text(std::string body) {
    HttpResponse response;
    response.content_type = "text/plain";
    response.body = std::move(body);
    return response;
  }

  Router routes() {
    Router router;
    router.add("GET", "/hello", Access::open,
               [](Exchange& exchange) -> asio::awaitable<void> { co_await exchange.respond(text("hi")); });
    router.add("POST", "/echo", Access::key, [](Exchange& exchange) -> asio::awaitable<void> {
      HttpResponse response = text(exchange.request().body);
      response.headers.emplace_back("X-Echo", exchange.request().query);
      response.headers.emplace_back("X-Key-Digest", exchange.request().key_digest);
      response.headers.emplace_back("X-Peer", exchange.request().peer);
      co_await exchange.respond(std::move(response));
    });
    router.add("GET", "/items/{}", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      co_await exchange.respond(text(exchange.request().path_parameters.at(0)));
    });
    router.add("GET", "/throw", Access::open, [](Exchange&) -> asio::awaitable<void> {
      throw std::runtime_error("on purpose");
      co_return;
    });
    router.add("GET", "/silent", Access::open, [](Exchange&) -> asio::awaitable<void> { co_return; });
    router.add("GET", "/inject", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      HttpResponse response = text("safe");
      response.headers.emplace_back("X-Bad", "a\r\nX-Injected: yes");
      response.headers.emplace_back("X-Bad\r\nX-Injected", "yes");
      co_await exchange.respond(std::move(response));
    });
    router.add("GET", "/big", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      co_await exchange.respond(text(std::string(8'000'000, 'b')));
    });
    router.add("POST", "/stream", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      const int count = std::stoi(exchange.request().body);
      bool there = co_await exchange.begin_events();
      for (int i = 0; i < count && there; ++i) {
        std::vector<std::string> payloads(1, "event " + std::to_string(i));
        there = co_await exchange.send_events(std::move(payloads));
      }
      co_await exchange.end_events();
    });
    router.add("GET", "/lines", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      co_await exchange.begin_events();
      std::vector<std::string> payloads{"one\ntwo\r\nthree", "four"};
      co_await exchange.send_events(std::move(payloads));
      co_await exchange.end_events();
    });
    router.add("GET", "/cut", Access::open, [](Exchange& exchange) -> asio::awaitable<void> {
      co_await exchange.begin_events();
      std::vector<std::string> payloads(1, "only this");
      co_await exchange.send_events(std::move(payloads));
      throw std::runtime_error("on purpose");
    });
    router.add("GET", "/forever", Access::open, [this](Exchange& exchange) -> asio::awaitable<void> {
      exchange.on_disconnect([this] { ++disconnects; });
      asio::steady_timer turn(exchange.executor());
      bool there = co_await exchange.begin_events();
      while (there) {
        std::vector<std::string> payloads(4, std::string(1000, 'x'));
        there = co_await exchange.send_events(std::move(payloads));
        turn.expires_after(std::chrono::microseconds(50));
        co_await turn.async_wait(asio::use_awaitable);
      }
    });
    // Answers when released, or not at all once the client is gone.
    router.add("GET", "/wait", Access::open, [this](Exchange& exchange) -> asio::awaitable<void> {
      ++waiting;
      bool gone = false;
      exchange.on_disconnect([this, &gone] {
        ++disconnects;
        gone = true;
      });
      asio::steady_timer turn(exchange.executor());
      while (!gone && !released) {
        turn.expires_after(std::chrono::milliseconds(1));
        co_await turn.async_wait(asio::use_awaitable);
      }
      --waiting;
      if (!gone) co_await exchange.respond(text("released"));
    });
    return router;
  }
};

inline std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: test\r\n" + headers + "\r\n";
}

inline std::string post(const std::string& path, const std::string& body, const std::string& headers = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + headers + "\r\n" + body;
}

}  // namespace sovereign::server
