// Runs a fuzzer's function over kept inputs, where no fuzzing compiler is needed: what was found stays found.
//   NAME_replay FOLDER…       exit status 1 when a folder has no inputs; a failing input aborts, and is named
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    int inputs = 0;
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], ec)) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
      // Stays the last line when the input fails.
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++inputs;
    }
    if (inputs == 0) {
      std::fprintf(stderr, "no inputs in %s\n", argv[i]);
      return 1;
    }
  }
  return 0;
}
