#include "crypto/merkle_log.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>

#include "crypto/merkle_proof.h"

namespace sovereign::crypto {
namespace {

constexpr std::string_view kMagic = "sovereign-log-1\n";
constexpr std::uint64_t kHeaderBytes = 64;
constexpr std::uint64_t kNodeBytes = sizeof(Digest);
constexpr std::size_t kReadBlockBytes = std::size_t{1} << 20;

struct HeadImage {
  std::uint64_t size;
  std::uint64_t timestamp_ms;
  Digest root;
  Signature signature;
};
static_assert(sizeof(HeadImage) == 112);
static_assert(std::endian::native == std::endian::little, "images are written as they lie in memory");

constexpr std::uint64_t nodes_of(std::uint64_t leaves) {
  return 2 * leaves - static_cast<std::uint64_t>(std::popcount(leaves));
}

// The most leaves whose nodes all fit.
std::uint64_t leaves_in(std::uint64_t nodes) {
  std::uint64_t low = nodes / 2;
  std::uint64_t high = nodes / 2 + 64;
  while (low < high) {
    const std::uint64_t middle = (low + high + 1) / 2;
    if (nodes_of(middle) <= nodes) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

std::uint64_t node_offset(int level, std::uint64_t index) {
  const std::uint64_t last_leaf = ((index + 1) << level) - 1;
  return kHeaderBytes + (nodes_of(last_leaf) + static_cast<std::uint64_t>(level)) * kNodeBytes;
}

// A log whose making was broken off, before its first head: nobody was told of it.
bool is_unfinished(std::uint64_t tree_bytes, std::uint64_t head_bytes) {
  return tree_bytes <= kHeaderBytes && head_bytes < sizeof(HeadImage);
}

std::string_view text_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace

tl::unexpected<Error> MerkleLog::corrupt(std::string_view what) const {
  const std::string folder = tree_.path().parent_path().string();
  return fail(ErrorCode::corrupt, fmt::format("the log in {} is damaged: {}", folder, what), folder);
}

result<MerkleLog> MerkleLog::create(const std::filesystem::path& folder, const SigningKey& key,
                                    std::uint64_t now_ms, Sync sync) {
  if (auto made = make_folder(folder); !made) return fail(std::move(made.error()));
  auto heads = AppendFile::open(folder / "heads", AppendFile::Mode::read_write);
  if (!heads) return fail(std::move(heads.error()));
  auto tree = AppendFile::open(folder / "tree", AppendFile::Mode::read_write);
  if (!tree) return fail(std::move(tree.error()));
  if (!is_unfinished(tree->size(), heads->size()))
    return fail(ErrorCode::already_exists, fmt::format("there is a log in {} already", folder.string()),
                folder.string());
  if (auto good = heads->cut(0); !good) return fail(std::move(good.error()));
  if (auto good = tree->cut(0); !good) return fail(std::move(good.error()));
  auto nodes = FileMapping::open(folder / "tree");
  if (!nodes) return fail(std::move(nodes.error()));
  MerkleLog log(std::move(*tree), std::move(*nodes), std::move(*heads), sync, Tail::counted);
  randombytes_buf(log.id_.data(), log.id_.size());
  log.public_key_ = key.public_key();
  std::string header(kMagic);
  header.append(reinterpret_cast<const char*>(log.id_.data()), log.id_.size());
  header.append(reinterpret_cast<const char*>(log.public_key_.data()), log.public_key_.size());
  if (auto good = log.tree_.append(header); !good) return fail(std::move(good.error()));
  if (auto good = log.checkpoint(key, now_ms); !good) return fail(std::move(good.error()));
  if (auto good = sync_folder(folder); !good) return fail(std::move(good.error()));
  return log;
}

result<MerkleLog> MerkleLog::read(const std::filesystem::path& folder, AppendFile::Mode mode, Sync sync,
                                  Tail tail) {
  const auto no_log = [&folder] {
    return fail(ErrorCode::not_found, fmt::format("there is no log in {}", folder.string()), folder.string());
  };
  // read_write would make the files.
  if (!std::filesystem::exists(folder / "tree") || !std::filesystem::exists(folder / "heads"))
    return no_log();
  auto tree = AppendFile::open(folder / "tree", mode);
  if (!tree) return fail(std::move(tree.error()));
  auto heads = AppendFile::open(folder / "heads", mode);
  if (!heads) return fail(std::move(heads.error()));
  if (is_unfinished(tree->size(), heads->size())) return no_log();
  auto nodes = FileMapping::open(folder / "tree");
  if (!nodes) return fail(std::move(nodes.error()));
  MerkleLog log(std::move(*tree), std::move(*nodes), std::move(*heads), sync, tail);
  if (auto good = log.nodes_.cover(log.tree_.size()); !good) return fail(std::move(good.error()));
  if (auto good = log.read_header(); !good) return fail(std::move(good.error()));
  if (auto good = log.load_newest_head(); !good) return fail(std::move(good.error()));
  log.size_ = leaves_in((log.tree_.size() - kHeaderBytes) / kNodeBytes);
  if (log.size_ < log.head_.head.size)
    return log.corrupt(
        fmt::format("it has {} leaves, and its newest head says {}", log.size_, log.head_.head.size));
  if (tail == Tail::not_counted) log.size_ = log.head_.head.size;
  log.subtrees_ = log.subtrees_at(log.size_);
  if (auto good = log.check_tail(); !good) return fail(std::move(good.error()));
  return log;
}

result<MerkleLog> MerkleLog::open(const std::filesystem::path& folder, Sync sync, const PublicKey* expected) {
  auto log = read(folder, AppendFile::Mode::read_write, sync, Tail::counted);
  if (!log) return log;
  if (expected != nullptr && *expected != log->public_key_)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the log in {} belongs to {}, not to {}: give each key a folder of its own",
                            folder.string(), to_text(log->public_key_), to_text(*expected)),
                folder.string());
  // What is past the last complete leaf, or head, was never acknowledged.
  const std::uint64_t tree_bytes = kHeaderBytes + nodes_of(log->size_) * kNodeBytes;
  if (log->tree_.size() != tree_bytes)
    if (auto good = log->tree_.cut(tree_bytes); !good) return fail(std::move(good.error()));
  const std::uint64_t head_bytes = log->heads() * sizeof(HeadImage);
  if (log->heads_.size() != head_bytes)
    if (auto good = log->heads_.cut(head_bytes); !good) return fail(std::move(good.error()));
  return log;
}

result<MerkleLog> MerkleLog::open_read_only(const std::filesystem::path& folder, Tail tail) {
  return read(folder, AppendFile::Mode::read_only, Sync::on_checkpoint, tail);
}

result<void> MerkleLog::read_header() {
  if (tree_.size() < kHeaderBytes) return corrupt("the tree has no header");
  const auto header = tree_.read(0, kHeaderBytes);
  if (!header) return fail(header.error());
  if (!header->starts_with(kMagic)) return corrupt("the tree does not begin as one of this version");
  std::memcpy(id_.data(), header->data() + kMagic.size(), id_.size());
  std::memcpy(public_key_.data(), header->data() + kMagic.size() + id_.size(), public_key_.size());
  return {};
}

std::uint64_t MerkleLog::heads() const { return heads_.size() / sizeof(HeadImage); }

result<SignedTreeHead> MerkleLog::head_at(std::uint64_t position) const {
  const auto bytes = heads_.read(position * sizeof(HeadImage), sizeof(HeadImage));
  if (!bytes) return fail(bytes.error());
  HeadImage image;
  std::memcpy(&image, bytes->data(), sizeof image);
  SignedTreeHead signed_head{{id_, image.size, image.timestamp_ms, image.root}, image.signature};
  if (!verify_tree_head(signed_head, public_key_))
    return corrupt(fmt::format("the signature of head {} does not hold", position));
  return signed_head;
}

result<void> MerkleLog::load_newest_head() {
  if (heads() == 0) return corrupt("it has no head");
  auto newest = head_at(heads() - 1);
  if (!newest) return fail(std::move(newest.error()));
  head_ = *newest;
  return {};
}

std::vector<Digest> MerkleLog::subtrees_at(std::uint64_t tree_size) const {
  std::vector<Digest> subtrees;
  std::uint64_t begin = 0;
  for (int level = 63; level >= 0; --level) {
    if ((tree_size >> level & 1) == 0) continue;
    subtrees.push_back(node(level, begin >> level));
    begin += std::uint64_t{1} << level;
  }
  return subtrees;
}

// The newest head's root, and each node written after it.
result<void> MerkleLog::check_tail() {
  if (committed_root(head_.head.size) != head_.head.root)
    return corrupt("its nodes do not give the root of its newest head");
  std::vector<Digest> subtrees = subtrees_at(head_.head.size);
  return check_node_order(head_.head.size, size_, subtrees);
}

// Reads the nodes of leaves [first_leaf, end_leaf) in order; `subtrees` are those complete before, and after.
result<void> MerkleLog::check_node_order(std::uint64_t first_leaf, std::uint64_t end_leaf,
                                         std::vector<Digest>& subtrees) const {
  std::uint64_t offset = kHeaderBytes + nodes_of(first_leaf) * kNodeBytes;
  const std::uint64_t end = kHeaderBytes + nodes_of(end_leaf) * kNodeBytes;
  std::string block;
  std::size_t used = 0;
  const auto next = [&]() -> result<Digest> {
    if (used == block.size()) {
      auto read = tree_.read(offset, std::min<std::uint64_t>(kReadBlockBytes, end - offset));
      if (!read) return fail(std::move(read.error()));
      block = std::move(*read);
      used = 0;
    }
    Digest digest;
    std::memcpy(digest.data(), block.data() + used, kNodeBytes);
    used += kNodeBytes;
    offset += kNodeBytes;
    return digest;
  };
  for (std::uint64_t leaf = first_leaf; leaf < end_leaf; ++leaf) {
    auto hash = next();
    if (!hash) return fail(std::move(hash.error()));
    for (std::uint64_t bits = leaf; (bits & 1) != 0; bits >>= 1) {
      const auto stored = next();
      if (!stored) return fail(stored.error());
      if (*stored != merkle_node_hash(subtrees.back(), *hash))
        return corrupt(fmt::format("a node over leaf {} is not the hash of its children", leaf));
      hash = stored;
      subtrees.pop_back();
    }
    subtrees.push_back(*hash);
  }
  return {};
}

void MerkleLog::append(const Digest& leaf_hash) {
  pending_ += text_of(leaf_hash);
  Digest hash = leaf_hash;
  for (std::uint64_t bits = size_; (bits & 1) != 0; bits >>= 1) {
    hash = merkle_node_hash(subtrees_.back(), hash);
    subtrees_.pop_back();
    pending_ += text_of(hash);
  }
  subtrees_.push_back(hash);
  ++size_;
}

result<void> MerkleLog::commit() {
  if (!pending_.empty()) {
    if (auto good = tree_.append(pending_); !good) return good;
    pending_.clear();
    if (auto good = nodes_.cover(tree_.size()); !good) return good;
  }
  return sync_ == Sync::each_commit ? tree_.sync() : result<void>{};
}

result<SignedTreeHead> MerkleLog::sign_head(const SigningKey& key, std::uint64_t now_ms) {
  assert(key.public_key() == public_key_);
  if (auto good = commit(); !good) return fail(std::move(good.error()));
  return sign_tree_head({id_, size_, now_ms, root()}, key);
}

result<SignedTreeHead> MerkleLog::checkpoint(const SigningKey& key, std::uint64_t now_ms) {
  auto signed_head = sign_head(key, now_ms);
  if (!signed_head) return signed_head;
  // A head on disk promises the tree below it.
  if (auto good = sync_tree(); !good) return fail(std::move(good.error()));
  if (auto good = store_head(*signed_head); !good) return fail(std::move(good.error()));
  if (auto good = sync_heads(); !good) return fail(std::move(good.error()));
  return signed_head;
}

result<void> MerkleLog::store_head(const SignedTreeHead& signed_head) {
  const TreeHead& head = signed_head.head;
  assert(head.log_id == id_ && head.size >= head_.head.size && head.size <= size_);
  const HeadImage image{head.size, head.timestamp_ms, head.root, signed_head.signature};
  if (auto good = heads_.append({reinterpret_cast<const char*>(&image), sizeof image}); !good) return good;
  head_ = signed_head;
  return {};
}

// Reading past the file's end would end this process: after a commit that failed, or when somebody cut it.
result<void> MerkleLog::check_nodes_there() const {
  if (!pending_.empty() || nodes_.covered() < tree_.size())
    return fail(ErrorCode::unavailable, "the newest leaves of the log are not written: commit() first");
  const auto bytes = nodes_.file_size();
  if (!bytes) return fail(bytes.error());
  if (*bytes < tree_.size()) return corrupt("the tree became shorter");
  return {};
}

Digest MerkleLog::node(int level, std::uint64_t index) const {
  const std::uint64_t offset = node_offset(level, index);
  assert(offset + kNodeBytes <= tree_.size());
  Digest digest;
  std::memcpy(digest.data(), nodes_.bytes() + offset, kNodeBytes);
  return digest;
}

result<Digest> MerkleLog::leaf(std::uint64_t index) const {
  if (auto good = check_nodes_there(); !good) return fail(std::move(good.error()));
  return node(0, index);
}

Digest MerkleLog::range_hash(std::uint64_t begin, std::uint64_t end) const {
  const std::uint64_t size = end - begin;
  if (std::has_single_bit(size)) {
    const int level = std::countr_zero(size);
    return node(level, begin >> level);
  }
  const std::uint64_t middle = begin + merkle_split(size);
  return merkle_node_hash(range_hash(begin, middle), range_hash(middle, end));
}

Digest MerkleLog::committed_root(std::uint64_t tree_size) const {
  return tree_size == 0 ? merkle_empty_root() : range_hash(0, tree_size);
}

Digest MerkleLog::root() const {
  if (size_ == 0) return merkle_empty_root();
  Digest hash = subtrees_.back();
  for (auto subtree = subtrees_.rbegin() + 1; subtree != subtrees_.rend(); ++subtree)
    hash = merkle_node_hash(*subtree, hash);
  return hash;
}

result<Digest> MerkleLog::root_at(std::uint64_t tree_size) const {
  assert(tree_size <= size_);
  if (auto good = check_nodes_there(); !good) return fail(std::move(good.error()));
  return committed_root(tree_size);
}

result<std::vector<Digest>> MerkleLog::inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const {
  assert(index < tree_size && tree_size <= size_);
  if (auto good = check_nodes_there(); !good) return fail(std::move(good.error()));
  std::vector<Digest> path;
  path.reserve(static_cast<std::size_t>(std::bit_width(tree_size)));
  std::uint64_t begin = 0;
  std::uint64_t end = tree_size;
  while (end - begin > 1) {
    const std::uint64_t middle = begin + merkle_split(end - begin);
    const bool left = index < middle;
    path.push_back(left ? range_hash(middle, end) : range_hash(begin, middle));
    (left ? end : begin) = middle;
  }
  std::reverse(path.begin(), path.end());
  const Digest expected = tree_size == size_ ? root() : committed_root(tree_size);
  if (!verify_inclusion(node(0, index), index, tree_size, path, expected))
    return corrupt(fmt::format("the path of leaf {} does not lead to the root", index));
  return path;
}

result<std::vector<Digest>> MerkleLog::consistency_proof(std::uint64_t old_size,
                                                         std::uint64_t new_size) const {
  assert(old_size <= new_size && new_size <= size_);
  std::vector<Digest> proof;
  if (old_size == 0 || old_size == new_size) return proof;
  if (auto good = check_nodes_there(); !good) return fail(std::move(good.error()));
  std::uint64_t begin = 0;
  std::uint64_t end = new_size;
  while (end != old_size) {
    const std::uint64_t middle = begin + merkle_split(end - begin);
    const bool left = old_size <= middle;
    proof.push_back(left ? range_hash(middle, end) : range_hash(begin, middle));
    (left ? end : begin) = middle;
  }
  if (begin != 0) proof.push_back(range_hash(begin, end));
  std::reverse(proof.begin(), proof.end());
  if (!verify_consistency(old_size, committed_root(old_size), new_size, committed_root(new_size), proof))
    return corrupt(fmt::format("the trees of {} and {} leaves do not fit each other", old_size, new_size));
  return proof;
}

result<void> MerkleLog::audit() const {
  assert(pending_.empty());
  if (tail_ == Tail::counted) {
    if (tree_.size() != kHeaderBytes + nodes_of(size_) * kNodeBytes)
      return corrupt("the tree ends in the middle of a leaf's nodes");
    if (heads_.size() % sizeof(HeadImage) != 0) return corrupt("the heads end in the middle of one");
  }
  std::vector<Digest> subtrees;
  if (auto good = check_node_order(0, size_, subtrees); !good) return good;
  std::uint64_t last_size = 0;
  for (std::uint64_t i = 0; i < heads(); ++i) {
    const auto signed_head = head_at(i);
    if (!signed_head) return fail(signed_head.error());
    const TreeHead& head = signed_head->head;
    if (head.size < last_size || head.size > size_)
      return corrupt(fmt::format("head {} is of {} leaves, which cannot be", i, head.size));
    const auto root = root_at(head.size);
    if (!root) return fail(root.error());
    if (*root != head.root) return corrupt(fmt::format("the tree does not have the root of head {}", i));
    last_size = head.size;
  }
  return {};
}

}  // namespace sovereign::crypto
