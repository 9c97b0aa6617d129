// Receipts on the way through the pipeline: who gets one, of what, and what becomes of an answer without.
#include "runtime/stages/seal.h"

#include <gmock/gmock.h>

#include "pci/receipt_log.h"
#include "pci/receipt_verifier.h"
#include "runtime/pipeline_fixture.h"
#include "support/temporary_folder.h"

namespace sovereign::runtime {
namespace {

using ::testing::ElementsAre;
using testing::RecordingClient;
using testing::ScriptedBackend;
using Status = CacheNote::Status;
using testing::ClientPtr;

constexpr std::string_view kBody = R"({"content":"colour?"})";

std::unique_ptr<pci::ReceiptIssuer> open_issuer(const std::filesystem::path& folder) {
  pci::ReceiptIssuerConfig config;
  config.folder = folder;
  config.engine = "test 1";
  return pci::ReceiptIssuer::open(config, crypto::SigningKey::generate().value(), 1).value();
}

class SealTest : public testing::PipelineFixture {
 protected:
  SealTest() : PipelineFixture({"The ", "sky ", "is ", "blue."}) {
    PipelineParts all = parts();
    all.receipts = issuer_.get();
    pipeline_ = make_pipeline(std::move(all));
    backend_->mutable_identity().weights = sha256("the model's file");
    backend_->mutable_identity().settings = {{"kernels", "own"}};
  }

  static SovereignQuery query(bool sealed, std::string_view body = kBody) {
    SovereignQuery query;
    query.content = "colour?";
    query.sampling.temperature = 0;
    if (sealed) query.receipt = ReceiptRequest{std::string(body), "query", 123};
    return query;
  }
  static std::string why_not(const ClientPtr& client, std::string_view body = kBody,
                             std::string_view answer = "The sky is blue.") {
    if (!client->result()) return "no result";
    if (!client->result()->receipt) return "no receipt";
    pci::ReceiptEvidence evidence;
    evidence.query = body;
    evidence.answer = answer;
    evidence.model_digest = sha256("the model's file");
    return std::string(pci::verify_receipt(*client->result()->receipt, evidence).reason());
  }
  static std::string id_of(const ClientPtr& client) { return client->result()->receipt->receipt.content.id; }

