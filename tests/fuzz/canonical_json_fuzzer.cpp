// Any bytes: never a crash; what is accepted is stable, and all ways to its digest agree.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "crypto/canonical_json.h"
#include "crypto/digest.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sovereign::crypto;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto once = canonicalize(text);
  const auto digest = digest_of_json({"fuzz", 1}, text);
  require(once.has_value() == digest.has_value());
  if (!once) return 0;
  const auto twice = canonicalize(*once, {.large_integers = LargeIntegers::canonical_spelling});
  require(twice && *twice == *once);
  require(*digest == digest_of({"fuzz", 1}, *once));
  return 0;
}
