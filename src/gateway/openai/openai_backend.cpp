#include "gateway/openai/openai_backend.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "gateway/openai/chat_answer.h"
#include "gateway/openai/chat_body.h"
#include "gateway/openai/openai_call.h"
#include "gateway/openai/preset.h"
#include "gateway/secret.h"

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
void watch(const std::shared_ptr<OpenAiCall>& call, const std::shared_ptr<asio::steady_timer>& timer) {
  if (call->deadline() == Time::max()) return;
  timer->expires_at(call->deadline());
  timer->async_wait([call, timer](const boost::system::error_code& ec) {
    if (ec) return;
    const Time now = SteadyClock().now();
    if (now >= call->deadline()) return call->expire(now);
    watch(call, timer);
  });
}

// Nobody can see a remote server's weights: its tier and its model's name stand for them.
BackendIdentity identity_for(const RemoteConfig& config, std::string model) {
  BackendIdentity identity;
  identity.digest = fmt::format("remote:{}/{}", to_string(gateway::tier_of(config)), model);
  identity.settled = !model.empty();
  identity.model = identity.settled ? std::move(model) : config.name;
  return identity;
}

}  // namespace

// What calls under way share; they hold it, so it outlives the backend.
class OpenAiBackend::Server : public std::enable_shared_from_this<Server> {
 public:
  Server(RemoteConfig the_config, std::string base, std::string key, asio::any_io_executor on)
      : config(std::move(the_config)),
        url(std::move(base)),
        executor(std::move(on)),
        api_key_(std::move(key)),
        client_(executor, client_config(config)),
        model_(config.model) {}

  // `model`: empty: the configured one, or the one that was learned.
  std::uint64_t start(std::string model, std::string body, std::shared_ptr<OpenAiCall> call) {
    std::uint64_t id = 0;
    {
      const std::lock_guard lock(mutex_);
      id = ++last_id_;
      calls_.emplace(id, call);
    }
    asio::co_spawn(executor, run(shared_from_this(), std::move(model), std::move(body), std::move(call)),
                   [self = shared_from_this(), id](const std::exception_ptr&) { self->forget(id); });
    return id;
  }

  void cancel(std::uint64_t id) {
    std::shared_ptr<OpenAiCall> call;
    {
      const std::lock_guard lock(mutex_);
      const auto found = calls_.find(id);
      if (found == calls_.end()) return;
      call = found->second;
    }
    call->stop();
  }