  testing::TemporaryFolder folder_;
  std::unique_ptr<pci::ReceiptIssuer> issuer_ = open_issuer(folder_.path());
};

TEST_F(SealTest, WhoAsksGetsAReceiptAndNobodyElse) {
  EXPECT_EQ(ask_to_end(query(false))->result()->receipt, nullptr);
  EXPECT_EQ(issuer_->stats().issued, 0u);
  auto fresh = query(true);
  fresh.cache.mode = CacheMode::refresh;
  const auto client = ask_to_end(fresh);
  EXPECT_EQ(why_not(client), "");
  const pci::ReceiptContent& content = client->result()->receipt->receipt.content;
  EXPECT_EQ(content.received_ms, 123u);
  EXPECT_EQ(content.engine, "test 1");
  EXPECT_EQ(content.model_name, "scripted");
  EXPECT_EQ(content.sampling.at("temperature"), "0");
  EXPECT_EQ(content.sampling.at("kernels"), "own");
  EXPECT_EQ(content.sampling.at("form"), "query");
  EXPECT_EQ(content.sampling.at("seed"), std::to_string(ScriptedBackend::kDrawnSeed));
  std::vector<std::string> stages;
  for (const auto& timing : client->result()->timings) stages.emplace_back(timing.stage);
  EXPECT_THAT(stages, ElementsAre("admission", "cache", "inference", "cache_fill", "seal"));
}

TEST_F(SealTest, AFoundAnswerHasAReceiptOfItsOwn) {
  const auto first = ask_to_end(query(true));
  const std::string respelled = R"({ "content": "colour?" })";
  const auto second = ask(query(true, respelled));
  ASSERT_EQ(second->result()->cached.status, Status::hit);
  EXPECT_EQ(why_not(second, respelled), "")
      << "the query that was asked, not the one that was answered first";
  EXPECT_NE(id_of(first), id_of(second));
  EXPECT_EQ(second->result()->receipt->receipt.content.sampling.at("seed"),
            std::to_string(ScriptedBackend::kDrawnSeed))
      << "the seed is kept with the answer";
  EXPECT_EQ(second->result()->timings.back().stage, "seal") << "what was found is not kept again";
  EXPECT_EQ(ask(query(false))->result()->receipt, nullptr) << "a receipt is not part of a kept answer";
}

TEST_F(SealTest, EachOfThoseWhoWaitTogetherGetsTheirOwn) {
  const auto leader = ask(query(true, "a"));
  const auto without = ask(query(false));
  const auto follower = ask(query(true, "b"));
  backend_->run_to_end();
  EXPECT_EQ(backend_->generations(), 1u);
  EXPECT_EQ(why_not(leader, "a"), "");
  EXPECT_EQ(why_not(follower, "b"), "");
  EXPECT_EQ(follower->result()->cached.status, Status::shared);
  EXPECT_NE(id_of(leader), id_of(follower));
  EXPECT_EQ(without->result()->receipt, nullptr) << "the leader's receipt is the leader's alone";
  EXPECT_EQ(issuer_->stats().issued, 2u);
  const auto& timings = follower->result()->timings;
  ASSERT_GE(timings.size(), 2u);
  EXPECT_EQ(timings[timings.size() - 2].stage, "wait");
}

TEST_F(SealTest, AFollowerGetsOneWhenTheLeaderWantedNone) {
  const auto leader = ask(query(false));
  const auto follower = ask(query(true));
  leader->leave();
  backend_->run_to_end();
  EXPECT_EQ(why_not(follower), "");
  EXPECT_EQ(issuer_->stats().issued, 1u);
}

TEST_F(SealTest, WithoutItsReceiptAnAnswerIsRefused) {
  backend_->mutable_identity().model = "\xff";  // a receipt cannot name it
  const auto client = ask_to_end(query(true));
  ASSERT_TRUE(client->failure());
  EXPECT_EQ(client->failure()->code, ErrorCode::unavailable);
  EXPECT_EQ(client->failure()->reason, "receipt_failed");
  EXPECT_EQ(issuer_->stats().failed, 1u);
  EXPECT_TRUE(ask_to_end(query(false))->result()) << "who wants none is answered";
}

// The receipt that the first one could not have failed all who waited with it.
TEST_F(SealTest, AReceiptThatFailsIsItsOwnClientsMatter) {
  backend_->mutable_identity().model = "\xff";  // a receipt cannot name it
  const auto leader = ask(query(true));
  const auto without = ask(query(false));
  const auto with = ask(query(true));
  backend_->run_to_end();
  ASSERT_TRUE(leader->failure() && with->failure());
  EXPECT_EQ(leader->failure()->reason, "receipt_failed");
  EXPECT_EQ(leader->text(), "The sky is blue.") << "it was told what came before";
  ASSERT_TRUE(without->result());
  EXPECT_EQ(without->result()->choices.front().message.content, "The sky is blue.");
  EXPECT_EQ(without->result()->cached.status, Status::shared);
  EXPECT_EQ(ask(query(false))->result()->cached.status, Status::hit) << "the answer is kept all the same";
}

TEST_F(SealTest, WhoLeftNeedsNone) {
  auto random = query(true);
  random.sampling.temperature = 1;
  const auto client = ask(random);
  backend_->step();
  client->leave();
  EXPECT_TRUE(client->failure());
  EXPECT_EQ(issuer_->stats().issued, 0u);
}

TEST_F(SealTest, TheLogHasThemAllAndHolds) {
  for (int i = 0; i < 5; ++i) ask_to_end(query(true));
  EXPECT_EQ(issuer_->stats().log_entries, 5u);
  EXPECT_GT(issuer_->stats().log_bytes, 1000u);
  issuer_.reset();
  const auto log = pci::ReceiptLog::open_read_only(folder_.path());
  ASSERT_TRUE(log);
  EXPECT_EQ(log->size(), 5u);
  EXPECT_TRUE(log->audit());
}

TEST_F(SealTest, AReceiptNamesWhoAnsweredNotWhoWasAsked) {
  gateway::BackendIdentity other;
  other.model = "fallback";
  other.digest = "sha256:other";
  other.weights = sha256("another file");
  backend_->redirect_to(other);
  const auto leads = ask(query(true));
  const auto shares = ask(query(true));  // the same, meanwhile: it gets the same answer, and its own receipt
  backend_->run_to_end();
  for (const auto& client : {leads, shares}) {
    ASSERT_TRUE(client->result() && client->result()->receipt);
    EXPECT_EQ(client->result()->model_used, "fallback");
    const pci::ReceiptContent& content = client->result()->receipt->receipt.content;
    EXPECT_EQ(content.model_name, "fallback");
    EXPECT_EQ(content.model_digest, sha256("another file"));
  }
  EXPECT_EQ(backend_->generations(), 1u);
  // Under the key of who was asked the other's answer is not found.
  ask_to_end(query(false));
  EXPECT_EQ(backend_->generations(), 2u);
}

}  // namespace
}  // namespace sovereign::runtime
