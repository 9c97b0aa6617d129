// One client's connection: reads requests, lets handlers answer them, one after the other, until either
// side ends it. One coroutine; everything runs on the socket's io_context, which one thread runs.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <optional>

#include "server/http/http_exchange.h"
#include "server/http/input.h"
#include "server/http/output.h"
#include "server/http/request_reader.h"
#include "server/http/server_state.h"
#include "server/http/stream.h"

namespace sovereign::server {

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `state` outlives the connection.
  Connection(asio::ip::tcp::socket socket, ServerState& state);

  // Serves the connection to its end. Never throws.
  static asio::awaitable<void> run(std::shared_ptr<Connection> self);

  asio::any_io_executor executor() { return stream_.executor(); }

  // On the executor. The server is draining: an idle connection closes now, a busy one after its answer.
  void drain();
  // On the executor. Closes at once; a handler at work hears of it by on_disconnect.
  void abort();

 private:
  enum class Next {
    keep,    // another request may follow
    linger,  // answered, and no more: close when the client has read it
    close,   // nobody is there any more
  };

  asio::awaitable<bool> handshake();
  asio::awaitable<bool> first_byte();
  asio::awaitable<Next> serve_one();
  // Reads until the state of the reader leaves `stage`; false: the client left (or took too long,
  // and has been told so).
  asio::awaitable<bool> read_while(RequestReader::State stage, Input::Deadline deadline);
  asio::awaitable<Next> handle(const Router::Match& match);
  asio::awaitable<Next> answer(HttpResponse response);
  asio::awaitable<void> close_gently();

  // An answer that needs no handler and no body: preflights, wrong keys, unknown paths. Notes whose key it
  // is.
  std::optional<HttpResponse> answer_early(const Router::Match& match);
  // The refusal, where a key is needed and this is none.
  std::optional<HttpResponse> check_key(const ApiKeys& keys);
  void begin_request();
  void close_after(std::chrono::milliseconds timeout);
  void log_answer(unsigned status) const;

  ServerState& state_;
  Stream stream_;
  Input input_;
  Output output_;
  RequestReader reader_;
  const std::string peer_;
  Framing framing_;
  HttpExchange* exchange_ = nullptr;  // while a handler works
  asio::steady_timer guard_;          // closes the stream when a handshake or a close takes too long
  std::chrono::steady_clock::time_point request_began_;
  bool idle_ = false;
  bool served_ = false;     // at least one request
  bool timed_out_ = false;  // the last read_while() ended by its deadline
};

}  // namespace sovereign::server
