#include "crypto/canonical_json.h"

#include "crypto/canonical_writer.h"

namespace sovereign::crypto {
namespace {

void write_canonical(const JsonView& view, ByteSink& sink) {
  CanonicalWriter writer(sink);
  writer.value(view);
  writer.finish();
}

}  // namespace

result<void> canonicalize(std::string_view text, ByteSink& sink, const JsonLimits& limits) {
  const auto document = JsonDocument::parse(text, limits);
  if (!document) return fail(document.error());
  write_canonical(document->root(), sink);
  return {};
}

result<std::string> canonicalize(std::string_view text, const JsonLimits& limits) {
  std::string out;
  out.reserve(text.size());
  StringSink sink(out);
  if (auto done = canonicalize(text, sink, limits); !done) return fail(std::move(done.error()));
  return out;
}

result<std::string_view> Canonicalizer::canonicalize(std::string_view text, const JsonLimits& limits) {
  if (auto done = document_.assign(text, limits); !done) return fail(std::move(done.error()));
  out_.clear();
  StringSink sink(out_);
  write_canonical(document_.root(), sink);
  return out_;
}

std::string canonical_text(const JsonView& view) {
  std::string out;
  StringSink sink(out);
  write_canonical(view, sink);
  return out;
}

}  // namespace sovereign::crypto
