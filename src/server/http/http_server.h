// The HTTP server: listens, accepts, and runs connections on its io threads.
//
//   auto server = HttpServer::start(config, std::move(router));   // serves from here on
//   (*server)->drain(config.drain_timeout);                       // on SIGTERM
//   (*server)->join();                                            // all handlers have returned
//
// A connection stays on one event loop, so that its handlers need no locks. What handlers refer to (engine,
// WorkerPool) outlives join(). Their Exchange::executor() may be posted to as long as the loops live.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "net/event_loops.h"
#include "server/api_keys.h"
#include "server/http/transport_metrics.h"
#include "server/router.h"
#include "server/server_config.h"

namespace sovereign::server {

// start(), drain() and the getters may be called from any thread; join() from one, not an io thread.
class HttpServer {
 public:
  // On these loops, which outlive the server, or on io_threads of its own. Errors: what check_bind(),
  // ApiKeys::create(), make_tls_context() and listen() say.
  static result<std::unique_ptr<HttpServer>> start(ServerConfig config, Router router,
                                                   net::EventLoops* loops = nullptr);
  // Closes what is open at once, waits for handlers to return, and joins the threads.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The port it listens on; the system's choice when the configuration says 0.
  std::uint16_t port() const;
  bool tls() const;
  bool draining() const;
  const TransportMetrics& metrics() const;

  // From the next request on, also of connections that are open. What they ask already is answered.
  void set_keys(std::shared_ptr<const AccessKeys::Keys> keys);

  // Returns at once. No new connections; idle ones close; busy ones finish their answer, until `timeout`
  // closes them too. A second call can only shorten the time.
  void drain(std::chrono::milliseconds timeout);
  // Waits until drain() is through and no handler is left on the loops.
  void join();

 private:
  class Loop;
  HttpServer(std::unique_ptr<net::EventLoops> own_loops, std::unique_ptr<Loop> loop);
  const std::unique_ptr<net::EventLoops> own_loops_;  // null: another's
  std::unique_ptr<Loop> loop_;
};

}  // namespace sovereign::server
