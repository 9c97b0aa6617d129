#include "server/http/http_server.h"

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "server/http/connection.h"
#include "server/http/listen.h"
#include "server/http/server_state.h"
#include "server/http/tls.h"

namespace sovereign::server {

using asio::ip::tcp;

namespace {

// How long accepting rests after the system ran out of descriptors or memory.
constexpr std::chrono::milliseconds kAcceptBackOff{100};
// Bytes that the kernel takes from us and has not sent yet. Left to itself it takes megabytes, and a client
// that does not read is noticed only when those are full.
constexpr int kUnsentInKernelBytes = 128 * 1024;
// How often join() says that it still waits.
constexpr std::chrono::seconds kJoinReminder{10};

bool is_exhaustion(const boost::system::error_code& error) {
  using boost::system::errc::errc_t;
  return error == errc_t::too_many_files_open || error == errc_t::too_many_files_open_in_system ||
         error == errc_t::no_buffer_space || error == errc_t::not_enough_memory;
}

// What a handler posts to its executor may throw; that must not end the other connections.
void run_context(asio::io_context& io) {
  while (true) {
    try {
      io.run();
      return;
    } catch (const std::exception& error) {
      spdlog::error("a task on an io thread failed: {}", error.what());
    }
  }
}

}  // namespace

class HttpServer::Loop {
 public:
  explicit Loop(std::uint32_t io_threads);
  ~Loop() { join(); }

  // Before run().
  ServerState& state() { return state_; }
  asio::io_context& acceptor_context() { return *contexts_.front(); }

  void run(tcp::acceptor acceptor);
  void drain(std::chrono::milliseconds timeout);
  void join();
  std::uint16_t port() const { return port_; }

 private:
  using Guard = asio::executor_work_guard<asio::io_context::executor_type>;

  asio::awaitable<void> accept_all();
  void adopt(tcp::socket socket);
  void release(Connection* connection);
  template <class Function>
  void each_connection(Function function);

  ServerState state_;
  std::vector<std::unique_ptr<asio::io_context>> contexts_;  // the first also accepts
  std::vector<Guard> guards_;
  std::vector<std::thread> threads_;
  // On the first context's thread only:
  tcp::acceptor acceptor_;
  asio::steady_timer slot_free_;  // cancelled when a connection ends
  asio::steady_timer drain_end_;
  std::size_t next_context_ = 0;

  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable all_done_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;  // guarded by mutex_
  bool accepting_ = false;                                                    // guarded by mutex_
};

HttpServer::Loop::Loop(std::uint32_t io_threads)
    : contexts_([io_threads] {
        std::vector<std::unique_ptr<asio::io_context>> contexts;
        for (std::uint32_t i = 0; i < std::max(io_threads, 1U); ++i) {
          contexts.push_back(std::make_unique<asio::io_context>(1));
        }
        return contexts;
      }()),
      acceptor_(*contexts_.front()),
      slot_free_(*contexts_.front()),
      drain_end_(*contexts_.front()) {}

void HttpServer::Loop::run(tcp::acceptor acceptor) {
  acceptor_ = std::move(acceptor);
  boost::system::error_code ignored;
  port_ = acceptor_.local_endpoint(ignored).port();
  accepting_ = true;
  asio::co_spawn(*contexts_.front(), accept_all(), [this](std::exception_ptr) {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    all_done_.notify_all();
  });
  for (auto& context : contexts_) {
    guards_.push_back(asio::make_work_guard(*context));
    threads_.emplace_back([&io = *context] { run_context(io); });
  }
}

asio::awaitable<void> HttpServer::Loop::accept_all() {
  bool exhausted = false;
  while (acceptor_.is_open()) {
    if (state_.metrics.connections_open >= state_.config.max_connections) {
      // The next clients wait in the kernel's backlog.
      slot_free_.expires_at(std::chrono::steady_clock::time_point::max());
      co_await slot_free_.async_wait(asio::as_tuple(asio::use_awaitable));
      continue;
    }
    tcp::socket socket(*contexts_[next_context_]);
    const auto outcome = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    const boost::system::error_code error = std::get<0>(outcome);
    if (!error) {
      exhausted = false;
      next_context_ = (next_context_ + 1) % contexts_.size();
      adopt(std::move(socket));
    } else if (is_exhaustion(error)) {
      TransportMetrics::add(state_.metrics.accept_failures);
      if (!std::exchange(exhausted, true)) {
        spdlog::warn("cannot accept connections for now: {}; raise the limit with 'ulimit -n'",
                     error.message());
      }
      slot_free_.expires_after(kAcceptBackOff);
      co_await slot_free_.async_wait(asio::as_tuple(asio::use_awaitable));
    }
  }
}

void HttpServer::Loop::adopt(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.non_blocking(true, ignored);
  socket.set_option(tcp::no_delay(true), ignored);
  using UnsentLimit = asio::detail::socket_option::integer<IPPROTO_TCP, TCP_NOTSENT_LOWAT>;
  socket.set_option(UnsentLimit(kUnsentInKernelBytes), ignored);
  auto connection = std::make_shared<Connection>(std::move(socket), state_);
  TransportMetrics::add(state_.metrics.connections_accepted);
  TransportMetrics::add(state_.metrics.connections_open);
  {
    const std::lock_guard lock(mutex_);
    connections_.emplace(connection.get(), connection);
  }
  const auto executor = connection->executor();
  Connection* const key = connection.get();
  asio::co_spawn(executor, Connection::run(std::move(connection)), [this, key](std::exception_ptr thrown) {
    if (thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& error) {
        spdlog::error("a connection failed: {}", error.what());
      }
    }
    release(key);
  });
}

