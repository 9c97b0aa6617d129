// An append-only Merkle tree on disk whose format is the proof. Holds hashes of entries, not the entries.
//
// FOLDER/tree: a header of 64 bytes, then 32 bytes for each node of the tree (RFC 9162, merkle_hash.h), in
// the order in which they become known: each leaf, and after it the subtrees that it completes, smallest
// first. A file of n leaves thus has 2n - popcount(n) nodes; the node over leaves [i 2^k, (i + 1) 2^k) is
// number 2m - popcount(m) + k, where m = (i + 1) 2^k - 1 is its last leaf. Proofs read what they need.
//   header: "sovereign-log-1\n", log id, 16; public key of the signer, 32
// FOLDER/heads: 112 bytes for each signed tree head: size, 8; time in ms, 8; root, 32; signature, 64.
// Integers are little-endian. The first head, of the empty tree, is made with the log and binds its header.
//
// Durability. append() keeps nodes in memory; commit() writes them, and by then they survive the death of
// the process; with Sync::each_commit they are on the disk too. sign_head() signs what is committed, for
// handing out. checkpoint() syncs the tree, then stores a head and syncs it: what a stored head covers
// survives a power loss, what came after it may not.
//
// Recovery. What ends in the middle of a leaf's nodes (or of a head) was never acknowledged and is cut off;
// nothing else ever is. A tree shorter than its newest head, a root that is not the head's, a signature that
// does not hold, a node that is not the hash of its children: these are errors (corrupt). open() checks the
// newest head, O(log n), and all that came after it; audit() checks every byte of both files, and a proof
// is checked before it is given out. After a power loss the part that no head covers may be damaged or
// missing: whoever gave out heads of it must not go on with the log (see pci/log_session.h), and can read
// what the newest stored head covers (Tail::not_counted).
//
// One writer; const calls may run beside each other but not beside the writer.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/append_file.h"
#include "base/file_mapping.h"
#include "crypto/tree_head.h"

namespace sovereign::crypto {

class MerkleLog {
 public:
  enum class Sync { on_checkpoint, each_commit };
  // What came after the newest stored head.
  enum class Tail { counted, not_counted };

  // Makes a new log, also where the making of one was broken off; `key` signs its first head. Errors:
  // already_exists, and those of AppendFile.
  static result<MerkleLog> create(const std::filesystem::path& folder, const SigningKey& key,
                                  std::uint64_t now_ms, Sync sync);
  // Errors: not_found, corrupt, unavailable (another process has it), invalid_argument (the log belongs to
  // another key than `expected`).
  static result<MerkleLog> open(const std::filesystem::path& folder, Sync sync,
                                const PublicKey* expected = nullptr);
  // For auditors: takes no lock and changes nothing. audit() needs a log that nobody writes to, or a copy.
  static result<MerkleLog> open_read_only(const std::filesystem::path& folder, Tail tail = Tail::counted);

  const LogId& id() const { return id_; }
  const PublicKey& public_key() const { return public_key_; }
  std::uint64_t size() const { return size_; }
  const SignedTreeHead& head() const { return head_; }  // the newest that is stored
  std::uint64_t heads() const;

  void append(const Digest& leaf_hash);
  // After an error the appended leaves are still in memory: commit again, or drop the log.
  result<void> commit();
  // Commits, then signs; `key` is the log's.
  result<SignedTreeHead> sign_head(const SigningKey& key, std::uint64_t now_ms);
  // Commits, syncs, signs, stores.
  result<SignedTreeHead> checkpoint(const SigningKey& key, std::uint64_t now_ms);
  // The parts of a checkpoint after sign_head(), for those who sync beside the writer, one thread at a time:
  // sync_tree(), then, as the writer, store_head() of the head that was signed before, then sync_heads().
  result<void> sync_tree() { return tree_.sync(); }
  result<void> store_head(const SignedTreeHead& signed_head);
  result<void> sync_heads() { return heads_.sync(); }

  // Only when all is committed; the sizes as in MerkleTree. O(log n) reads through a mapping of the file.
  result<Digest> leaf(std::uint64_t index) const;
  result<Digest> root_at(std::uint64_t tree_size) const;
  Digest root() const;
  result<std::vector<Digest>> inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const;
  result<std::vector<Digest>> consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const;

  // Recomputes every node from the leaves that count, every head's root, and checks every signature.
  result<void> audit() const;

 private:
  MerkleLog(AppendFile tree, FileMapping nodes, AppendFile heads, Sync sync, Tail tail)
      : tree_(std::move(tree)),
        nodes_(std::move(nodes)),
        heads_(std::move(heads)),
        sync_(sync),
        tail_(tail) {}

  static result<MerkleLog> read(const std::filesystem::path& folder, AppendFile::Mode mode, Sync sync,
                                Tail tail);
  result<void> read_header();
  result<void> load_newest_head();
  result<void> check_tail();
  result<SignedTreeHead> head_at(std::uint64_t position) const;
  // The roots of the complete subtrees of the first `tree_size` leaves, largest first.
  std::vector<Digest> subtrees_at(std::uint64_t tree_size) const;
  // Between check_nodes_there() and the end of the call that needs them.
  result<void> check_nodes_there() const;
  Digest node(int level, std::uint64_t index) const;
  Digest range_hash(std::uint64_t begin, std::uint64_t end) const;
  Digest committed_root(std::uint64_t tree_size) const;
  result<void> check_node_order(std::uint64_t first_leaf, std::uint64_t end_leaf,
                                std::vector<Digest>& subtrees) const;
  tl::unexpected<Error> corrupt(std::string_view what) const;

  AppendFile tree_;
  FileMapping nodes_;  // of the same file, for proofs
  AppendFile heads_;
  Sync sync_;
  Tail tail_;
  LogId id_{};
  PublicKey public_key_{};
  std::uint64_t size_ = 0;        // with what is pending
  std::vector<Digest> subtrees_;  // complete ones, largest first
  std::string pending_;           // nodes that are not in the file yet
  SignedTreeHead head_;
};

}  // namespace sovereign::crypto
