// A server that speaks OpenAI's API, as its calls see it: where it is, which model it has, and one exchange
// after the other over connections that are kept.
//
// Thread-safe; what calls are told comes on the executor. Calls under way hold it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
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

  // The executor runs one handler at a time, and as long as calls are under way.
  OpenAiServer(RemoteConfig the_config, std::string base, std::string key, boost::asio::any_io_executor on);

  // `ended` comes once, on the executor, when the call has finished and its connection is done with.
  void ask(Question question, std::shared_ptr<RemoteCall> call, std::function<void()> ended);
  void probe(std::function<void(ProbeReport)> done);
  // Ends probes that are under way.
  void close() { closing_.request_stop(); }

  // The model that those who name none get: the configured one, or the one that was learned; empty: none yet.
  std::string model() const;

  const RemoteConfig config;
  const std::string url;
  const boost::asio::any_io_executor executor;

 private:
  using Self = std::shared_ptr<OpenAiServer>;
  using Timer = std::shared_ptr<boost::asio::steady_timer>;

  net::ClientRequest models_request() const;
  void learn(const std::vector<std::string>& models);
  bool alive_by(unsigned status) const;
  static boost::asio::awaitable<ProbeReport> list_models(Self self, std::stop_token stop);
  static boost::asio::awaitable<void> look(Self self, std::function<void(ProbeReport)> done);
  static boost::asio::awaitable<void> run(Self self, Question question, std::shared_ptr<RemoteCall> call);
  boost::asio::awaitable<std::optional<Error>> exchange(Question question, std::shared_ptr<RemoteCall> call,
                                                        Timer timer);
  boost::asio::awaitable<result<net::ClientResponse>> post(std::string model, const Question& question,
                                                           const std::shared_ptr<RemoteCall>& call,
                                                           const Timer& timer);

  const std::string api_key_;
  net::HttpClient client_;  // on the executor
  std::stop_source closing_;
  mutable std::mutex mutex_;
  std::string model_;  // guarded by mutex_
};

}  // namespace sovereign::gateway
