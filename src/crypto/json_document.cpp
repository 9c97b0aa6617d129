#include "crypto/json_document.h"

#include <algorithm>
#include <cassert>
#include <charconv>

#include "crypto/json_parser.h"
#include "crypto/utf8.h"

namespace sovereign::crypto {

std::string_view to_string(JsonKind kind) {
  switch (kind) {
    case JsonKind::null: return "null";
    case JsonKind::boolean: return "boolean";
    case JsonKind::number: return "number";
    case JsonKind::string: return "string";
    case JsonKind::array: return "array";
    case JsonKind::object: return "object";
  }
  return "unknown";
}

result<JsonDocument> JsonDocument::parse(std::string_view text, const JsonLimits& limits) {
  JsonDocument document;
  if (auto done = document.assign(text, limits); !done) return fail(std::move(done.error()));
  return document;
}

result<void> JsonDocument::assign(std::string_view text, const JsonLimits& limits) {
  const auto clear = [this] {
    decoded_.clear();
    nodes_.clear();
    order_.clear();
  };
  clear();
  text_ = text;
  if (auto error = JsonParser(*this, limits).run()) {
    clear();
    return fail(std::move(*error));
  }
  return {};
}

JsonView JsonDocument::root() const {
  assert(!nodes_.empty());
  return {*this, 0};
}

bool JsonView::boolean() const {
  assert(kind() == JsonKind::boolean);
  return node().boolean;
}

double JsonView::number() const {
  assert(kind() == JsonKind::number);
  if (!node().verbatim) return node().number;
  const char* text = document_->text_.data() + node().span.offset;
  double value = 0;
  std::from_chars(text, text + node().span.size, value);
  return value;
}

bool JsonView::is_plain_integer() const {
  assert(kind() == JsonKind::number);
  if (!node().verbatim) return false;
  const std::string_view text(document_->text_.data() + node().span.offset, node().span.size);
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view JsonView::string_at(std::uint32_t index) const {
  const JsonDocument::Node& node = document_->nodes_[index];
  assert(node.kind == JsonKind::string);
  const char* base = node.verbatim ? document_->text_.data() : document_->decoded_.data();
  return {base + node.span.offset, node.span.size};
}

std::string_view JsonView::string() const { return string_at(node_); }

std::size_t JsonView::size() const {
  assert(kind() == JsonKind::array || kind() == JsonKind::object);
  return node().members.size;
}

std::vector<JsonView> JsonView::elements() const {
  assert(kind() == JsonKind::array);
  std::vector<JsonView> views;
  views.reserve(size());
  for (std::uint32_t i = node_ + 1; i != node().next; i = document_->nodes_[i].next)
    views.emplace_back(*document_, i);
  return views;
}

std::string_view JsonView::key(std::size_t i) const {
  assert(kind() == JsonKind::object && i < size());
  return string_at(document_->order_[node().members.offset + i]);
}

JsonView JsonView::value(std::size_t i) const {
  assert(kind() == JsonKind::object && i < size());
  return {*document_, document_->order_[node().members.offset + i] + 1};
}

std::optional<JsonView> JsonView::find(std::string_view key_text) const {
  std::size_t low = 0;
  std::size_t high = size();
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = compare_utf16(key(middle), key_text);
    if (order == 0) return value(middle);
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return std::nullopt;
}

}  // namespace sovereign::crypto
