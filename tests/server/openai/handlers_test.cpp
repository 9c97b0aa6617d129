// The handlers with a real engine and the test model behind them, and no sockets before them.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "engine/engine.h"
#include "gateway/llama_backend.h"
#include "runtime/standard_pipeline.h"
#include "server/openai/routes.h"
#include "support/memory_exchange.h"

namespace sovereign::server::openai {
namespace {

namespace json = boost::json;

// Loaded once for all tests of this program.
std::shared_ptr<const ServedModel> load_served(const Clock& clock) {
  const char* path = std::getenv("SOVEREIGN_TEST_MODEL");
  if (path == nullptr) return nullptr;
  auto model = engine::LlamaModel::load(path, 0);
  if (!model) return nullptr;
  auto chat_format = engine::ChatFormat::create(**model);
  engine::EngineConfig config;
  config.context_tokens = 512;
  config.kv_cells = 2048;
  config.max_sequences = 8;
  config.max_queued = 4;
  config.threads = 2;
  auto engine = engine::Engine::start(*model, config, clock);
  if (!chat_format || !engine) return nullptr;
  auto served = std::make_shared<ServedModel>();
  served->id = "test-model";
  served->aliases = {"alias"};
  served->created = 1;
  served->fingerprint = make_fingerprint((*model)->info(), "test");
  served->model = *model;
  served->chat_format = std::move(*chat_format);
  served->engine = std::move(*engine);
  served->backend = std::make_shared<gateway::LlamaBackend>(
      gateway::BackendIdentity{served->id, served->fingerprint, "sha256:test", false}, served->model,
      served->chat_format, served->engine);
  return served;
}

class Handlers : public testing::Test {
 protected:
  static void SetUpTestSuite() { served_ = load_served(clock_); }
  static void TearDownTestSuite() { served_.reset(); }

  template <class Counter>
  static std::uint64_t engine_count(Counter counter) {
    engine::EngineMetrics total;
    served_->engine->add_metrics(total);
    return (total.*counter).load();
  }

  void SetUp() override {
    ASSERT_NE(served_, nullptr) << "SOVEREIGN_TEST_MODEL must name the default model's GGUF (make test does)";
    Serving serving;
    serving.models = {served_};
    serving_.set(std::make_shared<const Serving>(std::move(serving)));
    config_.request_timeout = std::chrono::minutes(5);
    make_router();
  }

  // Most tests mean the engine: without the response cache, what is asked twice is answered twice.
  void make_router(bool with_cache = false) {
    cache::ResponseCache* const cache = with_cache ? &cache_ : nullptr;
    runtime::PipelineParts parts{
        clock_, [this](std::function<void()> job) { asio::post(workers_.executor(), std::move(job)); }};
    parts.cache = cache;
    pipeline_.set(runtime::make_pipeline(std::move(parts)));
    router_ = Router();
    add_openai_routes(router_, std::make_shared<const ApiContext>(
                                   ApiContext{serving_, workers_, clock_, metrics_, config_, pipeline_, cache,
                                              with_cache ? &memo_ : nullptr}));
  }

  void run(MemoryExchange& exchange) {
    const auto match = router_.match(exchange.request().method, exchange.request().path);
    ASSERT_NE(match.handler, nullptr);
    exchange.run(*match.handler);
  }

  HttpResponse post(const std::string& path, const std::string& body) {
    MemoryExchange exchange({.method = "POST", .path = path, .body = body});
    run(exchange);
    EXPECT_TRUE(exchange.response().has_value()) << path << " " << body;
    return exchange.response().value_or(HttpResponse{});
  }

  std::vector<std::string> post_stream(const std::string& path, const std::string& body) {
    MemoryExchange exchange({.method = "POST", .path = path, .body = body});
    run(exchange);
    EXPECT_TRUE(exchange.stream_ended()) << (exchange.response() ? exchange.response()->body : "no answer");
    return exchange.events();
  }

