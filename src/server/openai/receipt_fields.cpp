#include "server/openai/receipt_fields.h"

#include <fmt/format.h>

#include "cache/wall_time.h"

namespace sovereign::server::openai {
namespace {

constexpr std::string_view kHeader = "X-Sovereign-Receipt";

outcome<bool> read_header(const HttpRequest& http) {
  const std::string_view value = http.header(kHeader);
  if (value == "true" || value == "1") return true;
  if (value.empty() || value == "false" || value == "0") return false;
  return refuse(Error{ErrorCode::invalid_argument, fmt::format("{} must be true or false.", kHeader),
                      std::string(kHeader)});
}

}  // namespace

bool names_receipts(const HttpRequest& http) { return !http.header(kHeader).empty(); }

outcome<std::optional<runtime::ReceiptRequest>> read_receipt_request(const ApiContext& api,
                                                                     const HttpRequest& http, bool in_body,
                                                                     std::string_view text,
                                                                     std::string_view form) {
  const auto in_header = read_header(http);
  if (!in_header) return refuse(in_header.error());
  const bool asked = in_body || *in_header;
  if (!asked && api.receipts.mode != runtime::ReceiptMode::always) return std::nullopt;
  if (api.receipts.issuer == nullptr) {
    return refuse({Error{ErrorCode::unsupported,
                         fmt::format("This server makes no receipts: {}.", api.receipts.why_none), "receipt"},
                   "receipts_unavailable"});
  }
  runtime::ReceiptRequest request;
  request.text = text;
  request.form = form;
  request.received_ms = static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count());
  return request;
}

outcome<void> refuse_receipt(const ApiContext& api, const HttpRequest& http) {
  const auto asked = read_header(http);
  if (!asked) return refuse(asked.error());
  if (api.receipts.mode == runtime::ReceiptMode::always) {
    return refuse(
        {Error{ErrorCode::unsupported,
               "This server gives no answer without a receipt (receipts.mode), and receipts are made for "
               "/v1/chat/completions and /v1/query, not here.",
               {}},
         "receipts_unavailable"});
  }
  if (!*asked) return {};
  return refuse({Error{ErrorCode::unsupported,
                       "Receipts are made for /v1/chat/completions and /v1/query, not here.", "receipt"},
                 "receipts_unavailable"});
}

}  // namespace sovereign::server::openai
