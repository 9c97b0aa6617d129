#include "server/http/http_server.h"

#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <tuple>
#include <unordered_map>
#include <utility>

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

}  // namespace

class HttpServer::Loop {
 public:
  explicit Loop(net::EventLoops& loops);
  ~Loop() { join(); }

  // Before run().
  ServerState& state() { return state_; }
  asio::io_context& acceptor_context() { return accepting_loop_; }

  void run(tcp::acceptor acceptor);
  void drain(std::chrono::milliseconds timeout);
  void join();
  std::uint16_t port() const { return port_; }

 private:
  asio::awaitable<void> accept_all();
  void adopt(tcp::socket socket);
  void release(Connection* connection);
  // Waits until nothing on the loops refers to this any more.
  void leave_loops();
  template <class Function>
  void each_connection(Function function);

  ServerState state_;
  net::EventLoops& loops_;
  asio::io_context& accepting_loop_;  // the first
  std::atomic<bool> running_{false};
  // On the accepting loop only:
  tcp::acceptor acceptor_;
  asio::steady_timer slot_free_;  // cancelled when a connection ends
  asio::steady_timer drain_end_;
  std::size_t next_loop_ = 0;

  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable all_done_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> connections_;  // guarded by mutex_
  bool accepting_ = false;                                                    // guarded by mutex_
};

HttpServer::Loop::Loop(net::EventLoops& loops)
    : loops_(loops),
      accepting_loop_(loops.first().context()),
      acceptor_(accepting_loop_),
      slot_free_(accepting_loop_),
      drain_end_(accepting_loop_) {}

void HttpServer::Loop::run(tcp::acceptor acceptor) {
  acceptor_ = std::move(acceptor);
  boost::system::error_code ignored;
  port_ = acceptor_.local_endpoint(ignored).port();
  accepting_ = true;
  running_ = true;
  asio::co_spawn(accepting_loop_, accept_all(), [this](std::exception_ptr) {
    const std::lock_guard lock(mutex_);
    accepting_ = false;
    all_done_.notify_all();
  });
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
    tcp::socket socket(loops_.at(next_loop_).context());
    const auto outcome = co_await acceptor_.async_accept(socket, asio::as_tuple(asio::use_awaitable));
    const boost::system::error_code error = std::get<0>(outcome);
    if (!error) {
      exhausted = false;
      next_loop_ = (next_loop_ + 1) % loops_.size();
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
  asio::post(accepting_loop_, [this] { slot_free_.cancel(); });
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
  if (!running_) return;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  state_.draining = true;
  // On the accepting loop, so that no connection can slip in behind.
  asio::post(accepting_loop_, [this, deadline] {
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
  if (!running_) return;
  {
    std::unique_lock lock(mutex_);
    while (!all_done_.wait_for(lock, kJoinReminder, [this] { return !accepting_ && connections_.empty(); })) {
      if (state_.draining) spdlog::warn("waiting for {} connections to end", connections_.size());
    }
  }
  leave_loops();
  running_ = false;
}

void HttpServer::Loop::leave_loops() {
  asio::post(accepting_loop_, [this] {
    drain_end_.cancel();
    slot_free_.cancel();
  });
  // Two turns, since what a handler posts to its own loop may come after what others post while it runs.
  for (int turn = 0; turn < 2; ++turn) {
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      const auto passed = std::make_shared<std::promise<void>>();
      asio::post(loops_.at(i).context(), [passed] { passed->set_value(); });
      passed->get_future().wait();
    }
  }
}

HttpServer::HttpServer(std::unique_ptr<net::EventLoops> own_loops, std::unique_ptr<Loop> loop)
    : own_loops_(std::move(own_loops)), loop_(std::move(loop)) {}

HttpServer::~HttpServer() {
  loop_->drain(std::chrono::milliseconds(0));
  loop_->join();
}

result<std::unique_ptr<HttpServer>> HttpServer::start(ServerConfig config, Router router,
                                                      net::EventLoops* loops) {
  if (auto allowed = check_bind(config); !allowed) return fail(allowed.error());
  auto keys = AccessKeys::read(config);
  if (!keys) return fail(keys.error());
  std::unique_ptr<net::EventLoops> own_loops;
  if (loops == nullptr) {
    own_loops = std::make_unique<net::EventLoops>(config.io_threads);
    loops = own_loops.get();
  }
  auto loop = std::make_unique<Loop>(*loops);
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
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(own_loops), std::move(loop)));
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
