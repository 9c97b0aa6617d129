// Canonicalizes each line of standard input on its own: for jcs_differential.py.
// Prints the canonical text, or "!" and the error. With --time FILE COUNT: canonicalizes the file COUNT times
// and prints MB/s of input by CPU time.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "crypto/canonical_json.h"

namespace {

int time_file(const char* path, int count) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  sovereign::crypto::Canonicalizer canonicalizer;
  const std::clock_t start = std::clock();
  for (int i = 0; i < count; ++i) {
    if (auto out = canonicalizer.canonicalize(text, {.max_bytes = text.size()}); !out) {
      std::fprintf(stderr, "%s: %s\n", path, out.error().message.c_str());
      return 1;
    }
  }
  const double spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::printf("%.1f\n", static_cast<double>(text.size()) * count / 1e6 / spent);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "--time") return time_file(argv[2], std::atoi(argv[3]));
  std::ios::sync_with_stdio(false);
  sovereign::crypto::Canonicalizer canonicalizer;
  for (std::string line; std::getline(std::cin, line);) {
    const auto out = canonicalizer.canonicalize(line);
    if (out)
      std::cout << *out << '\n';
    else
      std::cout << '!' << out.error().message << '\n';
  }
}
