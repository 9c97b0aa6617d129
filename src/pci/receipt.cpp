#include "pci/receipt.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/canonical_writer.h"
#include "pci/hex.h"
#include "pci/receipt_fields.h"

namespace sovereign::pci {
namespace {

using crypto::CanonicalWriter;

std::string_view text_of(const crypto::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

// Members in canonical order, as the writer asserts.
void write_content(CanonicalWriter& out, const ReceiptContent& content) {
  const auto text = [&out](std::string_view key, std::string_view value) {
    out.key(key);
    out.string(value);
  };
  const auto number = [&out](std::string_view key, std::uint64_t value) {
    out.key(key);
    out.integer(static_cast<std::int64_t>(value));
  };
  out.begin_object();
  text("answer_digest", hex_of(content.answer_digest));
  text("engine", content.engine);
  text("id", content.id);
  number("issued_ms", content.issued_ms);
  text("issuer", crypto::to_text(content.issuer));
  out.key("model");
  out.begin_object();
  text("digest", hex_of(content.model_digest));
  text("name", content.model_name);
  out.end_object();
  text("previous", hex_of(content.previous));
  text("query_digest", hex_of(content.query_digest));
  number("received_ms", content.received_ms);
  out.key("sampling");
  out.begin_object();
  for (const auto& [name, value] : content.sampling) text(name, value);
  out.end_object();
  out.key("scores");
  out.begin_object();
  for (const std::size_t i : dimensions_by_name())
    if (content.scores[i] != kScoreUnmeasured)
      number(to_string(static_cast<omega::Dimension>(i)), content.scores[i]);
  out.end_object();
  number("sequence", content.sequence);
  number("version", 1);
  out.end_object();
}

void write_position(CanonicalWriter& out, const LogPosition& position) {
  out.begin_object();
  out.key("head");
  write_head(out, position.head);
  out.key("index");
  out.integer(static_cast<std::int64_t>(position.index));
  out.key("path");
  out.begin_array();
  for (const crypto::Digest& sibling : position.path) out.string(hex_of(sibling));
  out.end_array();
  out.end_object();
}

}  // namespace

crypto::Digest salted_digest(SaltedText what, const Salt& salt, std::string_view text) {
  crypto::DomainHasher hash({what == SaltedText::query ? "query" : "answer", 1});
  hash.write_sized({reinterpret_cast<const char*>(salt.data()), salt.size()});
  hash.write_sized(text);
  return hash.finish();
}

bool is_sampling_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

std::string canonical_text(const ReceiptContent& content) {
  std::string text;
  crypto::StringSink sink(text);
  CanonicalWriter out(sink);
  write_content(out, content);
  out.finish();
  return text;
}

crypto::Digest digest_of(const ReceiptContent& content) {
  crypto::DomainHasher hash(kReceiptDomain);
  CanonicalWriter out(hash);
  write_content(out, content);
  out.finish();
  return hash.finish();
}

FreshReceipt sign_receipt(ReceiptContent content, const crypto::SigningKey& key) {
  content.issuer = key.public_key();
  FreshReceipt fresh;
  const std::string text = canonical_text(content);
  fresh.digest = crypto::digest_of(kReceiptDomain, text);
  fresh.receipt = {std::move(content), key.sign(text_of(fresh.digest))};
  // The members of an entry in canonical order.
  fresh.entry = fmt::format(R"({{"content":{},"signature":"{}"}})", text, hex_of(fresh.receipt.signature));
  return fresh;
}

bool signature_holds(const SignedReceipt& receipt) {
  const crypto::Digest digest = digest_of(receipt.content);
  return crypto::ed25519::verify({text_of(digest), &receipt.content.issuer, &receipt.signature});
}

std::string entry_text(const SignedReceipt& receipt) {
  std::string text;
  crypto::StringSink sink(text);
  CanonicalWriter out(sink);
  out.begin_object();
  out.key("content");
  write_content(out, receipt.content);
  out.key("signature");
  out.string(hex_of(receipt.signature));
  out.end_object();
  out.finish();
  return text;
}

result<SignedReceipt> receipt_from_entry(std::string_view text) {
  const auto document = crypto::JsonDocument::parse(text);
  if (!document) return fail(ErrorCode::corrupt, document.error().message);
  FieldReader fields(document->root(), "receipt");
  SignedReceipt receipt{read_content(fields.member("content")), fields.bytes<64>("signature")};
  fields.done();
  if (fields.error()) return fail(ErrorCode::corrupt, *fields.error());
  if (entry_text(receipt) != text) return fail(ErrorCode::corrupt, "the entry is not canonical JSON");
  return receipt;
}

std::string to_json(const ReceiptFile& file) {
  std::string text;
  crypto::StringSink sink(text);
  CanonicalWriter out(sink);
  out.begin_object();
  out.key("content");
  write_content(out, file.receipt.content);
  out.key("log");
  write_position(out, file.position);
  if (file.openings.query_salt || file.openings.answer_salt) {
    out.key("openings");
    out.begin_object();
    if (file.openings.answer_salt) {
      out.key("answer_salt");
      out.string(hex_of(*file.openings.answer_salt));
    }
    if (file.openings.query_salt) {
      out.key("query_salt");
      out.string(hex_of(*file.openings.query_salt));
    }
    out.end_object();
  }
  out.key("signature");
  out.string(hex_of(file.receipt.signature));
  out.end_object();
  out.finish();
  return text;
}

result<ReceiptFile> receipt_from_json(std::string_view text) {
  const auto document = crypto::JsonDocument::parse(text);
  if (!document) return fail(ErrorCode::invalid_argument, document.error().message);
  FieldReader fields(document->root(), "receipt");
  ReceiptFile file;
  file.receipt.content = read_content(fields.member("content"));
  file.position = read_position(fields.member("log"));
  if (fields.has("openings")) {
    FieldReader openings = fields.member("openings");
    if (openings.has("answer_salt")) file.openings.answer_salt = openings.bytes<32>("answer_salt");
    if (openings.has("query_salt")) file.openings.query_salt = openings.bytes<32>("query_salt");
    openings.done();
  }
  file.receipt.signature = fields.bytes<64>("signature");
  fields.done();
  if (fields.error()) return fail(ErrorCode::invalid_argument, *fields.error());
  return file;
}

}  // namespace sovereign::pci
