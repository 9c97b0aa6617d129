// Receipts for tests.
#pragma once

#include <string>

#include "pci/receipt_issuer.h"

namespace sovereign::pci {

inline constexpr std::uint64_t kIssuedMs = 1'800'000'000'500;
inline constexpr std::string_view kQuery = "What is two and two?";
inline constexpr std::string_view kAnswer = "Four. \xE2\x9C\x93";

inline ReceiptDraft good_draft() {
  ReceiptDraft draft;
  draft.query = kQuery;
  draft.answer = kAnswer;
  draft.model_name = "SmolLM2-135M-Instruct";
  draft.model_digest = sha256("the model's bytes");
  draft.sampling = {{"max_tokens", "64"}, {"seed", "18446744073709551615"}, {"temperature", "0.7"}};
  draft.scores[0] = 9'700;
  draft.scores[4] = 9'600;
  draft.received_ms = kIssuedMs - 400;
  return draft;
}

inline ReceiptIssuerConfig issuer_config(const std::filesystem::path& folder, const BootId& boot_id = {}) {
  ReceiptIssuerConfig config;
  config.boot_id = boot_id;
  config.folder = folder;
  config.engine = "sovereign 0.1.0 (test)";
  return config;
}

// A copy of the key, which is move-only.
inline crypto::SigningKey copy_of(const crypto::SigningKey& key) {
  return crypto::SigningKey::from_seed(key.seed()).value();
}

inline const crypto::SigningKey& issuer_key() {
  static const crypto::SigningKey key = crypto::SigningKey::generate().value();
  return key;
}

inline std::unique_ptr<ReceiptIssuer> open_issuer(const std::filesystem::path& folder,
                                                  const BootId& boot_id = {}) {
  return std::move(
      ReceiptIssuer::open(issuer_config(folder, boot_id), copy_of(issuer_key()), kIssuedMs).value());
}

}  // namespace sovereign::pci
