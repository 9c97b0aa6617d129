#include "pci/receipt.h"

#include <gmock/gmock.h>

#include "crypto/canonical_json.h"
#include "pci/hex.h"
#include "pci/receipt_verifier.h"
#include "receipt_samples.h"
#include "support/temporary_folder.h"

namespace sovereign::pci {
namespace {

using sovereign::testing::TemporaryFolder;
using ::testing::HasSubstr;
using ::testing::Not;

class ReceiptTest : public ::testing::Test {
 protected:
  ReceiptFile issue() { return issuer_->issue(good_draft(), kIssuedMs).value(); }

  // The name of the check that fails first, "" when the receipt holds.
  static std::string failing(const ReceiptFile& file, const ReceiptEvidence& evidence = {}) {
    const ReceiptVerdict verdict = verify_receipt(file, evidence);
    for (const ReceiptCheck& check : verdict.checks)
      if (!check.holds) return check.name;
    return "";
  }

  TemporaryFolder folder_;
  std::unique_ptr<ReceiptIssuer> issuer_ = open_issuer(folder_.path());
};

TEST_F(ReceiptTest, HoldsAndOpensToItsTexts) {
  const ReceiptFile file = issue();
  EXPECT_EQ(failing(file), "");
  ReceiptEvidence evidence;
  evidence.query = kQuery;
  evidence.answer = kAnswer;
  evidence.issuer = issuer_key().public_key();
  evidence.model_digest = sha256("the model's bytes");
  EXPECT_EQ(failing(file, evidence), "");
  EXPECT_EQ(verify_receipt(file, evidence).checks.size(), 7u);
}

TEST_F(ReceiptTest, SaysWhatDoesNotHold) {
  const ReceiptFile file = issue();
  EXPECT_EQ(failing(file, {.answer = "Five."}), "answer");
  EXPECT_EQ(failing(file, {.query = kAnswer}), "query");
  EXPECT_EQ(failing(file, {.issuer = crypto::PublicKey{}}), "issuer");
  EXPECT_EQ(failing(file, {.model_digest = sha256("another")}), "model");
  const auto newline = verify_receipt(file, {.answer = "Four. \xE2\x9C\x93\n"});
  EXPECT_FALSE(newline.holds());
  EXPECT_THAT(std::string(newline.reason()), HasSubstr("newline"));

  ReceiptFile closed = file;
  closed.openings = {};
  EXPECT_EQ(failing(closed), "");
  EXPECT_EQ(failing(closed, {.answer = kAnswer}), "answer");

  const auto changed = [&](auto change) {
    ReceiptFile copy = file;
    change(copy);
    return failing(copy);
  };
  EXPECT_EQ(changed([](ReceiptFile& f) { f.receipt.content.model_name = "GPT"; }), "signature");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.receipt.content.sampling["seed"] = "1"; }), "signature");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.receipt.content.scores[0] = 10'000; }), "signature");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.receipt.content.previous[0] ^= std::byte{1}; }), "signature");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.receipt.signature[3] ^= std::byte{1}; }), "signature");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.position.head.head.size += 1; }), "log_head");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.position.head.head.root[0] ^= std::byte{1}; }), "log_head");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.position.index += 1; }), "log_entry");
  EXPECT_EQ(changed([](ReceiptFile& f) { f.position.path.emplace_back(); }), "log_entry");
}

TEST_F(ReceiptTest, FollowsTheOneBefore) {
  const ReceiptFile first = issue();
  const ReceiptFile second = issue();
  const ReceiptFile third = issue();
  EXPECT_EQ(second.receipt.content.previous, digest_of(first.receipt.content));
  EXPECT_EQ(failing(second, {.previous = &first.receipt}), "");
  EXPECT_EQ(failing(third, {.previous = &first.receipt}), "previous");
  EXPECT_EQ(first.receipt.content.previous, crypto::Digest{});
  EXPECT_EQ(failing(third), "");
}

TEST_F(ReceiptTest, IsTheSameAfterJson) {
  issue();
  const ReceiptFile file = issue();
  const std::string json = to_json(file);
  const auto read = receipt_from_json(json);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_json(*read), json);
  EXPECT_EQ(failing(*read, {.query = kQuery, .answer = kAnswer}), "");
  EXPECT_EQ(crypto::canonicalize(json).value(), json) << "it is written canonically";
}

