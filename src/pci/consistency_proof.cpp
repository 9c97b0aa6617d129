#include "pci/consistency_proof.h"

#include "crypto/canonical_writer.h"
#include "pci/hex.h"
#include "pci/receipt_fields.h"

namespace sovereign::pci {
namespace {

constexpr std::string_view kObject = "sovereign.consistency";

}  // namespace

std::string to_json(const ConsistencyProof& proof) {
  std::string text;
  crypto::StringSink sink(text);
  crypto::CanonicalWriter out(sink);
  out.begin_object();
  out.key("from");
  out.integer(static_cast<std::int64_t>(proof.from_size));
  out.key("head");
  write_head(out, proof.head);
  out.key("object");
  out.string(kObject);
  out.key("path");
  out.begin_array();
  for (const crypto::Digest& digest : proof.path) out.string(hex_of(digest));
  out.end_array();
  out.key("to");
  out.integer(static_cast<std::int64_t>(proof.to_size));
  out.end_object();
  out.finish();
  return text;
}

result<ConsistencyProof> consistency_from_json(std::string_view text) {
  const auto document = crypto::JsonDocument::parse(text);
  if (!document) return fail(ErrorCode::invalid_argument, document.error().message);
  FieldReader fields(document->root(), "consistency proof");
  ConsistencyProof proof;
  proof.from_size = fields.integer("from");
  proof.head = read_head(fields.member("head"));
  if (fields.text("object") != kObject) fields.refuse("object", "is not 'sovereign.consistency'");
  proof.path = fields.digests("path");
  proof.to_size = fields.integer("to");
  fields.done();
  if (fields.error()) return fail(ErrorCode::invalid_argument, *fields.error());
  return proof;
}

}  // namespace sovereign::pci
