#include "server/receipts/receipt_routes.h"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "cache/wall_time.h"
#include "server/api_error.h"

namespace sovereign::server {
namespace {

using openai::ApiContext;
using openai::ApiContextPtr;

HttpResponse no_receipts(const openai::ReceiptService& receipts) {
  return error_response(
      {ErrorCode::not_found, fmt::format("This server makes no receipts: {}.", receipts.why_none), {}});
}

HttpResponse describe(const openai::ReceiptService& receipts) {
  const bool always = receipts.mode == runtime::ReceiptMode::always;
  HttpResponse response;
  response.body = fmt::format(R"({{"object":"sovereign.receipts","issuer":"{}","mode":"{}","size":{}}})",
                              crypto::to_text(receipts.issuer->public_key()),
                              always ? "always" : "on_request", receipts.issuer->stats().log_entries);
  return response;
}

HttpResponse find(const openai::ReceiptService& receipts, const std::string& id) {
  const auto now_ms = static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count());
  const auto file = receipts.issuer->find(id, now_ms);
  if (!file) return error_response(file.error());
  HttpResponse response;
  response.body = pci::to_json(*file);
  return response;
}

// A member of "from=3&to=7". Errors: invalid_argument.
result<std::uint64_t> size_in_query(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view part = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view{} : query.substr(end + 1);
    const std::size_t equals = part.find('=');
    if (equals == std::string_view::npos || part.substr(0, equals) != name) continue;
    std::uint64_t size = 0;
    const char* const stop = part.data() + part.size();
    const auto [read, error] = std::from_chars(part.data() + equals + 1, stop, size);
    if (error == std::errc{} && read == stop) return size;
    return fail(ErrorCode::invalid_argument, fmt::format("'{}' must be a number of receipts.", name),
                std::string(name));
  }
  return 0;
}

HttpResponse show_consistency(const openai::ReceiptService& receipts, std::string_view query) {
  const auto from = size_in_query(query, "from");
  if (!from) return error_response(from.error());
  const auto to = size_in_query(query, "to");
  if (!to) return error_response(to.error());
  const auto now_ms = static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count());
  const auto proof = receipts.issuer->consistency(*from, *to, now_ms);
  if (!proof) return error_response(proof.error());
  HttpResponse response;
  response.body = pci::to_json(*proof);
  return response;
}

asio::awaitable<void> handle_list(ApiContextPtr api, Exchange& exchange) {
  const auto& receipts = api->receipts;
  // Not within the co_await: GCC 12 destroys the temporaries of a conditional there twice.
  HttpResponse response = receipts.issuer == nullptr ? no_receipts(receipts) : describe(receipts);
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> handle_one(ApiContextPtr api, Exchange& exchange) {
  const auto& receipts = api->receipts;
  if (receipts.issuer == nullptr) co_return co_await exchange.respond(no_receipts(receipts));
  // Reads the log's files and signs a head.
  auto response = co_await on_worker(
      api->workers, [&] { return find(receipts, exchange.request().path_parameters.at(0)); });
  co_await exchange.respond(std::move(response));
}

asio::awaitable<void> handle_consistency(ApiContextPtr api, Exchange& exchange) {
  const auto& receipts = api->receipts;
  if (receipts.issuer == nullptr) co_return co_await exchange.respond(no_receipts(receipts));
  auto response =
      co_await on_worker(api->workers, [&] { return show_consistency(receipts, exchange.request().query); });
  co_await exchange.respond(std::move(response));
}

}  // namespace

void add_receipt_routes(Router& router, const ApiContextPtr& api) {
  const auto add = [&](std::string pattern, Handler handler) {
    auto& route = api->http_metrics.add_route("GET", pattern);
    router.add("GET", std::move(pattern), Access::key, metered(route, api->clock, std::move(handler)));
  };
  add("/v1/receipts", [api](Exchange& exchange) { return handle_list(api, exchange); });
  add("/v1/receipts/consistency", [api](Exchange& exchange) { return handle_consistency(api, exchange); });
  add("/v1/receipts/{}", [api](Exchange& exchange) { return handle_one(api, exchange); });
}

}  // namespace sovereign::server
