// Makes receipts: salts and digests, signs, logs, proves. The seal stage of the pipeline calls it.
//
// Thread-safe: texts are hashed by the caller's thread, the rest is done one after the other (each receipt
// names the one before it). A checkpoint (which syncs the log) is taken by the first issue() after the
// interval and when the issuer goes.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>

#include "pci/receipt_log.h"

namespace sovereign::pci {

struct ReceiptDraft {
  // The exact bytes that are sealed; docs/proof.md says which they are.
  std::string_view query;
  std::string_view answer;
  std::string model_name;
  crypto::Digest model_digest{};  // SHA-256 of the model's file
  std::map<std::string, std::string> sampling;
  Scores scores = kNoScores;
  std::uint64_t received_ms = 0;
};

struct ReceiptIssuerConfig {
  std::filesystem::path folder;
  std::string engine;  // the build, as receipts name it
  ReceiptLog::Sync sync = ReceiptLog::Sync::on_checkpoint;
  ReceiptLog::Tail tail = ReceiptLog::Tail::keep;
  std::uint64_t checkpoint_ms = 1'000;
};

// For /metrics.
struct ReceiptStats {
  std::uint64_t issued = 0;  // by this process
  std::uint64_t failed = 0;
  std::uint64_t log_entries = 0;
  std::uint64_t log_bytes = 0;
};

class ReceiptIssuer {
 public:
  // Errors: those of ReceiptLog::open().
  static result<std::unique_ptr<ReceiptIssuer>> open(const ReceiptIssuerConfig& config,
                                                     crypto::SigningKey key, std::uint64_t now_ms);
  ~ReceiptIssuer();

  // The receipt with its openings, which are kept nowhere else. now_ms: since 1970-01-01 UTC.
  // Errors: resource_exhausted (disk full), internal; invalid_argument (a text is not UTF-8, a sampling name
  // is not 1 to 64 of a-z 0-9 _).
  result<ReceiptFile> issue(const ReceiptDraft& draft, std::uint64_t now_ms);

  // One issued before, without openings, with a proof under a head of now. Errors: not_found, corrupt.
  result<ReceiptFile> find(std::string_view id, std::uint64_t now_ms);

  result<void> checkpoint(std::uint64_t now_ms);
  // Takes no lock.
  ReceiptStats stats() const;
  const crypto::PublicKey& public_key() const { return key_.public_key(); }

 private:
  ReceiptIssuer(const ReceiptIssuerConfig& config, crypto::SigningKey key, ReceiptLog log,
                std::uint64_t now_ms);
  result<ReceiptFile> sign_and_log(ReceiptContent content, const Openings& openings, std::uint64_t now_ms);

  const ReceiptIssuerConfig config_;
  const crypto::SigningKey key_;
  std::mutex mutex_;
  ReceiptLog log_;
  std::uint64_t checkpoint_at_ms_;
  std::uint64_t newest_ms_ = 0;
  std::atomic<std::uint64_t> issued_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> log_entries_;
  std::atomic<std::uint64_t> log_bytes_;
};

}  // namespace sovereign::pci
