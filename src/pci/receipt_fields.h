// Reads the parts of receipts and of what is shown with them from parsed JSON, and writes those that they
// share.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/canonical_writer.h"
#include "crypto/json_document.h"
#include "pci/hex.h"
#include "pci/receipt.h"

namespace sovereign::pci {

// The members of one object. The first that is missing or of the wrong form becomes the error, which readers
// of nested objects share; after it, everything reads as empty.
class FieldReader {
 public:
  FieldReader(const crypto::JsonView& object, std::string where);

  bool has(std::string_view key) const;
  std::string text(std::string_view key);
  std::uint64_t integer(std::string_view key);  // under 2^53
  crypto::PublicKey public_key(std::string_view key);
  std::vector<crypto::Digest> digests(std::string_view key);
  FieldReader member(std::string_view key);
  template <std::size_t size>
  std::array<std::byte, size> bytes(std::string_view key) {
    const auto read = bytes_from_hex<size>(text(key));
    if (!read) refuse(key, "is not " + std::to_string(2 * size) + " lower-case hexadecimal digits");
    return read.value_or(std::array<std::byte, size>{});
  }
  std::vector<std::string> keys() const;
  void refuse(std::string_view key, const std::string& what);
  // Refuses members that nobody asked for.
  void done();

  const std::optional<std::string>& error() const { return *error_; }

 private:
  FieldReader(std::optional<crypto::JsonView> object, std::string where,
              std::shared_ptr<std::optional<std::string>> error)
      : object_(object), where_(std::move(where)), error_(std::move(error)) {}
  std::optional<crypto::JsonView> find(std::string_view key, crypto::JsonKind kind, std::string_view wanted);

  std::optional<crypto::JsonView> object_;  // none after an error
  std::string where_;
  std::shared_ptr<std::optional<std::string>> error_;
  std::size_t asked_ = 0;
};

ReceiptContent read_content(FieldReader fields);
LogPosition read_position(FieldReader fields);
// Of a signed head of the log: {"log_id", "root", "signature", "size", "timestamp_ms"}.
crypto::SignedTreeHead read_head(FieldReader fields);
void write_head(crypto::CanonicalWriter& out, const crypto::SignedTreeHead& head);

// Indices of omega::Dimension in the order of their names.
const std::array<std::size_t, omega::kDimensions>& dimensions_by_name();

}  // namespace sovereign::pci