  static std::string chat(const std::string& more) {
    return R"({"messages":[{"role":"user","content":"Name three colours."}],"temperature":0,"max_tokens":16)" +
           (more.empty() ? "" : "," + more) + "}";
  }

  // Waits for the engine to have nothing to do.
  static void wait_until_idle() {
    while (!served_->engine->idle()) std::this_thread::yield();
  }

  static inline SteadyClock clock_;
  static inline std::shared_ptr<const ServedModel> served_;
  cache::ResponseCache cache_{{}};
  ChatMemo memo_{1 << 20};
  WorkerPool workers_{1};
  PipelineSlot pipeline_;
  ServingSlot serving_;
  HttpMetrics metrics_;
  ServerConfig config_;
  Router router_;
};

std::string cache_status_of(const HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name == "X-Sovereign-Cache") return value;
  }
  return "(none)";
}

std::string code_of(const HttpResponse& response) {
  return std::string(json::parse(response.body).at("error").at("code").as_string());
}

TEST_F(Handlers, ChatIsTheSameStreamedAndWhole) {
  const auto whole = json::parse(post("/v1/chat/completions", chat("")).body);
  const std::string text(whole.at("choices").at(0).at("message").at("content").as_string());
  EXPECT_FALSE(text.empty());
  const auto events =
      post_stream("/v1/chat/completions", chat(R"("stream":true,"stream_options":{"include_usage":true})"));
  ASSERT_GE(events.size(), 4u);
  EXPECT_EQ(events.back(), "[DONE]");
  std::string streamed;
  std::string finish;
  for (const auto& event : events) {
    if (event == "[DONE]") continue;
    const auto chunk = json::parse(event);
    for (const auto& choice : chunk.at("choices").as_array()) {
      if (const auto* content = choice.at("delta").as_object().if_contains("content")) {
        streamed += content->as_string();
      }
      if (choice.at("finish_reason").is_string()) finish = choice.at("finish_reason").as_string();
    }
  }
  EXPECT_EQ(streamed, text);
  EXPECT_EQ(finish, std::string(whole.at("choices").at(0).at("finish_reason").as_string()));
  const auto usage = json::parse(events[events.size() - 2]).at("usage");
  EXPECT_EQ(usage.at("completion_tokens"), whole.at("usage").at("completion_tokens"));
  EXPECT_EQ(usage.at("prompt_tokens"), whole.at("usage").at("prompt_tokens"));
}

TEST_F(Handlers, AFoundChatIsWhatWasMade) {
  make_router(true);
  const auto made = post("/v1/chat/completions", chat(""));
  EXPECT_EQ(cache_status_of(made), "miss");
  const auto generations = engine_count(&engine::EngineMetrics::requests_accepted);
  const auto found = post("/v1/chat/completions", chat(""));                // known by its bytes
  const auto other_bytes = post("/v1/chat/completions", chat(" \"n\":1"));  // known by its meaning
  EXPECT_EQ(cache_status_of(found), "hit");
  EXPECT_EQ(cache_status_of(other_bytes), "hit");
  EXPECT_EQ(json::parse(found.body).at("choices"), json::parse(made.body).at("choices"));
  EXPECT_EQ(json::parse(other_bytes.body).at("choices"), json::parse(made.body).at("choices"));
  for (int i = 0; i < 2; ++i) {  // by its meaning, then by its bytes
    std::string streamed;
    for (const auto& event : post_stream("/v1/chat/completions", chat(R"("stream":true)"))) {
      if (event == "[DONE]") continue;
      const auto delta = json::parse(event).at("choices").at(0).at("delta");
      if (const auto* content = delta.as_object().if_contains("content")) streamed += content->as_string();
    }
    EXPECT_EQ(
        streamed,
        std::string(json::parse(made.body).at("choices").at(0).at("message").at("content").as_string()));
  }
  EXPECT_EQ(engine_count(&engine::EngineMetrics::requests_accepted), generations);
}

