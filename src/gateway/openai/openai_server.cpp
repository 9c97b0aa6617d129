#include "gateway/openai/openai_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <utility>

#include "gateway/openai/answer_json.h"
#include "gateway/openai/body_fields.h"
#include "gateway/openai/preset.h"

namespace sovereign::gateway {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxListedModels = 1000;
constexpr std::chrono::seconds kProbeTimeout{5};

std::vector<std::string> model_ids(std::string_view body) {
  std::vector<std::string> ids;
  std::error_code error;
  const json::value list = json::parse(json::string_view(body.data(), body.size()), error);
  if (error || !list.is_object()) return ids;
  const auto* entries = list.get_object().if_contains("data");
  if (entries == nullptr || !entries->is_array()) return ids;
  for (const auto& entry : entries->get_array()) {
    const auto* id = entry.is_object() ? entry.get_object().if_contains("id") : nullptr;
    if (id != nullptr && id->is_string() && ids.size() < kMaxListedModels) {
      ids.emplace_back(id->get_string().data(), id->get_string().size());
    }
  }
  return ids;
}

// Wakes when the call's deadline has passed, and looks again when it moved meanwhile.
void watch(const std::shared_ptr<RemoteCall>& call, const std::shared_ptr<asio::steady_timer>& timer) {
  if (call->deadline() == Time::max()) return;
  timer->expires_at(call->deadline());
  timer->async_wait([call, timer](const boost::system::error_code& ec) {
    if (ec) return;
    const Time now = SteadyClock().now();
    if (now >= call->deadline()) call->expire(now);
    watch(call, timer);
  });
}

net::HttpClientConfig client_config(const RemoteConfig& config) {
  net::HttpClientConfig http;
  http.ca_file = config.ca_file;
  http.max_idle_connections = std::max<std::size_t>(config.max_concurrency, 8);
  return http;
}

}  // namespace

BackendIdentity remote_identity(const RemoteConfig& config, std::string model) {
  BackendIdentity identity;
  identity.digest = fmt::format("remote:{}/{}", to_string(gateway::tier_of(config)), model);
  identity.settled = !model.empty();
  identity.model = identity.settled ? std::move(model) : config.name;
  return identity;
}

OpenAiServer::OpenAiServer(RemoteConfig the_config, std::string base, std::string key, net::EventLoops& loops)
    : config(std::move(the_config)),
      url(std::move(base)),
      executor(loops.first().executor()),
      api_key_(std::move(key)),
      loops_(loops),
      model_(config.model) {
  for (std::size_t loop = 0; loop < loops.size(); ++loop) {
    clients_.push_back(std::make_unique<net::HttpClient>(loops.at(loop).executor(), client_config(config)));
  }
}

result<void> OpenAiServer::prepare() {
  if (!url.starts_with("https:")) return {};
  for (const auto& client : clients_) {
    if (auto ready = client->prepare_tls(); !ready) return ready;
  }
  return {};
}

void OpenAiServer::ask(Question question, std::shared_ptr<RemoteCall> call, std::function<void()> ended) {
  const std::size_t loop = loops_.here();
  const auto on = loops_.at(loop).executor();
  // Posted, since a coroutine that is spawned on its own thread begins within the call.
  asio::post(on, [self = shared_from_this(), on, loop, asked = std::move(question), told = std::move(call),
                  done = std::move(ended)]() mutable {
    asio::co_spawn(on, run(std::move(self), loop, std::move(asked), std::move(told)),
                   [then = std::move(done)](const std::exception_ptr&) { then(); });
  });
}

void OpenAiServer::probe(std::function<void(ProbeReport)> done) {
  asio::co_spawn(executor, look(shared_from_this(), std::move(done)), asio::detached);
}

std::string OpenAiServer::model() const {
  const std::lock_guard lock(mutex_);
  return model_;
}

net::ClientRequest OpenAiServer::models_request() const {
  net::ClientRequest request;
  request.url = url + "/models";
  if (!api_key_.empty()) request.headers.emplace_back("Authorization", "Bearer " + api_key_);
  request.timeouts.connect = config.connect_timeout;
  request.timeouts.total = std::chrono::duration_cast<std::chrono::milliseconds>(kProbeTimeout);
  return request;
}

// Where none is configured: stays with the one that was taken for as long as the server has it.
void OpenAiServer::learn(const std::vector<std::string>& models) {
  if (!config.model.empty() || models.empty()) return;
  const std::lock_guard lock(mutex_);
  if (std::find(models.begin(), models.end(), model_) == models.end()) model_ = first_chat_model(models);
}

