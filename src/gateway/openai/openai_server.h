// A server that speaks OpenAI's API, as its calls see it: where it is, which model it has, and one exchange
// after the other over connections that are kept.
//
// It has connections of its own on each event loop. Thread-safe; what a call is told comes on the loop it was
// begun on. Calls under way hold it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gateway/api_route.h"
#include "gateway/backend.h"
#include "gateway/openai/remote_call.h"
#include "gateway/remote_config.h"
#include "net/event_loops.h"
#include "net/http_client.h"

namespace sovereign::gateway {

// Nobody can see a remote server's weights: its tier and its model's name stand for them.
BackendIdentity remote_identity(const RemoteConfig& config, std::string model);

class OpenAiServer : public std::enable_shared_from_this<OpenAiServer> {
 public:
  // What is asked, but for the model: a POST with complete_body().
  struct Question {
    std::string model;  // empty: the configured one, or the one that was learned
    ApiRoute route = ApiRoute::chat;
    std::string rest;    // of the body
    bool stream = true;  // the answer is wanted as events
  };

  // The loops outlive it.
  OpenAiServer(RemoteConfig the_config, std::string base, std::string key, net::EventLoops& loops);

  // Before anything is asked. Errors: as HttpClient::prepare_tls(), where it is needed.
  result<void> prepare();

  // On the caller's loop, the first for other threads; soon, not within this call. `ended` comes once, there
  // too, when the call has finished and its connection is done with.
  void ask(Question question, std::shared_ptr<RemoteCall> call, std::function<void()> ended);
  void probe(std::function<void(ProbeReport)> done);
  // Ends probes that are under way.
  void close() { closing_.request_stop(); }

  // The model that those who name none get: the configured one, or the one that was learned; empty: none yet.
  std::string model() const;

  const RemoteConfig config;
  const std::string url;
  // Of the first loop, for what all calls have in common.
  const boost::asio::io_context::executor_type executor;

 private:
  using Self = std::shared_ptr<OpenAiServer>;
  using Timer = std::shared_ptr<boost::asio::steady_timer>;

  net::ClientRequest models_request() const;
  void learn(const std::vector<std::string>& models);
  bool alive_by(unsigned status) const;
  // `loop`: the one that it runs on.
  static boost::asio::awaitable<ProbeReport> list_models(Self self, std::size_t loop, std::stop_token stop);
  static boost::asio::awaitable<void> look(Self self, std::function<void(ProbeReport)> done);
  static boost::asio::awaitable<void> run(Self self, std::size_t loop, Question question,
                                          std::shared_ptr<RemoteCall> call);
  boost::asio::awaitable<std::optional<Error>> exchange(std::size_t loop, Question question,
                                                        std::shared_ptr<RemoteCall> call, Timer timer);
  boost::asio::awaitable<result<net::ClientResponse>> post(std::size_t loop, std::string model,
                                                           const Question& question,
                                                           const std::shared_ptr<RemoteCall>& call,
                                                           const Timer& timer);

  const std::string api_key_;
  net::EventLoops& loops_;
  std::vector<std::unique_ptr<net::HttpClient>> clients_;  // of each loop, on it
  std::stop_source closing_;
  mutable std::mutex mutex_;
  std::string model_;  // guarded by mutex_
};

}  // namespace sovereign::gateway