TEST_F(Handlers, AFoundChatStaysTheSameWhenItIsKeptReady) {
  make_router(true);
  post("/v1/chat/completions", chat(""));
  auto read = post("/v1/chat/completions", chat(""));   // from the cache's entry
  auto ready = post("/v1/chat/completions", chat(""));  // as it went out then
  EXPECT_TRUE(read.header_lines.empty());
  EXPECT_FALSE(ready.header_lines.empty());
  auto first = json::parse(read.body).as_object();
  auto second = json::parse(ready.body).as_object();
  EXPECT_NE(first.at("id"), second.at("id"));
  EXPECT_TRUE(second.at("created").is_int64());
  for (auto* body : {&first, &second}) {
    body->erase("id");
    body->erase("created");
  }
  EXPECT_EQ(first, second);
  std::sort(read.headers.begin(), read.headers.end());
  std::sort(ready.headers.begin(), ready.headers.end());
  EXPECT_EQ(read.headers, ready.headers);

  // Another answer to the same: what was ready is not taken for it.
  const auto anew = post("/v1/chat/completions", chat(R"("cache":"refresh")"));
  EXPECT_EQ(cache_status_of(anew), "miss");
  const auto after = post("/v1/chat/completions", chat(""));
  EXPECT_EQ(cache_status_of(after), "hit");
  EXPECT_TRUE(after.header_lines.empty());
  EXPECT_FALSE(post("/v1/chat/completions", chat("")).header_lines.empty());
}

TEST_F(Handlers, OfWhoWantsNothingKeptTheBodyIsNotKept) {
  make_router(true);
  const auto is_remembered = [&] {
    return memo_.find(chat(""), served_->backend->identity(), pipeline_.get()->policy()).has_value();
  };
  MemoryExchange exchange({.method = "POST",
                           .path = "/v1/chat/completions",
                           .body = chat(""),
                           .headers = {{"Cache-Control", "no-store"}}});
  run(exchange);
  ASSERT_TRUE(exchange.response());
  EXPECT_EQ(exchange.response()->status, 200u);
  EXPECT_FALSE(is_remembered());
  post("/v1/chat/completions", chat(""));
  EXPECT_TRUE(is_remembered());
}

TEST_F(Handlers, SeveralChoicesAndPromptsAreIndexedRight) {
  const auto body = json::parse(
      post("/v1/completions",
           R"({"prompt":["1, 2, 3,","A, B, C,"],"n":2,"max_tokens":4,"temperature":0,"echo":true})")
          .body);
  const auto& choices = body.at("choices").as_array();
  ASSERT_EQ(choices.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(choices[i].at("index").as_int64(), static_cast<std::int64_t>(i));
    const std::string text(choices[i].at("text").as_string());
    EXPECT_TRUE(text.starts_with(i < 2 ? "1, 2, 3," : "A, B, C,")) << text;
  }
  EXPECT_EQ(choices[0].at("text"), choices[1].at("text"));
  EXPECT_EQ(body.at("usage").at("completion_tokens").as_int64(), 16);
}

TEST_F(Handlers, CompletionOfNothing) {
  const auto body =
      json::parse(post("/v1/completions", R"({"prompt":"Hello","max_tokens":0,"echo":true})").body);
  EXPECT_EQ(body.at("choices").at(0).at("text").as_string(), "Hello");
  EXPECT_EQ(body.at("choices").at(0).at("finish_reason").as_string(), "length");
  EXPECT_EQ(body.at("usage").at("completion_tokens").as_int64(), 0);
  EXPECT_GT(body.at("usage").at("prompt_tokens").as_int64(), 0);
}

