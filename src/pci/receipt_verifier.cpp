#include "pci/receipt_verifier.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/merkle_proof.h"
#include "pci/hex.h"

namespace sovereign::pci {
namespace {

ReceiptCheck check_signature(const SignedReceipt& receipt) {
  const std::string issuer = crypto::to_text(receipt.content.issuer);
  if (signature_holds(receipt))
    return {"signature", true, fmt::format("It was signed by {} and not changed since.", issuer)};
  return {
      "signature", false,
      fmt::format("The signature does not hold: the receipt was changed, or {} never signed it.", issuer)};
}

ReceiptCheck check_issuer(const SignedReceipt& receipt, const crypto::PublicKey& trusted) {
  if (receipt.content.issuer == trusted) return {"issuer", true, "The signer is the one you trust."};
  return {"issuer", false,
          fmt::format("It was signed by {}, not by the key you trust, {}.",
                      crypto::to_text(receipt.content.issuer), crypto::to_text(trusted))};
}

ReceiptCheck check_head(const ReceiptFile& file) {
  const crypto::TreeHead& head = file.position.head.head;
  if (crypto::verify_tree_head(file.position.head, file.receipt.content.issuer))
    return {"log_head", true,
            fmt::format("The signer committed to a log of {} receipts (log {}).", head.size,
                        hex_of(head.log_id))};
  return {"log_head", false, "The head of the log is not signed by the receipt's signer, or was changed."};
}

ReceiptCheck check_entry(const ReceiptFile& file) {
  const LogPosition& position = file.position;
  const crypto::TreeHead& head = position.head.head;
  if (position.index != file.receipt.content.sequence)
    return {"log_entry", false,
            fmt::format("It claims place {} in the log, but its number is {}.", position.index,
                        file.receipt.content.sequence)};
  const crypto::Digest leaf = crypto::merkle_leaf_hash(entry_text(file.receipt));
  if (crypto::verify_inclusion(leaf, position.index, head.size, position.path, head.root))
    return {"log_entry", true, fmt::format("It is receipt {} of that log.", position.index)};
  return {"log_entry", false,
          fmt::format("The log's head does not contain this receipt at {}.", position.index)};
}

ReceiptCheck check_text(SaltedText what, const std::optional<Salt>& salt, const crypto::Digest& digest,
                        std::string_view text) {
  const std::string name = what == SaltedText::query ? "query" : "answer";
  if (!salt)
    return {name, false,
            fmt::format("The receipt carries no opening of the {0} (openings.{0}_salt), so no text can be "
                        "compared with it.",
                        name)};
  if (salted_digest(what, *salt, text) == digest)
    return {name, true, fmt::format("The {} is the one that was signed.", name)};
  // Editors and shells add one.
  if (text.ends_with('\n') && salted_digest(what, *salt, text.substr(0, text.size() - 1)) == digest)
    return {name, false,
            fmt::format("The {} is the one that was signed but for a newline at its end: remove it.", name)};
  return {name, false,
          fmt::format("The {} is not the one that was signed ({} bytes were compared).", name, text.size())};
}

ReceiptCheck check_model(const SignedReceipt& receipt, const crypto::Digest& expected) {
  if (receipt.content.model_digest == expected) return {"model", true, "The model is the one you named."};
  return {"model", false,
          fmt::format("Another model answered: '{}' with SHA-256 {}.", receipt.content.model_name,
                      hex_of(receipt.content.model_digest))};
}

ReceiptCheck check_previous(const SignedReceipt& receipt, const SignedReceipt& previous) {
  if (receipt.content.sequence == previous.content.sequence + 1 &&
      receipt.content.previous == digest_of(previous.content))
    return {"previous", true, "It follows the receipt that you named."};
  return {"previous", false, "It does not follow the receipt that you named."};
}

ReceiptCheck check_consistency(const ReceiptFile& file, const ConsistencyProof& proof) {
  const crypto::TreeHead& then = file.position.head.head;
  const crypto::TreeHead& now = proof.head.head;
  const auto no = [](std::string reason) { return ReceiptCheck{"consistency", false, std::move(reason)}; };
  if (!crypto::verify_tree_head(proof.head, file.receipt.content.issuer))
    return no("The head of the consistency proof is not signed by the receipt's signer.");
  if (now.log_id != then.log_id) return no("The consistency proof is of another log.");
  if (proof.from_size != then.size || proof.to_size != now.size)
    return no(fmt::format(
        "The consistency proof leads from {} receipts to {}, not from this receipt's head of {} to "
        "its own of {}.",
        proof.from_size, proof.to_size, then.size, now.size));
  if (!crypto::verify_consistency(then.size, then.root, now.size, now.root, proof.path))
    return no(
        "The log did not only grow: its newer head does not contain what this receipt's head contains.");
  return {"consistency", true,
          fmt::format("The log of {} receipts contains all {} of this receipt's head.", now.size, then.size)};
}

}  // namespace

bool ReceiptVerdict::holds() const {
  return std::all_of(checks.begin(), checks.end(), [](const ReceiptCheck& check) { return check.holds; });
}

std::string_view ReceiptVerdict::reason() const {
  const auto failed =
      std::find_if(checks.begin(), checks.end(), [](const ReceiptCheck& check) { return !check.holds; });
  return failed == checks.end() ? std::string_view{} : failed->reason;
}

ReceiptVerdict verify_receipt(const ReceiptFile& file, const ReceiptEvidence& evidence) {
  const SignedReceipt& receipt = file.receipt;
  ReceiptVerdict verdict;
  std::vector<ReceiptCheck>& checks = verdict.checks;
  checks.push_back(check_signature(receipt));
  if (evidence.issuer) checks.push_back(check_issuer(receipt, *evidence.issuer));
  checks.push_back(check_head(file));
  checks.push_back(check_entry(file));
  if (evidence.query)
    checks.push_back(check_text(SaltedText::query, file.openings.query_salt, receipt.content.query_digest,
                                *evidence.query));
  if (evidence.answer)
    checks.push_back(check_text(SaltedText::answer, file.openings.answer_salt, receipt.content.answer_digest,
                                *evidence.answer));
  if (evidence.model_digest) checks.push_back(check_model(receipt, *evidence.model_digest));
  if (evidence.previous != nullptr) checks.push_back(check_previous(receipt, *evidence.previous));
  if (evidence.consistency != nullptr) checks.push_back(check_consistency(file, *evidence.consistency));
  return verdict;
}

}  // namespace sovereign::pci
