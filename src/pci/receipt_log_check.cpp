#include "pci/receipt_log_check.h"

#include <fmt/format.h>

#include <utility>

namespace sovereign::pci {
namespace {

result<ReceiptCheck> check_line(const ReceiptFile& file, const ReceiptLog& log) {
  const std::uint64_t index = file.position.index;
  const auto no = [](std::string reason) { return ReceiptCheck{"log_line", false, std::move(reason)}; };
  if (index >= log.size())
    return no(fmt::format("The log has {} receipts and lacks this one, number {}: it was cut back.",
                          log.size(), index));
  const auto logged = log.read(index);
  if (!logged) return fail(logged.error());
  if (entry_text(*logged) != entry_text(file.receipt))
    return no(fmt::format("The log has another receipt as number {}.", index));
  return ReceiptCheck{"log_line", true, fmt::format("The log has this receipt as number {}.", index)};
}

result<ReceiptCheck> check_root(const crypto::TreeHead& head, const crypto::MerkleLog& tree) {
  const auto no = [](std::string reason) { return ReceiptCheck{"log_root", false, std::move(reason)}; };
  if (head.log_id != tree.id()) return no("The receipt's head is of a log with another id.");
  if (head.size > tree.size())
    return no(fmt::format("The log has {} receipts, and its keeper signed a head of {}: it was cut back.",
                          tree.size(), head.size));
  const auto root = tree.root_at(head.size);
  if (!root) return fail(root.error());
  if (*root != head.root)
    return no("The log does not have the root that its keeper signed: it was rewritten.");
  return ReceiptCheck{"log_root", true,
                      fmt::format("The log's first {} receipts are those of the receipt's head.", head.size)};
}

}  // namespace

result<std::vector<ReceiptCheck>> check_in_log(const ReceiptFile& file, const ReceiptLog& log) {
  auto root = check_root(file.position.head.head, log.tree());
  if (!root) return fail(std::move(root.error()));
  auto line = check_line(file, log);
  if (!line) return fail(std::move(line.error()));
  return std::vector<ReceiptCheck>{std::move(*root), std::move(*line)};
}

}  // namespace sovereign::pci
