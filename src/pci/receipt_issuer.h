// Makes receipts: salts and digests, signs, logs, proves. The seal stage of the pipeline calls it.
//
// Checkpoints are taken by a thread of its own: checkpoint_ms after the first receipt that none covers, and
// when the issuer goes. Syncing holds nobody up.
//
// A log that was open when its machine stopped is set aside (log_session.h) and another begun; its receipts
// that a stored head covers are still found.
//
// Thread-safe: texts are hashed by the caller's thread, the rest is done one after the other (each receipt
// names the one before it).
#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

#include "pci/consistency_proof.h"
#include "pci/log_session.h"
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
  std::uint64_t checkpoint_ms = 1'000;
  BootId boot_id{};  // machine_boot_id()
};

// For /metrics.
struct ReceiptStats {
  std::uint64_t issued = 0;  // by this process
  std::uint64_t failed = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t checkpoints_failed = 0;  // each is tried again
  std::uint64_t log_entries = 0;
  std::uint64_t log_bytes = 0;
};

class ReceiptIssuer {
 public:
  // Errors: those of ReceiptLog::open() and LogSession::open().
  static result<std::unique_ptr<ReceiptIssuer>> open(const ReceiptIssuerConfig& config,
                                                     crypto::SigningKey key, std::uint64_t now_ms);
  ~ReceiptIssuer();

  // The receipt with its openings, which are kept nowhere else. now_ms: since 1970-01-01 UTC.
  // Errors: resource_exhausted (disk full), internal; invalid_argument (a text is not UTF-8, a sampling name
  // is not 1 to 64 of a-z 0-9 _).
  result<ReceiptFile> issue(const ReceiptDraft& draft, std::uint64_t now_ms);

  // One issued before, without openings, with a proof under a head of now; when its log was set aside, under
  // that log's last head. Errors: not_found, corrupt.
  result<ReceiptFile> find(std::string_view id, std::uint64_t now_ms);

  // That the log of from_size receipts is the beginning of that of to_size (0: of all there are now), and a
  // head of now. Errors: invalid_argument (from_size past to_size, or that past the log), corrupt.
  result<ConsistencyProof> consistency(std::uint64_t from_size, std::uint64_t to_size, std::uint64_t now_ms);

  // One that covers all receipts so far. Errors: resource_exhausted, internal.
  result<void> checkpoint();
  // Takes no lock.
  ReceiptStats stats() const;
  const crypto::PublicKey& public_key() const { return key_.public_key(); }
  // Where open() put a log whose machine stopped while it was open.
  const std::optional<std::filesystem::path>& set_aside() const { return set_aside_; }

 private:
  ReceiptIssuer(const ReceiptIssuerConfig& config, crypto::SigningKey key, LogSession session, ReceiptLog log,
                std::optional<std::filesystem::path> set_aside, std::uint64_t now_ms);
  result<ReceiptFile> sign_and_log(ReceiptContent content, const Openings& openings, std::uint64_t now_ms);
  void keep_checkpoints(const std::stop_token& stop);
  bool is_covered() const { return log_.tree().head().head.size == log_.size(); }

  const ReceiptIssuerConfig config_;
  const crypto::SigningKey key_;
  LogSession session_;
  const std::optional<std::filesystem::path> set_aside_;
  std::vector<ReceiptLog> closed_;
  std::mutex checkpoint_mutex_;  // before mutex_; one checkpoint at a time
  std::mutex mutex_;
  std::condition_variable_any uncovered_;
  ReceiptLog log_;
  std::uint64_t newest_ms_;  // of the newest receipt, or when the log was opened
  std::atomic<std::uint64_t> issued_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::atomic<std::uint64_t> checkpoints_{0};
  std::atomic<std::uint64_t> checkpoints_failed_{0};
  std::atomic<std::uint64_t> log_entries_;
  std::atomic<std::uint64_t> log_bytes_;
  std::jthread checkpointer_;
};

}  // namespace sovereign::pci
