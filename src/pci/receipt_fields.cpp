#include "pci/receipt_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace sovereign::pci {

using crypto::JsonKind;
using crypto::JsonView;

FieldReader::FieldReader(const JsonView& object, std::string where)
    : where_(std::move(where)), error_(std::make_shared<std::optional<std::string>>()) {
  if (object.kind() == JsonKind::object) {
    object_ = object;
  } else {
    *error_ = fmt::format("the {} is not a JSON object", where_);
  }
}

void FieldReader::refuse(std::string_view key, const std::string& what) {
  if (!*error_) *error_ = fmt::format("{}: '{}' {}", where_, key, what);
  object_.reset();
}

bool FieldReader::has(std::string_view key) const { return object_ && object_->find(key); }

std::optional<JsonView> FieldReader::find(std::string_view key, JsonKind kind, std::string_view wanted) {
  if (!object_) return {};
  const auto value = object_->find(key);
  if (!value) {
    refuse(key, "is missing");
    return {};
  }
  if (value->kind() != kind) {
    refuse(key, fmt::format("is not {}", wanted));
    return {};
  }
  ++asked_;
  return value;
}

std::string FieldReader::text(std::string_view key) {
  const auto value = find(key, JsonKind::string, "a string");
  return value ? std::string(value->string()) : std::string();
}

std::uint64_t FieldReader::integer(std::string_view key) {
  const auto value = find(key, JsonKind::number, "a number");
  if (!value) return 0;
  const double number = value->number();
  if (value->is_plain_integer() && number < 0x1p53) return static_cast<std::uint64_t>(number);
  refuse(key, "is not a whole number under 2^53 in plain digits");
  return 0;
}

crypto::PublicKey FieldReader::public_key(std::string_view key) {
  const std::string spelling = text(key);
  const auto read = crypto::public_key_from_text(spelling);
  if (read && crypto::to_text(*read) == spelling) return *read;
  refuse(key, "is not 'ed25519:' and 64 lower-case hexadecimal digits");
  return {};
}

std::vector<crypto::Digest> FieldReader::digests(std::string_view key) {
  std::vector<crypto::Digest> all;
  const auto array = find(key, JsonKind::array, "an array");
  if (!array) return all;
  for (const JsonView& element : array->elements()) {
    const auto digest =
        element.kind() == JsonKind::string ? bytes_from_hex<32>(element.string()) : std::nullopt;
    if (!digest) {
      refuse(key, "holds something other than 64 hexadecimal digits");
      return {};
    }
    all.push_back(*digest);
  }
  return all;
}

FieldReader FieldReader::member(std::string_view key) {
  return {find(key, JsonKind::object, "an object"), std::string(key), error_};
}

std::vector<std::string> FieldReader::keys() const {
  std::vector<std::string> all;
  for (std::size_t i = 0; object_ && i < object_->size(); ++i) all.emplace_back(object_->key(i));
  return all;
}

void FieldReader::done() {
  if (object_ && asked_ != object_->size() && !*error_)
    *error_ = fmt::format("the {} has members that version 1 does not know", where_);
}

const std::array<std::size_t, omega::kDimensions>& dimensions_by_name() {
  static const auto order = [] {
    std::array<std::size_t, omega::kDimensions> indices;
    std::iota(indices.begin(), indices.end(), 0);
    const auto name = [](std::size_t i) { return to_string(static_cast<omega::Dimension>(i)); };
    std::sort(indices.begin(), indices.end(),
              [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
    return indices;
  }();
  return order;
}

namespace {

Scores read_scores(FieldReader fields) {
  Scores scores = kNoScores;
  for (const std::size_t i : dimensions_by_name()) {
    const std::string_view name = to_string(static_cast<omega::Dimension>(i));
    if (!fields.has(name)) continue;
    const std::uint64_t score = fields.integer(name);
    if (score > kScoreOne) fields.refuse(name, "is over 10000");
    scores[i] = static_cast<std::uint16_t>(score);
  }
  fields.done();
  return scores;
}

}  // namespace

ReceiptContent read_content(FieldReader fields) {
  ReceiptContent content;
  content.answer_digest = fields.bytes<32>("answer_digest");
  content.engine = fields.text("engine");
  content.id = fields.text("id");
  content.issued_ms = fields.integer("issued_ms");
  content.issuer = fields.public_key("issuer");
  FieldReader model = fields.member("model");
  content.model_digest = model.bytes<32>("digest");
  content.model_name = model.text("name");
  model.done();
  content.previous = fields.bytes<32>("previous");
  content.query_digest = fields.bytes<32>("query_digest");
  content.received_ms = fields.integer("received_ms");
  FieldReader sampling = fields.member("sampling");
  for (const std::string& name : sampling.keys()) {
    if (!is_sampling_name(name)) sampling.refuse(name, "is not 1 to 64 of a-z 0-9 _");
    content.sampling[name] = sampling.text(name);
  }
  content.scores = read_scores(fields.member("scores"));
  content.sequence = fields.integer("sequence");
  if (fields.integer("version") != 1) fields.refuse("version", "is not 1");
  fields.done();
  return content;
}

crypto::SignedTreeHead read_head(FieldReader fields) {
  crypto::SignedTreeHead head;
  head.head.log_id = fields.bytes<16>("log_id");
  head.head.root = fields.bytes<32>("root");
  head.signature = fields.bytes<64>("signature");
  head.head.size = fields.integer("size");
  head.head.timestamp_ms = fields.integer("timestamp_ms");
  fields.done();
  return head;
}

void write_head(crypto::CanonicalWriter& out, const crypto::SignedTreeHead& head) {
  const auto text = [&out](std::string_view key, std::string_view value) {
    out.key(key);
    out.string(value);
  };
  out.begin_object();
  text("log_id", hex_of(head.head.log_id));
  text("root", hex_of(head.head.root));
  text("signature", hex_of(head.signature));
  out.key("size");
  out.integer(static_cast<std::int64_t>(head.head.size));
  out.key("timestamp_ms");
  out.integer(static_cast<std::int64_t>(head.head.timestamp_ms));
  out.end_object();
}

LogPosition read_position(FieldReader fields) {
  LogPosition position;
  position.head = read_head(fields.member("head"));
  position.index = fields.integer("index");
  position.path = fields.digests("path");
  fields.done();
  return position;
}

}  // namespace sovereign::pci