  void stop_all() {
    std::vector<std::shared_ptr<OpenAiCall>> calls;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, call] : calls_) calls.push_back(call);
    }
    for (const auto& call : calls) call->stop();
    closing_.request_stop();
  }

  void probe(std::function<void(ProbeReport)> done) {
    asio::co_spawn(executor, look(shared_from_this(), std::move(done)), asio::detached);
  }

  // The model that those who name none get: the configured one, or the one that was learned; empty: none yet.
  std::string model() const {
    const std::lock_guard lock(mutex_);
    return model_;
  }

  const RemoteConfig config;
  const std::string url;
  const asio::any_io_executor executor;

 private:
  using Self = std::shared_ptr<Server>;

  static net::HttpClientConfig client_config(const RemoteConfig& config) {
    net::HttpClientConfig http;
    http.ca_file = config.ca_file;
    http.max_idle_connections = std::max<std::size_t>(config.max_concurrency, 8);
    return http;
  }

  void forget(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    calls_.erase(id);
  }

  net::ClientRequest models_request() const {
    net::ClientRequest request;
    request.url = url + "/models";
    if (!api_key_.empty()) request.headers.emplace_back("Authorization", "Bearer " + api_key_);
    request.timeouts.connect = config.connect_timeout;
    request.timeouts.total = std::chrono::duration_cast<std::chrono::milliseconds>(kProbeTimeout);
    return request;
  }

  // Where none is configured: stays with the one that was taken for as long as the server has it.
  void learn(const std::vector<std::string>& models) {
    if (!config.model.empty() || models.empty()) return;
    const std::lock_guard lock(mutex_);
    if (std::find(models.begin(), models.end(), model_) == models.end()) model_ = models.front();
  }

  // Whether a status of GET /models, bad as it is, shows a server that may answer all the same.
  bool alive_by(unsigned status) const {
    if (status == 429) return !model().empty();
    return (status == 404 || status == 405) && !config.model.empty();
  }

  // Asks for the models. The first is taken for those who named none.
  static asio::awaitable<ProbeReport> list_models(Self self, std::stop_token stop) {
    auto request = self->models_request();
    request.stop = std::move(stop);
    const auto answer = co_await self->client_.fetch(std::move(request));
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

  static asio::awaitable<void> look(Self self, std::function<void(ProbeReport)> done) {
    auto report = co_await list_models(self, self->closing_.get_token());
    done(std::move(report));
  }

  static asio::awaitable<void> run(Self self, std::string named, std::string rest,
                                   std::shared_ptr<OpenAiCall> call) {
    const auto timer = std::make_shared<asio::steady_timer>(self->executor);
    watch(call, timer);
    auto error = co_await self->exchange(std::move(named), std::move(rest), call, timer);
    timer->cancel();
    call->finish(error, SteadyClock().now());
  }

  // `this` is held by run().
  asio::awaitable<std::optional<Error>> exchange(std::string named, std::string rest,
                                                 std::shared_ptr<OpenAiCall> call,
                                                 std::shared_ptr<asio::steady_timer> timer) {
    const bool learned = named.empty() && config.model.empty();
    std::string asked = named.empty() ? model() : named;
    if (asked.empty()) {
      const auto report = co_await list_models(shared_from_this(), call->stop_token());
      asked = model();
      if (asked.empty()) co_return Error{ErrorCode::unavailable, report.detail, {}};
    }
    if (learned) call->set_answerer(identity_for(config, asked));
    auto answer = co_await ask(asked, rest, call, timer);
    if (answer && answer->status == 404 && learned) {
      // The model that was learned is gone; what is there now is asked instead.
      co_await list_models(shared_from_this(), call->stop_token());
      if (const std::string now = model(); now != asked) {
        call->set_answerer(identity_for(config, now));
        answer = co_await ask(now, rest, call, timer);
      }
    }
    if (!answer) co_return answer.error();
    if (answer->body.empty() && answer->status / 100 == 2) co_return std::nullopt;
    call->take_answer(answer->status, answer->body, net::find_header(answer->headers, "Retry-After"),
                      SteadyClock().now());
    co_return std::nullopt;
  }

  // Events go to the call as they come; then the answer's body is empty.
  asio::awaitable<result<net::ClientResponse>> ask(std::string model, const std::string& rest,
                                                   const std::shared_ptr<OpenAiCall>& call,
                                                   const std::shared_ptr<asio::steady_timer>& timer) {
    auto request =
        net::json_post(url + std::string(path_of(call->route())), complete_body(model, rest), api_key_);
    request.headers.emplace_back("Accept", call->streams() ? "text/event-stream" : "application/json");
    // Safe to send again before an answer has begun: an answer costs time, and changes nothing.
    request.idempotent = true;
    request.stop = call->stop_token();
    request.timeouts.connect = config.connect_timeout;
    request.timeouts.first_byte = {};  // the call watches the time itself
    request.timeouts.idle = {};
    request.timeouts.total = {};
    const SteadyClock clock;
    bool streamed = false;
    auto answer = co_await client_.stream_events(std::move(request), [&](const net::SseEvent& event) {
      streamed = true;
      const bool more = call->take_event(event.data, clock.now());
      // After the first token the limit is another, and may be sooner.
      if (call->deadline() < timer->expiry()) watch(call, timer);
      return more;
    });
    if (answer && streamed) answer->body.clear();
    co_return answer;
  }

  const std::string api_key_;
  net::HttpClient client_;  // on the executor
  std::stop_source closing_;
  mutable std::mutex mutex_;
  std::string model_;                                                     // guarded by mutex_
  std::uint64_t last_id_ = 0;                                             // guarded by mutex_
  std::unordered_map<std::uint64_t, std::shared_ptr<OpenAiCall>> calls_;  // guarded by mutex_
};

result<std::shared_ptr<OpenAiBackend>> OpenAiBackend::create(RemoteConfig config,
                                                             asio::any_io_executor executor) {
  auto base = base_url(config);
  if (!base) return fail(base.error());
  auto key = read_secret(config.api_key_env, config.api_key_file);
  if (!key) return fail(key.error());
  BackendIdentity identity = identity_for(config, config.model);
  auto server =
      std::make_shared<Server>(std::move(config), std::move(*base), std::move(*key), std::move(executor));
  return std::shared_ptr<OpenAiBackend>(new OpenAiBackend(std::move(server), std::move(identity)));
}

BackendIdentity OpenAiBackend::identity_of(const std::string& model) const {
  return identity_for(server_->config, model.empty() ? server_->model() : model);
}

OpenAiBackend::~OpenAiBackend() { server_->stop_all(); }

const std::string& OpenAiBackend::url() const { return server_->url; }

outcome<std::uint64_t> OpenAiBackend::generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) {
  auto body = request.relay ? outcome<std::string>(request.relay->rest)
                            : render_chat_body(request, preset_info(server_->config.preset).dialect);
  if (!body) return tl::unexpected<Failure>(body.error());
  auto call = std::make_shared<OpenAiCall>(server_->config, request, std::move(sink), SteadyClock().now());
  return server_->start(std::move(request.model), std::move(*body), std::move(call));
}

void OpenAiBackend::cancel(std::uint64_t generation) noexcept { server_->cancel(generation); }

void OpenAiBackend::probe(std::function<void(ProbeReport)> done) { server_->probe(std::move(done)); }

}  // namespace sovereign::gateway