void HttpServer::Loop::release(Connection* connection) {
  std::shared_ptr<Connection> last;
  TransportMetrics::subtract(state_.metrics.connections_open);
  asio::post(*contexts_.front(), [this] { slot_free_.cancel(); });
  const std::lock_guard lock(mutex_);
  const auto found = connections_.find(connection);
  last = std::move(found->second);
  connections_.erase(found);
  if (connections_.empty()) all_done_.notify_all();
}

template <class Function>
void HttpServer::Loop::each_connection(Function function) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, connection] : connections_) {
    asio::post(connection->executor(), [connection = connection, function] { function(*connection); });
  }
}

void HttpServer::Loop::drain(std::chrono::milliseconds timeout) {
  if (threads_.empty()) return;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  state_.draining = true;
  // On the accepting thread, so that no connection can slip in behind.
  asio::post(*contexts_.front(), [this, deadline] {
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    slot_free_.cancel();
    each_connection([](Connection& connection) { connection.drain(); });
    const bool first = drain_end_.expiry() == asio::steady_timer::time_point{};
    if (!first && drain_end_.expiry() <= deadline) return;
    drain_end_.expires_at(deadline);
    drain_end_.async_wait([this](boost::system::error_code error) {
      if (!error) each_connection([](Connection& connection) { connection.abort(); });
    });
  });
}

void HttpServer::Loop::join() {
  if (threads_.empty()) return;
  {
    std::unique_lock lock(mutex_);
    while (!all_done_.wait_for(lock, kJoinReminder, [this] { return !accepting_ && connections_.empty(); })) {
      if (state_.draining) spdlog::warn("waiting for {} connections to end", connections_.size());
    }
  }
  guards_.clear();
  for (auto& context : contexts_) context->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

HttpServer::HttpServer(std::unique_ptr<Loop> loop) : loop_(std::move(loop)) {}

HttpServer::~HttpServer() {
  loop_->drain(std::chrono::milliseconds(0));
  loop_->join();
}

result<std::unique_ptr<HttpServer>> HttpServer::start(ServerConfig config, Router router) {
  if (auto allowed = check_bind(config); !allowed) return fail(allowed.error());
  auto keys = AccessKeys::read(config);
  if (!keys) return fail(keys.error());
  auto loop = std::make_unique<Loop>(config.io_threads);
  ServerState& state = loop->state();
  if (!config.tls_certificate.empty() || !config.tls_key.empty()) {
    auto tls = make_tls_context(config.tls_certificate, config.tls_key);
    if (!tls) return fail(tls.error());
    state.tls = std::move(*tls);
  }
  auto acceptor = listen(loop->acceptor_context(), config);
  if (!acceptor) return fail(acceptor.error());
  state.router = std::move(router);
  state.keys.set(std::move(*keys));
  state.cors = Cors(config.cors_origins);
  state.config = std::move(config);
  loop->run(std::move(*acceptor));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(loop)));
}

std::uint16_t HttpServer::port() const { return loop_->port(); }
bool HttpServer::tls() const { return loop_->state().tls != nullptr; }
bool HttpServer::draining() const { return loop_->state().draining; }
const TransportMetrics& HttpServer::metrics() const { return loop_->state().metrics; }

void HttpServer::set_keys(std::shared_ptr<const AccessKeys::Keys> keys) {
  loop_->state().keys.set(std::move(keys));
}

void HttpServer::drain(std::chrono::milliseconds timeout) { loop_->drain(timeout); }
void HttpServer::join() { loop_->join(); }

}  // namespace sovereign::server
