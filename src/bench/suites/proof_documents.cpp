#include "bench/suites/proof_documents.h"

#include <fmt/format.h>

#include <random>

#include "bench/random.h"

namespace sovereign::bench {
namespace {

constexpr const char* kWords[] = {"model",   "answer",    "receipt",    "quorum", "verdict",
                                  "context", "caf\u00e9", "weights",    "token",  "\u6e2c\u5b9a",
                                  "prompt",  "score",     "l\u00ednea", "proof"};

std::string text(std::mt19937_64& random) {
  std::string words;
  const std::uint64_t count = 3 + draw_below(random, 12);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i != 0) words += draw_below(random, 20) == 0 ? "\\n" : " ";
    words += kWords[draw_below(random, std::size(kWords))];
  }
  if (draw_below(random, 8) == 0) words += " \\\"quoted\\\"";
  return words;
}

std::string hexadecimal(std::mt19937_64& random) {
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", random(), random(), random(), random());
}

std::string entry(std::mt19937_64& random) {
  return fmt::format(
      "    {{\n      \"kind\": \"{}\",\n      \"id\": {},\n      \"digest\": \"{}\",\n      \"text\": "
      "\"{}\",\n"
      "      \"scores\": [{:.6f}, {:.4f}, {}, {:.17g}],\n      \"accepted\": {},\n      \"at\": {{\"ms\": "
      "{}, "
      "\"height\": {}}}\n    }}",
      kWords[draw_below(random, 6)], draw_below(random, 1'000'000), hexadecimal(random), text(random),
      draw_fraction(random), draw_fraction(random), draw_below(random, 100), draw_fraction(random),
      draw_below(random, 2) == 0 ? "true" : "false", 1'700'000'000'000 + draw_below(random, 1'000'000'000),
      draw_below(random, 100'000));
}

}  // namespace

std::string pattern_document(std::size_t bytes, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string document = "{\n  \"version\": 1,\n  \"entries\": [\n";
  for (bool first = true; first || document.size() < bytes - 100; first = false) {
    if (!first) document += ",\n";
    document += entry(random);
  }
  return document + "\n  ],\n  \"author\": \"ed25519:" + hexadecimal(random) + "\"\n}\n";
}

}  // namespace sovereign::bench