TEST_F(Handlers, ErrorsHaveTheirStatusAndCode) {
  EXPECT_EQ(post("/v1/chat/completions", "{").status, 400u);
  EXPECT_EQ(post("/v1/chat/completions", R"({"messages":[]})").status, 400u);
  const auto unknown = post("/v1/chat/completions", chat(R"("model":"gpt-9")"));
  EXPECT_EQ(unknown.status, 404u);
  EXPECT_EQ(code_of(unknown), "model_not_found");
  EXPECT_NE(unknown.body.find("test-model"), std::string::npos);
  EXPECT_EQ(post("/v1/chat/completions", chat(R"("model":"alias")")).status, 200u);
  std::string words;
  for (int i = 0; i < 600; ++i) words += "word ";
  const auto too_long =
      post("/v1/chat/completions", R"({"messages":[{"role":"user","content":")" + words + "\"}]}");
  EXPECT_EQ(too_long.status, 400u);
  EXPECT_EQ(code_of(too_long), "context_length_exceeded");
  EXPECT_NE(too_long.body.find("512"), std::string::npos);
  EXPECT_EQ(code_of(post("/v1/completions", R"({"prompt":")" + words + "\"}")), "context_length_exceeded");
  EXPECT_EQ(post("/v1/completions", R"({"prompt":"a","grammar":"not a grammar ::="})").status, 400u);
  const auto embeddings = post("/v1/embeddings", R"({"input":"a"})");
  EXPECT_EQ(embeddings.status, 400u);
  EXPECT_EQ(code_of(embeddings), "model_does_not_support_embeddings");
}

// An engine whose model is on its way: embeddings are told when the test says so.
class LoadingEngine final : public engine::InferenceEngine {
 public:
  result<engine::RequestId> submit(engine::GenerationRequest,
                                   std::shared_ptr<engine::GenerationSink> sink) override {
    waiting.set_value(std::move(sink));
    return 7;
  }
  void cancel(engine::RequestId) noexcept override { cancelled.set_value(); }
  void drain() noexcept override {}
  bool idle() const noexcept override { return true; }
  void add_metrics(engine::EngineMetrics&) const override {}
  Duration stalled_for(Time) const noexcept override { return {}; }
  std::uint32_t context_tokens() const noexcept override { return 512; }
  std::uint32_t max_queued() const noexcept override { return 16; }

  std::promise<std::shared_ptr<engine::GenerationSink>> waiting;
  std::promise<void> cancelled;
};

void tell(engine::GenerationSink& sink, std::vector<float> embedding) {
  engine::GenerationDelta delta;
  delta.embedding = std::move(embedding);
  delta.finish = engine::FinishReason::stop;
  sink.on_delta(std::move(delta));
  sink.on_done({});
}

// One embedding whose model had to be loaded kept the only worker, and with it the whole API.
TEST_F(Handlers, AnEmbeddingThatWaitsKeepsNoWorker) {
  const auto loading = std::make_shared<LoadingEngine>();
  auto embedder = std::make_shared<ServedModel>(*served_);
  embedder->id = "embedder";
  embedder->engine = loading;
  Serving serving;
  serving.models = {served_, embedder};
  serving_.set(std::make_shared<const Serving>(std::move(serving)));
  MemoryExchange waits(
      {.method = "POST", .path = "/v1/embeddings", .body = R"({"model":"embedder","input":"a"})"});
  std::thread client([&] { run(waits); });
  const auto sink = loading->waiting.get_future().get();
  EXPECT_EQ(post("/v1/chat/completions", chat("")).status, 200U);
  tell(*sink, {0.5F, 0.25F});
  client.join();
  ASSERT_TRUE(waits.response());
  EXPECT_EQ(waits.response()->status, 200U);
  const auto body = json::parse(waits.response()->body);
  EXPECT_EQ(body.at("data").at(0).at("embedding").at(1).to_number<double>(), 0.25);
}

