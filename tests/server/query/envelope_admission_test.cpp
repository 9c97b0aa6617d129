#include "server/query/envelope_admission.h"

#include <gtest/gtest.h>

#include "cache/wall_time.h"
#include "pci/envelope_samples.h"

namespace sovereign::server {
namespace {

constexpr const char* kType = "application/vnd.sovereign.envelope";

std::uint64_t now_ms() { return static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count()); }

class EnvelopeAdmission : public testing::Test {
 protected:
  HttpRequest request(std::string body, const std::string& type = kType) const {
    HttpRequest http;
    http.method = "POST";
    http.body = std::move(body);
    http.headers = {{"content-type", type}};
    return http;
  }
  static std::string sealed(std::uint64_t stamp_ms, pci::Scores scores = pci::scores_of(9'700)) {
    pci::EnvelopeFields fields = pci::good_fields();
    fields.timestamp_ms = stamp_ms;
    fields.scores = scores;
    return pci::seal_envelope(fields, pci::alice()).value();
  }
  std::string verdict(const HttpRequest& http) const {
    const auto payload = admit_query(envelopes_, http);
    return payload ? std::string(*payload)
                   : std::to_string(payload.error().status) + " " + payload.error().code;
  }

  SteadyClock clock_;
  pci::ReplayStore store_{pci::ReplayStoreConfig{}};
  pci::GateChain gates_{pci::good_policy(), store_, nullptr, {}, clock_};
  openai::EnvelopeService envelopes_{&gates_, false};
};

TEST_F(EnvelopeAdmission, GivesThePayloadOnce) {
  const auto good = request(sealed(now_ms()), "Application/vnd.Sovereign.Envelope ; v=1");
  EXPECT_EQ(verdict(good), R"({"content":"What is two and two?"})");
  EXPECT_EQ(verdict(good), "409 REJECT_NONCE_REPLAY");
}

TEST_F(EnvelopeAdmission, EachRefusalHasItsStatus) {
  EXPECT_EQ(verdict(request("{}")), "400 REJECT_SCHEMA");
  EXPECT_EQ(verdict(request(sealed(now_ms() - 1'000'000))), "400 REJECT_TIMESTAMP_STALE");
  EXPECT_EQ(verdict(request(sealed(now_ms() + 1'000'000))), "400 REJECT_TIMESTAMP_FUTURE");
  EXPECT_EQ(verdict(request(sealed(now_ms(), pci::scores_of(9'000)))), "422 REJECT_IHSAN_BELOW_MIN");
  std::string forged = sealed(now_ms());
  forged[160] ^= 1;
  EXPECT_EQ(verdict(request(forged)), "401 REJECT_SIGNATURE");
}

TEST_F(EnvelopeAdmission, BareQueriesPassUnlessEnvelopesAreRequired) {
  EXPECT_EQ(verdict(request("{}", "application/json")), "{}");
  EXPECT_EQ(verdict(request("{}", "")), "{}");
  envelopes_.required = true;
  EXPECT_EQ(verdict(request("{}", "application/json")), "403 envelope_required");
  envelopes_ = {};
  EXPECT_EQ(verdict(request(sealed(now_ms()))), "403 REJECT_POLICY_MISMATCH") << "no gates, no envelopes";
}

TEST_F(EnvelopeAdmission, TheRateIsOfTheKeyOrOfThePeerAndNotOfAHeader) {
  pci::GateChain limited(pci::good_policy(), store_, nullptr, {.per_second = 0.001, .burst = 1}, clock_);
  envelopes_.gates = &limited;
  const auto from = [&](const std::string& header, const std::string& key_digest, const std::string& peer) {
    HttpRequest http = request(sealed(now_ms()));
    http.headers.emplace_back("Authorization", header);
    http.key_digest = key_digest;
    http.peer = peer;
    return verdict(http);
  };
  EXPECT_EQ(from("Bearer a", "", "10.0.0.1").front(), '{');
  EXPECT_EQ(from("Bearer b", "", "10.0.0.1"), "429 REJECT_RATE_LIMITED");
  EXPECT_EQ(from("Bearer a", "", "10.0.0.2").front(), '{');
  EXPECT_EQ(from("Bearer c", "cc", "10.0.0.1").front(), '{');
  EXPECT_EQ(from("bearer  c", "cc", "10.0.0.3"), "429 REJECT_RATE_LIMITED");
  EXPECT_EQ(from("Bearer d", "dd", "10.0.0.1").front(), '{');
}

TEST_F(EnvelopeAdmission, TheAnswerNamesTheCode) {
  const auto response = to_response(EnvelopeRefusal{503, "later", "REJECT_REPLAY_STORE_FULL"});
  EXPECT_EQ(response.status, 503u);
  EXPECT_NE(response.body.find("REJECT_REPLAY_STORE_FULL"), std::string::npos);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0].first, "Retry-After");
}

}  // namespace
}  // namespace sovereign::server
