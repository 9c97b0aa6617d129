// sovereign key: API keys and the hashes of them that go into the configuration. Keys that sign: keys.cpp.
#include <fmt/format.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <string>

#include "base/sha256.h"
#include "command.h"

namespace sovereign {
namespace {

constexpr std::size_t kKeyBytes = 32;

int make_key() {
  std::array<unsigned char, kKeyBytes> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
    fmt::print(stderr, "sovereign: the system gives no random bytes\n");
    return kExitFailure;
  }
  std::string key = "sk-sov-";
  for (const unsigned char byte : random) key += fmt::format("{:02x}", byte);
  fmt::print("key:  {}\nhash: sha256:{}\n", key, sha256_hex(key));
  fmt::print(
      stderr,
      "Keep the key: it is not shown again. Put the hash into server.api_key_hashes of the configuration.\n");
  return kExitOk;
}

// From standard input, because arguments show in the process list and the shell's history.
int hash_key() {
  if (isatty(STDIN_FILENO) != 0) fmt::print(stderr, "Type or paste the key: ");
  std::string key;
  std::getline(std::cin, key);
  if (!key.empty() && key.back() == '\r') key.pop_back();
  if (key.empty()) {
    fmt::print(stderr, "sovereign: no key on standard input\n");
    return kExitUsage;
  }
  fmt::print("sha256:{}\n", sha256_hex(key));
  return kExitOk;
}

}  // namespace

void add_key_command(CLI::App& program, int& exit_code) {
  CLI::App* command =
      program.add_subcommand("key", "Make API keys and their hashes (keys that sign: see 'keys')");
  command->require_subcommand(1);
  command->add_subcommand("new", "Make a key: print it once, with the hash for server.api_key_hashes")
      ->callback([&exit_code] { exit_code = make_key(); });
  command->add_subcommand("hash", "Print the hash of a key read from standard input")->callback([&exit_code] {
    exit_code = hash_key();
  });
}

}  // namespace sovereign