// Nothing of a receipt depends on the texts but for two salted digests.
TEST_F(ReceiptTest, ShowsNothingOfTheTexts) {
  const ReceiptFile a = issue();
  const ReceiptFile b = issue();
  EXPECT_NE(a.receipt.content.answer_digest, b.receipt.content.answer_digest)
      << "the same text, another salt";
  EXPECT_NE(a.receipt.content.query_digest, b.receipt.content.query_digest);
  EXPECT_NE(a.openings.query_salt, a.openings.answer_salt);
  const std::string json = to_json(a);
  EXPECT_THAT(json, Not(HasSubstr("Four")));
  EXPECT_THAT(json, Not(HasSubstr(hex_of(sha256(kAnswer)))));
  const std::string logged = sovereign::testing::content_of(folder_.path() / "receipts.jsonl");
  EXPECT_THAT(logged, HasSubstr(a.receipt.content.id));
  EXPECT_THAT(logged, Not(HasSubstr(hex_of(*a.openings.answer_salt)))) << "the salt is kept";
}

TEST_F(ReceiptTest, JsonThatIsNoReceiptIsRefusedWithTheMemberAtFault) {
  const std::string good = to_json(issue());
  const auto refusal = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto read = receipt_from_json(text);
    return read ? "accepted" : read.error().message;
  };
  EXPECT_THAT(refusal("\"answer_digest\":", "\"answer_digesT\":"), HasSubstr("answer_digest"));
  EXPECT_THAT(refusal("\"version\":1", "\"version\":2"), HasSubstr("version"));
  EXPECT_THAT(refusal("\"version\":1", "\"version\":1,\"x\":1"), HasSubstr("does not know"));
  EXPECT_THAT(refusal("\"sequence\":0", "\"sequence\":0.5"), HasSubstr("sequence"));
  EXPECT_THAT(refusal("\"sequence\":0", "\"sequence\":-1"), HasSubstr("sequence"));
  EXPECT_THAT(refusal("\"truthfulness\":9700", "\"truthfulness\":10001"), HasSubstr("truthfulness"));
  EXPECT_THAT(refusal("\"truthfulness\":9700", "\"beauty\":9700"), HasSubstr("does not know"));
  EXPECT_THAT(refusal("\"seed\":\"", "\"se ed\":\""), HasSubstr("se ed"));
  EXPECT_THAT(refusal("ed25519:", "ED25519:"), HasSubstr("issuer"));
  EXPECT_THAT(refusal("\"path\":[]", "\"path\":[1]"), HasSubstr("path"));
  EXPECT_THAT(refusal("\"path\":[]", "\"path\":{}"), HasSubstr("path"));
  EXPECT_FALSE(receipt_from_json("[]"));
  EXPECT_FALSE(receipt_from_json(""));
  EXPECT_FALSE(receipt_from_json(good.substr(1)));
}

TEST_F(ReceiptTest, ADraftThatNobodyCouldReadIsRefused) {
  ReceiptDraft draft = good_draft();
  draft.model_name = "\xff";
  EXPECT_EQ(issuer_->issue(draft, kIssuedMs).error().code, ErrorCode::invalid_argument);
  draft = good_draft();
  draft.sampling["Seed"] = "1";
  EXPECT_EQ(issuer_->issue(draft, kIssuedMs).error().code, ErrorCode::invalid_argument);
  draft = good_draft();
  draft.sampling["stop"] = "\xC0\x80";
  EXPECT_EQ(issuer_->issue(draft, kIssuedMs).error().code, ErrorCode::invalid_argument);
  // Texts are bytes: what a model breaks off in the middle of a character can be sealed.
  draft = good_draft();
  draft.answer = "\xE2\x9C";
  const auto file = issuer_->issue(draft, kIssuedMs);
  ASSERT_TRUE(file);
  EXPECT_EQ(failing(*file, {.answer = draft.answer}), "");
}

}  // namespace
}  // namespace sovereign::pci
