#include "pci/receipt_log.h"

#include <fmt/format.h>
#include <sodium.h>

#include <cassert>
#include <cstring>

namespace sovereign::pci {
namespace {

constexpr std::uint64_t kOffsetBytes = 8;
constexpr std::uint64_t kMostLineBytes = std::uint64_t{1} << 20;
constexpr std::size_t kVerifiedTogether = 256;

}  // namespace

tl::unexpected<Error> ReceiptLog::corrupt(std::string_view what) const {
  const std::string folder = lines_.path().parent_path().string();
  return fail(ErrorCode::corrupt, fmt::format("the receipt log in {} is damaged: {}", folder, what), folder);
}

result<ReceiptLog> ReceiptLog::open(const std::filesystem::path& folder, const crypto::SigningKey& key,
                                    std::uint64_t now_ms, Sync sync) {
  auto tree = crypto::MerkleLog::open(folder, sync, &key.public_key());
  if (!tree && tree.error().code == ErrorCode::not_found)
    tree = crypto::MerkleLog::create(folder, key, now_ms, sync);
  if (!tree) return fail(std::move(tree.error()));
  auto log = read_folder(folder, std::move(*tree), AppendFile::Mode::read_write, sync, Tail::counted);
  if (!log) return log;
  // Lines and offsets without leaf were never acknowledged.
  const auto end = log->end_of_line(log->size());
  if (!end) return fail(end.error());
  if (auto good = log->offsets_.cut(log->size() * kOffsetBytes); !good) return fail(std::move(good.error()));
  if (auto good = log->lines_.cut(*end); !good) return fail(std::move(good.error()));
  return log;
}

result<ReceiptLog> ReceiptLog::open_read_only(const std::filesystem::path& folder, Tail tail) {
  auto tree = crypto::MerkleLog::open_read_only(folder, tail);
  if (!tree) return fail(std::move(tree.error()));
  return read_folder(folder, std::move(*tree), AppendFile::Mode::read_only, Sync::on_checkpoint, tail);
}

result<ReceiptLog> ReceiptLog::read_folder(const std::filesystem::path& folder, crypto::MerkleLog tree,
                                           AppendFile::Mode mode, Sync sync, Tail tail) {
  auto lines = AppendFile::open(folder / "receipts.jsonl", mode);
  if (!lines) return fail(std::move(lines.error()));
  auto offsets = AppendFile::open(folder / "offsets", mode);
  if (!offsets) return fail(std::move(offsets.error()));
  ReceiptLog log(std::move(tree), std::move(*lines), std::move(*offsets), sync, tail);
  if (auto good = log.check_tail(); !good) return fail(std::move(good.error()));
  return log;
}

// Where line `index` begins, which is where the one before it ends.
result<std::uint64_t> ReceiptLog::end_of_line(std::uint64_t index) const {
  if (index == 0) return 0;
  std::uint64_t end = 0;
  std::array<std::byte, kOffsetBytes> bytes;
  if (auto good = offsets_.read((index - 1) * kOffsetBytes, bytes); !good)
    return fail(std::move(good.error()));
  std::memcpy(&end, bytes.data(), sizeof end);
  return end;
}

result<std::string> ReceiptLog::line(std::uint64_t index) const {
  const auto begin = end_of_line(index);
  if (!begin) return fail(begin.error());
  const auto end = end_of_line(index + 1);
  if (!end) return fail(end.error());
  if (*end <= *begin || *end - *begin > kMostLineBytes || *end > lines_.size())
    return corrupt(fmt::format("the offsets of line {} cannot be", index));
  auto text = lines_.read(*begin, *end - *begin);
  if (!text) return text;
  if (text->back() != '\n') return corrupt(fmt::format("line {} does not end where it should", index));
  text->pop_back();
  const auto leaf = tree_.leaf(index);
  if (!leaf) return fail(leaf.error());
  if (crypto::merkle_leaf_hash(*text) != *leaf)
    return corrupt(fmt::format("line {} is not what was logged", index));
  return text;
}

// The lines that no stored head covers, and the newest one.
result<void> ReceiptLog::check_tail() {
  if (offsets_.size() / kOffsetBytes < size())
    return corrupt("the tree has more leaves than there are lines");
  for (std::uint64_t i = tree_.head().head.size; i < size(); ++i)
    if (const auto text = line(i); !text) return fail(text.error());
  if (size() == 0) return {};
  const auto newest = read(size() - 1);
  if (!newest) return fail(newest.error());
  newest_digest_ = digest_of(newest->content);
  return {};
}

result<SignedReceipt> ReceiptLog::read(std::uint64_t index) const {
  if (index >= size())
    return fail(ErrorCode::not_found, fmt::format("there are {} receipts, and no number {}", size(), index));
  const auto text = line(index);
  if (!text) return fail(text.error());
  return receipt_from_entry(*text);
}

result<void> ReceiptLog::append(const FreshReceipt& fresh) {
  const ReceiptContent& content = fresh.receipt.content;
  assert(content.sequence == size() && content.previous == newest_digest_);
  if (fresh.entry.size() >= kMostLineBytes)
    return fail(ErrorCode::invalid_argument, "a receipt has at most 1 MiB");
  const crypto::Digest leaf = crypto::merkle_leaf_hash(fresh.entry);
  const std::string text = fresh.entry + '\n';
  // An append that fails after this one leaves a line without leaf, which must not stay before the next.
  const std::uint64_t lines_before = lines_.size();
  if (auto good = lines_.append(text); !good) return good;
  const std::uint64_t end = lines_.size();
  const auto undo = [&](result<void> failed) -> result<void> {
    if (auto cut = lines_.cut(lines_before); !cut) return cut;
    if (auto cut = offsets_.cut(size() * kOffsetBytes); !cut) return cut;
    return failed;
  };
  if (auto good = offsets_.append({reinterpret_cast<const char*>(&end), sizeof end}); !good)
    return undo(good);
  if (sync_ == Sync::each_commit) {
    if (auto good = lines_.sync(); !good) return undo(good);
    if (auto good = offsets_.sync(); !good) return undo(good);
  }
  tree_.append(leaf);
  newest_digest_ = fresh.digest;
  // When this fails the leaf is in memory, so the line stays: the next commit writes it.
  return tree_.commit();
}

result<LogPosition> ReceiptLog::position(std::uint64_t index, const crypto::SigningKey& key,
                                         std::uint64_t now_ms) {
  LogPosition position;
  position.index = index;
  auto head = tree_.sign_head(key, now_ms);
  if (!head) return fail(std::move(head.error()));
  position.head = *head;
  auto path = tree_.inclusion_proof(index, head->head.size);
  if (!path) return fail(std::move(path.error()));
  position.path = std::move(*path);
  return position;
}

result<LogPosition> ReceiptLog::stored_position(std::uint64_t index) const {
  LogPosition position;
  position.index = index;
  position.head = tree_.head();
  auto path = tree_.inclusion_proof(index, position.head.head.size);
  if (!path) return fail(std::move(path.error()));
  position.path = std::move(*path);
  return position;
}

result<void> ReceiptLog::sync_written() {
  if (auto good = lines_.sync(); !good) return good;
  if (auto good = offsets_.sync(); !good) return good;
  return tree_.sync_tree();
}

result<void> ReceiptLog::checkpoint(const crypto::SigningKey& key, std::uint64_t now_ms) {
  if (auto good = sync_written(); !good) return good;
  auto head = tree_.checkpoint(key, now_ms);
  if (!head) return fail(std::move(head.error()));
  return {};
}

result<void> ReceiptLog::audit() const {
  if (auto good = tree_.audit(); !good) return good;
  if (tail_ == Tail::counted) {
    if (offsets_.size() != size() * kOffsetBytes) return corrupt("there are offsets without leaves");
    const auto end = end_of_line(size());
    if (!end) return fail(end.error());
    if (lines_.size() != *end) return corrupt("there are lines without leaves");
  }
  crypto::Digest previous{};
  std::vector<SignedReceipt> receipts;
  std::vector<crypto::Digest> digests;
  const auto signatures_hold = [&]() -> result<void> {
    std::vector<crypto::ed25519::SignedMessage> messages;
    for (std::size_t i = 0; i < receipts.size(); ++i)
      messages.push_back({{reinterpret_cast<const char*>(digests[i].data()), digests[i].size()},
                          &receipts[i].content.issuer,
                          &receipts[i].signature});
    crypto::ed25519::BatchSeed seed;
    randombytes_buf(seed.data(), seed.size());
    const std::vector<bool> good = crypto::ed25519::verify_batch(messages, seed);
    for (std::size_t i = 0; i < receipts.size(); ++i)
      if (!good[i])
        return corrupt(
            fmt::format("the signature of receipt {} does not hold", receipts[i].content.sequence));
    receipts.clear();
    digests.clear();
    return {};
  };
  for (std::uint64_t i = 0; i < size(); ++i) {
    auto receipt = read(i);
    if (!receipt) return fail(std::move(receipt.error()));
    const ReceiptContent& content = receipt->content;
    if (content.sequence != i || content.previous != previous || content.issuer != tree_.public_key())
      return corrupt(fmt::format("receipt {} does not follow the one before it", i));
    previous = digest_of(content);
    digests.push_back(previous);
    receipts.push_back(std::move(*receipt));
    if (receipts.size() == kVerifiedTogether || i + 1 == size())
      if (auto good = signatures_hold(); !good) return good;
  }
  return {};
}

}  // namespace sovereign::pci