// Whether a status of GET /models, bad as it is, shows a server that may answer all the same.
bool OpenAiServer::alive_by(unsigned status) const {
  if (status == 429) return !model().empty();
  return (status == 404 || status == 405) && !config.model.empty();
}

// Asks for the models. The first that may chat is taken for those who named none.
asio::awaitable<ProbeReport> OpenAiServer::list_models(Self self, std::size_t loop, std::stop_token stop) {
  auto request = self->models_request();
  request.stop = std::move(stop);
  const auto answer = co_await self->clients_[loop]->fetch(std::move(request));
  ProbeReport report;
  if (!answer) {
    report = {ProbeOutcome::failed, answer.error().message, {}};
  } else if (answer->status == 503) {
    report = {ProbeOutcome::loading, error_message(answer->body), {}};
  } else if (self->alive_by(answer->status)) {
    report.model = self->model();
  } else if (answer->status / 100 != 2) {
    report = {ProbeOutcome::failed,
              failure_of_status(self->config.name, answer->status, answer->body, {}).message,
              {}};
  } else {
    report.models = model_ids(answer->body);
    self->learn(report.models);
    report.model = self->model();
    if (report.model.empty()) report = {ProbeOutcome::loading, "it lists no model", {}};
  }
  co_return report;
}

asio::awaitable<void> OpenAiServer::look(Self self, std::function<void(ProbeReport)> done) {
  auto report = co_await list_models(self, 0, self->closing_.get_token());
  done(std::move(report));
}

asio::awaitable<void> OpenAiServer::run(Self self, std::size_t loop, Question question,
                                        std::shared_ptr<RemoteCall> call) {
  const auto timer = std::make_shared<asio::steady_timer>(self->loops_.at(loop).executor());
  watch(call, timer);
  auto error = co_await self->exchange(loop, std::move(question), call, timer);
  timer->cancel();
  call->finish(error, SteadyClock().now());
}

// `this` is held by run().
asio::awaitable<std::optional<Error>> OpenAiServer::exchange(std::size_t loop, Question question,
                                                             std::shared_ptr<RemoteCall> call, Timer timer) {
  const bool learned = question.model.empty() && config.model.empty();
  std::string asked = question.model.empty() ? model() : question.model;
  if (asked.empty()) {
    const auto report = co_await list_models(shared_from_this(), loop, call->stop_token());
    asked = model();
    if (asked.empty()) co_return Error{ErrorCode::unavailable, report.detail, {}};
  }
  if (learned) call->set_answerer(remote_identity(config, asked));
  auto answer = co_await post(loop, asked, question, call, timer);
  if (answer && answer->status == 404 && learned) {
    // The model that was learned is gone; what is there now is asked instead.
    co_await list_models(shared_from_this(), loop, call->stop_token());
    if (const std::string now = model(); now != asked) {
      call->set_answerer(remote_identity(config, now));
      answer = co_await post(loop, now, question, call, timer);
    }
  }
  if (!answer) co_return answer.error();
  if (answer->body.empty() && answer->status / 100 == 2) co_return std::nullopt;
  call->take_answer(answer->status, answer->body, net::find_header(answer->headers, "Retry-After"),
                    SteadyClock().now());
  co_return std::nullopt;
}

// Events go to the call as they come; then the answer's body is empty.
asio::awaitable<result<net::ClientResponse>> OpenAiServer::post(std::size_t loop, std::string model,
                                                                const Question& question,
                                                                const std::shared_ptr<RemoteCall>& call,
                                                                const Timer& timer) {
  auto request = net::json_post(url + std::string(path_of(question.route)),
                                complete_body(model, question.rest), api_key_);
  request.headers.emplace_back("Accept", question.stream ? "text/event-stream" : "application/json");
  // Safe to send again before an answer has begun: an answer costs time, and changes nothing.
  request.idempotent = true;
  request.stop = call->stop_token();
  request.timeouts.connect = config.connect_timeout;
  request.timeouts.first_byte = {};  // the call watches the time itself
  request.timeouts.idle = {};
  request.timeouts.total = {};
  const SteadyClock clock;
  bool streamed = false;
  auto answer = co_await clients_[loop]->stream_events(std::move(request), [&](const net::SseEvent& event) {
    streamed = true;
    const bool more = call->take_event(event.data, clock.now());
    // After the first token the limit is another, and may be sooner.
    if (call->deadline() < timer->expiry()) watch(call, timer);
    return more;
  });
  if (answer && streamed) answer->body.clear();
  co_return answer;
}

}  // namespace sovereign::gateway
