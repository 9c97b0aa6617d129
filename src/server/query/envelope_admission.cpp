#include "server/query/envelope_admission.h"

#include <fmt/format.h>

#include <functional>

#include "cache/wall_time.h"
#include "server/api_error.h"

namespace sovereign::server {
namespace {

using pci::RejectCode;

constexpr std::string_view kMediaType = "application/vnd.sovereign.envelope";

// Parameters may follow (RFC 9110, 8.3.1); types are written in any case.
bool is_envelope(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return type == kMediaType;
}

// Whom the rate is counted for: the API key, which was checked, or else where the request comes from.
pci::ClientId client_of(const HttpRequest& http) {
  return std::hash<std::string_view>{}(http.key_digest.empty() ? http.peer : http.key_digest);
}

EnvelopeRefusal refusal_of(RejectCode code) {
  const auto with = [code](unsigned status, std::string message) {
    return EnvelopeRefusal{status, std::move(message), std::string(to_string(code))};
  };
  switch (code) {
    case RejectCode::none: break;
    case RejectCode::schema: return with(400, "The body is not an envelope of version 1.");
    case RejectCode::rate_limited: return with(429, "Too many envelopes; try again later.");
    case RejectCode::nonce_replay: return with(409, "This envelope was taken before: its nonce is used.");
    case RejectCode::timestamp_stale: return with(400, "The envelope is too old; seal the query anew.");
    case RejectCode::timestamp_future:
      return with(400, "The envelope is stamped too far ahead; set the sender's clock.");
    case RejectCode::policy_mismatch:
      return with(403, "The envelope's sender, key, policy or kind is not accepted here.");
    case RejectCode::signature: return with(401, "The envelope's signature does not hold.");
    case RejectCode::ihsan_below_min:
      return with(422, "The envelope's scores are missing or under the threshold.");
    case RejectCode::replay_store_full:
      return with(503, "No nonce can be remembered now; try again later, with a new one.");
    case RejectCode::replay_store_unavailable:
      return with(503, "The nonce could not be written down; try again later, with a new one.");
  }
  return with(500, "The gates gave no verdict.");
}

}  // namespace

HttpResponse to_response(const EnvelopeRefusal& refusal) {
  auto response = error_response(refusal.status, refusal.message, refusal.code);
  if (refusal.status == 429) response.headers.emplace_back("Retry-After", "1");
  if (refusal.status == 503) response.headers.emplace_back("Retry-After", "5");
  return response;
}

tl::expected<std::string_view, EnvelopeRefusal> admit_query(const openai::EnvelopeService& envelopes,
                                                            const HttpRequest& http) {
  if (!is_envelope(http.header("Content-Type"))) {
    if (!envelopes.required) return http.body;
    return tl::unexpected<EnvelopeRefusal>(
        {403, fmt::format("Queries must come in a signed envelope ({}).", kMediaType), "envelope_required"});
  }
  if (envelopes.gates == nullptr) {
    return tl::unexpected<EnvelopeRefusal>(
        {403, "This server takes no envelopes: it knows no senders (envelopes.senders).",
         std::string(to_string(RejectCode::policy_mismatch))});
  }
  const auto now_ms = static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count());
  const RejectCode code = envelopes.gates->admit({http.body, client_of(http)}, now_ms);
  if (code != RejectCode::none) return tl::unexpected(refusal_of(code));
  return pci::EnvelopeView::read(http.body)->payload();
}

}  // namespace sovereign::server
