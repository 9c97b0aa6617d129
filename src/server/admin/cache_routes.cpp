#include "server/admin/cache_routes.h"

#include <boost/json.hpp>

#include "runtime/result_codec.h"
#include "server/api_error.h"
#include "server/openai/chat_memo.h"

namespace sovereign::server {
namespace {

namespace json = boost::json;

json::object describe(const cache::LruStats& stats) {
  return {{"hits", stats.hits},           {"misses", stats.misses},
          {"entries", stats.entries},     {"bytes", stats.bytes},
          {"inserts", stats.inserts},     {"replacements", stats.replacements},
          {"evictions", stats.evictions}, {"expirations", stats.expirations},
          {"refusals", stats.refusals}};
}

json::object describe(const cache::ResponseCacheStats::Level& level) {
  const cache::LevelStats& stats = level.stats;
  return {{"name", std::string(level.name)}, {"healthy", stats.healthy}, {"hits", stats.hits},
          {"misses", stats.misses},          {"entries", stats.entries}, {"bytes", stats.bytes},
          {"writes", stats.writes},          {"pending", stats.pending}, {"refusals", stats.refusals},
          {"evictions", stats.evictions},    {"corrupt", stats.corrupt}, {"errors", stats.errors}};
}

json::value milliseconds(cache::WallTime time) {
  if (time == cache::kNever) return nullptr;
  return time.time_since_epoch().count();
}

// Its content, or its tool calls where that is all there is.
std::string answer_text(const engine::ChatMessage& message) {
  if (!message.content.empty()) return message.content;
  std::string text;
  for (const auto& call : message.tool_calls) {
    if (!text.empty()) text += '\n';
    text += call.name + "(" + call.arguments + ")";
  }
  return text;
}

HttpResponse describe(const cache::CacheHit& hit) {
  const cache::Entry& entry = *hit.entry;
  runtime::SovereignResult result;
  json::array answers;
  if (runtime::decode_result(entry.value(), result)) {
    for (const auto& choice : result.choices) answers.emplace_back(answer_text(choice.message));
  }
  const json::object body{{"key", to_hex(entry.hash())},
                          {"level", std::string(hit.level)},
                          {"age_ms", hit.age.count()},
                          {"created_ms", milliseconds(entry.created())},
                          {"expires_ms", milliseconds(entry.expires())},
                          {"key_bytes", entry.encoding().size()},
                          {"value_bytes", entry.value().size()},
                          {"answers", std::move(answers)}};
  HttpResponse response;
  response.body = json::serialize(body);
  return response;
}

HttpResponse no_such_key(const std::string& key) {
  return error_response({ErrorCode::not_found,
                         "There is no answer under the key '" + key.substr(0, 64) +
                             "'; X-Sovereign-Cache-Key of a response tells its key.",
                         "key"});
}

// Levels may block.
template <class Work>
Handler on_cache(WorkerPool& workers, Work work) {
  return [&workers, work](Exchange& exchange) -> asio::awaitable<void> {
    // The work is copied into the frame; the router's copy of this function may not be referred to.
    return [](WorkerPool& pool, Work own, Exchange& on) -> asio::awaitable<void> {
      HttpResponse response = co_await on_worker(pool, [&] { return own(on.request()); });
      co_await on.respond(std::move(response));
    }(workers, work, exchange);
  };
}

HttpResponse nothing_left() {
  HttpResponse response;
  response.status = 204;
  return response;
}

}  // namespace

std::string cache_stats_json(const cache::ResponseCacheStats& stats) {
  json::array levels;
  for (const auto& level : stats.levels) levels.push_back(describe(level));
  return json::serialize(json::object{{"memory", describe(stats.memory)}, {"levels", std::move(levels)}});
}

void add_cache_routes(Router& router, const openai::ApiContext& api, WorkerPool& pool) {
  cache::ResponseCache* const cache = api.cache;
  openai::ChatMemo* const memo = api.memo;
  const auto add = [&](std::string method, std::string pattern, auto work) {
    auto& route = api.http_metrics.add_route(method, pattern);
    const auto guarded = [cache, work](const HttpRequest& request) {
      if (cache != nullptr) return work(*cache, request);
      return error_response({ErrorCode::not_found, "This server runs without a cache (cache.enabled).", {}});
    };
    router.add(std::move(method), std::move(pattern), Access::admin,
               metered(route, api.clock, on_cache(pool, guarded)));
  };
  add("GET", "/admin/cache", [](cache::ResponseCache& all, const HttpRequest&) {
    HttpResponse response;
    response.body = cache_stats_json(all.stats());
    return response;
  });
  // The memo holds the questions, and is not found by an answer's key: it goes as a whole.
  add("DELETE", "/admin/cache", [memo](cache::ResponseCache& all, const HttpRequest&) {
    const auto cleared = all.clear();
    if (memo != nullptr) memo->clear();
    return cleared ? nothing_left() : error_response(cleared.error());
  });
  add("GET", "/admin/cache/{}", [](cache::ResponseCache& all, const HttpRequest& request) {
    const auto hash = cache::hash128_from_hex(request.path_parameters.at(0));
    const auto hit = hash ? all.peek(*hash, cache::wall_now()) : std::nullopt;
    return hit ? describe(*hit) : no_such_key(request.path_parameters.at(0));
  });
  add("DELETE", "/admin/cache/{}", [memo](cache::ResponseCache& all, const HttpRequest& request) {
    const auto hash = cache::hash128_from_hex(request.path_parameters.at(0));
    if (!hash) return no_such_key(request.path_parameters.at(0));
    all.erase(*hash);
    if (memo != nullptr) memo->clear();
    return nothing_left();
  });
}

}  // namespace sovereign::server
