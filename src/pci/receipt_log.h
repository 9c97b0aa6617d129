// The receipts that were given out, in order, on disk.
//
// FOLDER/receipts.jsonl: one entry a line: the canonical JSON {"content": …, "signature": …} and a newline.
// FOLDER/tree, FOLDER/heads: the Merkle log (crypto/merkle_log.h) whose leaf i is the hash of line i without
//   its newline.
// FOLDER/offsets: for each line the offset of the byte after its newline, 8 bytes, little-endian.
// A verifier needs lines, tree and heads; offsets only find a line quickly.
//
// Lines are written before offsets and those before the tree, so a line counts once its leaf is there.
// Recovery cuts what was written of a line without leaf (never acknowledged), and nothing else. Durability
// and damage are as in MerkleLog: after append() a receipt survives the death of the process, after
// checkpoint() (or with Sync::each_commit, after append()) a power loss. A log whose machine stopped is not
// gone on with: see log_session.h.
//
// Not thread-safe: ReceiptIssuer guards it; what may run beside the writer says so.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/merkle_log.h"
#include "pci/receipt.h"

namespace sovereign::pci {

class ReceiptLog {
 public:
  using Sync = crypto::MerkleLog::Sync;
  using Tail = crypto::MerkleLog::Tail;

  // Makes the log when the folder has none. Errors: those of MerkleLog.
  static result<ReceiptLog> open(const std::filesystem::path& folder, const crypto::SigningKey& key,
                                 std::uint64_t now_ms, Sync sync);
  static result<ReceiptLog> open_read_only(const std::filesystem::path& folder, Tail tail = Tail::counted);

  std::uint64_t size() const { return tree_.size(); }
  std::uint64_t bytes() const { return lines_.size(); }  // of the receipts themselves
  // The digest of the newest receipt's content; zeros when there is none.
  const crypto::Digest& newest_digest() const { return newest_digest_; }
  const crypto::MerkleLog& tree() const { return tree_; }

  // Its sequence and previous must be the next ones (asserted).
  result<void> append(const FreshReceipt& fresh);
  result<SignedReceipt> read(std::uint64_t index) const;
  // The proof that it is there, under a head of now.
  result<LogPosition> position(std::uint64_t index, const crypto::SigningKey& key, std::uint64_t now_ms);
  // The same, of a log that is read only: under its newest stored head.
  result<LogPosition> stored_position(std::uint64_t index) const;
  result<void> checkpoint(const crypto::SigningKey& key, std::uint64_t now_ms);
  // A checkpoint in parts, for those who sync beside the writer, one thread at a time: sign_head() and
  // store_head() as the writer, sync_written() between them and sync_heads() after them beside it.
  result<crypto::SignedTreeHead> sign_head(const crypto::SigningKey& key, std::uint64_t now_ms) {
    return tree_.sign_head(key, now_ms);
  }
  result<void> sync_written();
  result<void> store_head(const crypto::SignedTreeHead& head) { return tree_.store_head(head); }
  result<void> sync_heads() { return tree_.sync_heads(); }

  // Checks every byte: the tree and its heads, each line against its leaf, each signature, the chain of
  // digests, the offsets. With Tail::not_counted: of what the newest stored head covers.
  result<void> audit() const;

 private:
  ReceiptLog(crypto::MerkleLog tree, AppendFile lines, AppendFile offsets, Sync sync, Tail tail)
      : tree_(std::move(tree)),
        lines_(std::move(lines)),
        offsets_(std::move(offsets)),
        sync_(sync),
        tail_(tail) {}

  static result<ReceiptLog> read_folder(const std::filesystem::path& folder, crypto::MerkleLog tree,
                                        AppendFile::Mode mode, Sync sync, Tail tail);
  result<std::uint64_t> end_of_line(std::uint64_t index) const;
  result<std::string> line(std::uint64_t index) const;
  result<void> check_tail();
  tl::unexpected<Error> corrupt(std::string_view what) const;

  crypto::MerkleLog tree_;
  AppendFile lines_;
  AppendFile offsets_;
  Sync sync_;
  Tail tail_;
  crypto::Digest newest_digest_{};
};

}  // namespace sovereign::pci
