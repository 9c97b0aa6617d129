#include "replay.h"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <charconv>
#include <future>
#include <utility>

#include "base/build_info.h"
#include "base/clock.h"
#include "loaded_model.h"
#include "runtime/sealed_texts.h"
#include "runtime/standard_pipeline.h"
#include "server/openai/chat_request.h"
#include "server/query/query_request.h"
#include "server/worker_pool.h"

namespace sovereign {
namespace {

using Sealed = std::map<std::string, std::string>;

template <class Number>
void read_number(const Sealed& sealed, const char* name, Number& out) {
  const auto found = sealed.find(name);
  if (found == sealed.end()) return;
  Number value{};
  const char* const end = found->second.data() + found->second.size();
  const auto [stopped, error] = std::from_chars(found->second.data(), end, value);
  if (error == std::errc() && stopped == end) out = value;
}

bool says(const Sealed& sealed, const char* name, std::string_view value) {
  const auto found = sealed.find(name);
  return found != sealed.end() && found->second == value;
}

// One sequence alone, and no prefix of another's: as little as can be besides what the receipt names.
config::Settings settings_of(const ReplayRequest& request) {
  const Sealed& sealed = request.receipt.sampling;
  config::Settings settings;
  settings.model.chat_template = request.chat_template;
  settings.model.name = request.receipt.model_name;
  engine::EngineConfig& engine = settings.engine;
  read_number(sealed, "context_tokens", engine.context_tokens);
  read_number(sealed, "gpu_layers", engine.gpu_layers);
  read_number(sealed, "step_token_budget", engine.step_token_budget);
  engine.flash_attention = !says(sealed, "flash_attention", "false");
  engine.kernels = says(sealed, "kernels", "own") ? engine::Kernels::automatic : engine::Kernels::stock;
  engine.kv_cells = engine.context_tokens;
  engine.max_sequences = 1;
  engine.max_cached_prefixes = 0;
  engine.prefix_sharing = false;
  return settings;
}

result<runtime::SovereignQuery> read_query(const ReplayRequest& request, const LoadedModel& loaded) {
  server::openai::RequestLimits limits;
  limits.vocabulary_size = loaded.model->info().vocabulary_size;
  limits.context_tokens = loaded.engine->context_tokens();
  const Sealed& sealed = request.receipt.sampling;
  if (sealed.contains("reasoning_tokens") || sealed.contains("retries")) {
    return fail(ErrorCode::unsupported,
                "the answer followed thoughts, or one that the quality gate gave up: only plain answers are "
                "replayed");
  }
  if (sealed.contains("canary")) {
    return fail(
        ErrorCode::unsupported,
        "the answer is a canary's, whose configuration the receipt does not hold: only answers of the "
        "configuration itself are replayed");
  }
  runtime::SovereignQuery query;
  if (says(sealed, "form", "chat")) {
    auto chat = server::openai::parse_chat_request(request.query, limits);
    if (!chat) return fail(std::move(chat.error()));
    server::openai::move_into_query(*chat, query);
  } else if (says(sealed, "form", "query")) {
    auto parsed = server::parse_query_request(request.query, limits);
    if (!parsed) return fail(std::move(parsed.error()));
    query = std::move(parsed->query);
  } else {
    return fail(ErrorCode::unsupported, "the receipt does not say how its query is read (sampling.form)");
  }
  query.id = "replay";
  std::uint32_t seed = 0;
  read_number(sealed, "seed", seed);
  query.sampling.seed = seed;
  return query;
}

// Waits for the end on the thread that asked.
class ReplayClient final : public runtime::QueryClient {
 public:
  using Outcome = gateway::outcome<std::shared_ptr<const runtime::SovereignResult>>;
  void on_accepted(std::function<void()>) noexcept override {}
  void on_begin(const runtime::Beginning&) noexcept override {}
  void on_delta(engine::GenerationDelta) noexcept override {}
  void on_result(std::shared_ptr<const runtime::SovereignResult> result) noexcept override {
    end_.set_value(std::move(result));
  }
  void on_failure(const gateway::Failure& failure) noexcept override {
    end_.set_value(tl::unexpected(failure));
  }
  Outcome wait() { return end_.get_future().get(); }

 private:
  std::promise<Outcome> end_;
};

std::vector<std::string> compare(const pci::ReceiptContent& then, Sealed now) {
  std::vector<std::string> differences;
  const std::string build = fmt::format("sovereign {} {}", build_info::version, build_info::git_commit);
  if (then.engine != build)
    differences.push_back(fmt::format("the build: '{}' then, '{}' now", then.engine, build));
  for (const auto& [name, value] : then.sampling) {
    const auto found = now.find(name);
    const std::string here = found == now.end() ? "nothing" : "'" + found->second + "'";
    // The mode is a promise, not another way to compute; whether it could be kept is told apart.
    if (name == "form" || name == "deterministic" || here == "'" + value + "'") continue;
    differences.push_back(fmt::format("{}: '{}' then, {} now", name, value, here));
  }
  return differences;
}

}  // namespace

result<Replay> replay(const ReplayRequest& request) {
  const SteadyClock clock;
  server::WorkerPool worker(1);  // outlives the engine, which posts to it
  config::Settings settings = settings_of(request);
  settings.engine.deterministic = true;
  std::string why_not_repeatable;
  auto loaded = load_model(request.model, settings, clock);
  if (!loaded && loaded.error().where == "engine.deterministic") {
    why_not_repeatable = std::move(loaded.error().message);
    settings.engine.deterministic = false;
    loaded = load_model(request.model, settings, clock);
  }
  if (!loaded) return fail(loaded.error());
  auto query = read_query(request, *loaded);
  if (!query) return fail(std::move(query.error()));
  const runtime::SovereignQuery asked = *query;

  const auto pipeline = runtime::make_pipeline({clock, [&worker](std::function<void()> job) {
                                                  boost::asio::post(worker.executor(), std::move(job));
                                                }});
  const auto client = std::make_shared<ReplayClient>();
  pipeline->start(std::move(*query), loaded->backend, client);
  const auto end = client->wait();
  if (!end) return fail(end.error());
  const runtime::SovereignResult& result = **end;
  return Replay{
      runtime::sealed_answer(result.choices),
      compare(request.receipt, runtime::sealed_sampling(asked, result, loaded->backend->identity())),
      std::move(why_not_repeatable)};
}

}  // namespace sovereign
