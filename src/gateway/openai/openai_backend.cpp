#include "gateway/openai/openai_backend.h"

#include <utility>

#include "engine/prompt_template.h"
#include "gateway/openai/chat_body.h"
#include "gateway/openai/completion_body.h"
#include "gateway/openai/dispatcher.h"
#include "gateway/openai/openai_server.h"
#include "gateway/openai/preset.h"
#include "gateway/secret.h"

namespace sovereign::gateway {

struct OpenAiBackend::Parts {
  std::shared_ptr<OpenAiServer> server;
  std::shared_ptr<Dispatcher> dispatcher;
  std::optional<engine::PromptTemplate> prompts;  // none: batching is off
};

OpenAiBackend::OpenAiBackend(std::unique_ptr<const Parts> parts, BackendIdentity identity)
    : parts_(std::move(parts)), identity_(std::move(identity)) {}

result<std::shared_ptr<OpenAiBackend>> OpenAiBackend::create(RemoteConfig config, net::EventLoops& loops) {
  auto base = base_url(config);
  if (!base) return fail(base.error());
  auto key = read_secret(config.api_key_env, config.api_key_file);
  if (!key) return fail(key.error());
  auto parts = std::make_unique<Parts>();
  if (config.batch_size > 1) {
    auto prompts = engine::PromptTemplate::find(config.batch_template);
    if (!prompts) return fail(prompts.error());
    parts->prompts = std::move(*prompts);
  }
  BackendIdentity identity = remote_identity(config, config.model);
  parts->server = std::make_shared<OpenAiServer>(std::move(config), std::move(*base), std::move(*key), loops);
  if (auto ready = parts->server->prepare(); !ready) return fail(ready.error());
  parts->dispatcher = std::make_shared<Dispatcher>(parts->server);
  return std::shared_ptr<OpenAiBackend>(new OpenAiBackend(std::move(parts), std::move(identity)));
}

OpenAiBackend::~OpenAiBackend() {
  parts_->server->close();
  parts_->dispatcher->stop_all();
}

BackendIdentity OpenAiBackend::identity_of(const std::string& model) const {
  return remote_identity(parts_->server->config, model.empty() ? parts_->server->model() : model);
}

const std::string& OpenAiBackend::url() const { return parts_->server->url; }

outcome<std::uint64_t> OpenAiBackend::generate(GenerateRequest request, std::shared_ptr<GenerateSink> sink) {
  const RemoteConfig& config = parts_->server->config;
  const Dialect& dialect = preset_info(config.preset).dialect;
  RemoteQuery query;
  query.course = std::make_shared<AnswerCourse>(config, request, std::move(sink), SteadyClock().now());
  if (request.relay) {
    query.relay = std::move(request.relay);
    query.model = std::move(request.model);
    return parts_->dispatcher->ask(std::move(query));
  }
  auto body = render_chat_body(request, dialect);
  if (!body) return tl::unexpected<Failure>(body.error());
  query.choices = request.n;
  query.has_tools = !request.input.tools_json.empty();
  query.chat = std::move(*body);
  if (parts_->prompts) {
    auto shared = render_shared_body(request, dialect, parts_->prompts->turn_end());
    auto prompt = shared ? parts_->prompts->render(request.input.messages_json) : std::nullopt;
    if (prompt) {
      query.shared = std::move(*shared);
      query.prompt = std::move(*prompt);
    }
  }
  query.model = std::move(request.model);
  return parts_->dispatcher->ask(std::move(query));
}

void OpenAiBackend::cancel(std::uint64_t generation) noexcept { parts_->dispatcher->cancel(generation); }

void OpenAiBackend::probe(std::function<void(ProbeReport)> done) { parts_->server->probe(std::move(done)); }

std::optional<BatchFigures> OpenAiBackend::batch_figures() const {
  if (!parts_->prompts) return std::nullopt;
  return parts_->dispatcher->figures();
}

}  // namespace sovereign::gateway