TEST_F(Handlers, AClientThatLeavesWaitsForNoEmbedding) {
  const auto loading = std::make_shared<LoadingEngine>();
  auto embedder = std::make_shared<ServedModel>(*served_);
  embedder->engine = loading;
  Serving serving;
  serving.models = {embedder};
  serving_.set(std::make_shared<const Serving>(std::move(serving)));
  MemoryExchange leaves({.method = "POST", .path = "/v1/embeddings", .body = R"({"input":"a"})"});
  std::thread client([&] { run(leaves); });
  const auto sink = loading->waiting.get_future().get();
  leaves.disconnect();
  client.join();
  EXPECT_FALSE(leaves.response());
  loading->cancelled.get_future().get();
  tell(*sink, {1});  // too late: nobody is there
}

TEST_F(Handlers, ModelsAreListedAndShown) {
  MemoryExchange list({.method = "GET", .path = "/v1/models"});
  run(list);
  EXPECT_EQ(json::parse(list.response()->body).at("data").at(0).at("id").as_string(), "test-model");
  const auto show = [&](const std::string& id) {
    MemoryExchange one({.method = "GET", .path = "/v1/models/" + id, .path_parameters = {id}});
    run(one);
    return one.response()->status;
  };
  EXPECT_EQ(show("test-model"), 200u);
  EXPECT_EQ(show("other"), 404u);
}

TEST_F(Handlers, LoadingIsAnErrorThatPasses) {
  serving_.set(std::make_shared<const Serving>());
  const auto response = post("/v1/chat/completions", chat(""));
  EXPECT_EQ(response.status, 503u);
  EXPECT_EQ(code_of(response), "model_loading");
}

TEST_F(Handlers, ADisconnectFreesTheSlot) {
  MemoryExchange exchange({.method = "POST",
                           .path = "/v1/completions",
                           .body = R"({"prompt":"Once","max_tokens":400,"ignore_eos":true,"stream":true})"});
  exchange.disconnect_after(3);
  run(exchange);
  wait_until_idle();
  EXPECT_EQ(exchange.events().size(), 3u);
  EXPECT_EQ(engine_count(&engine::EngineMetrics::running), 0u);
  EXPECT_GE(engine_count(&engine::EngineMetrics::requests_cancelled), 1u);
}

TEST_F(Handlers, ADeadlineIsAnAnswerOfItsOwn) {
  config_.request_timeout = std::chrono::milliseconds(1);
  make_router();
  const auto response = post("/v1/completions", R"({"prompt":"Once","max_tokens":400,"ignore_eos":true})");
  EXPECT_EQ(response.status, 504u);
}

TEST_F(Handlers, ToolCallsComeStreamedAndWhole) {
  const std::string tools = R"("tools":[{"type":"function","function":{"name":"get_weather","parameters":
      {"type":"object","properties":{"city":{"type":"string","maxLength":12}},"required":["city"]}}}],
      "tool_choice":"required","parallel_tool_calls":false,"max_completion_tokens":120)";
  const auto whole = json::parse(post("/v1/chat/completions", chat(tools)).body);
  const auto& choice = whole.at("choices").at(0);
  ASSERT_EQ(choice.at("finish_reason").as_string(), "tool_calls") << json::serialize(whole);
  const auto& function = choice.at("message").at("tool_calls").at(0).at("function");
  EXPECT_EQ(function.at("name").as_string(), "get_weather");
  EXPECT_TRUE(json::parse(function.at("arguments").as_string()).at("city").is_string());
  std::string name;
  std::string arguments;
  for (const auto& event : post_stream("/v1/chat/completions", chat(tools + R"(,"stream":true)"))) {
    if (event == "[DONE]") continue;
    const auto chunk = json::parse(event);
    const auto& delta = chunk.at("choices").at(0).at("delta").as_object();
    if (const auto* calls = delta.if_contains("tool_calls")) {
      const auto& call = calls->at(0).at("function").as_object();
      if (const auto* part = call.if_contains("name")) name += part->as_string();
      if (const auto* part = call.if_contains("arguments")) arguments += part->as_string();
    }
  }
  EXPECT_EQ(name, "get_weather");
  EXPECT_EQ(arguments, std::string(function.at("arguments").as_string()));
}

}  // namespace
}  // namespace sovereign::server::openai
