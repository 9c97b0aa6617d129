// sovereign keys: Ed25519 keys that sign receipts, envelopes and votes. API keys: key.cpp.
#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "base/sha256.h"
#include "command.h"
#include "config/directories.h"
#include "console.h"
#include "crypto/key_file.h"
#include "passphrase.h"

namespace sovereign {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDefaultName = "signing.key";

// Where the file is when none is named; empty when there is no home.
fs::path default_key_file() {
  const fs::path folder = config::config_directory(config::process_environment());
  return folder.empty() ? fs::path() : folder / kDefaultName;
}

result<fs::path> chosen_file(const std::string& named) {
  fs::path path = named.empty() ? default_key_file() : fs::path(named);
  if (path.empty()) return fail(ErrorCode::invalid_argument, "there is no home folder: name the key file");
  return path;
}

int make_key(const std::string& named, bool with_passphrase) {
  const auto path = chosen_file(named);
  if (!path) return print_failure(path.error());
  if (named.empty()) {
    std::error_code error;
    fs::create_directories(path->parent_path(), error);  // an error shows when the file is written
  }
  if (fs::exists(*path))
    return print_failure({ErrorCode::already_exists,
                          fmt::format("{} exists; a key is never overwritten", path->string()),
                          path->string()});
  std::optional<Passphrase> passphrase;
  if (with_passphrase) {
    auto read = Passphrase::read("Passphrase", true);
    if (!read) return print_failure(read.error());
    passphrase.emplace(std::move(*read));
  }
  const auto key = crypto::SigningKey::generate();
  if (!key) return print_failure(key.error());
  const auto saved = crypto::save_key_file(*path, *key, passphrase ? passphrase->text() : std::string_view{});
  if (!saved) return print_failure(saved.error());
  fmt::print("{}\n", crypto::to_text(key->public_key()));
  fmt::print(stderr, "Written to {}{}. Keep a copy: without it nothing more can be signed in its name.\n",
             path->string(), with_passphrase ? ", under the passphrase" : ", readable by you only");
  return kExitOk;
}

int show_key(const std::string& named) {
  const auto path = chosen_file(named);
  if (!path) return print_failure(path.error());
  const auto key = crypto::describe_key_file(*path);
  if (!key) return print_failure(key.error());
  fmt::print("public key: {}\npassphrase: {}\nfile:       {}\n", crypto::to_text(key->public_key),
             key->has_passphrase ? "yes" : "no", path->string());
  return kExitOk;
}

// SubjectPublicKeyInfo (RFC 8410, section 4): a fixed prefix and the 32 bytes.
std::string to_pem(const crypto::PublicKey& key) {
  constexpr std::array<unsigned char, 12> kPrefix = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  std::string der(reinterpret_cast<const char*>(kPrefix.data()), kPrefix.size());
  der.append(reinterpret_cast<const char*>(key.data()), key.size());
  std::string base64(4 * ((der.size() + 2) / 3) + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(base64.data()),
                      reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  base64.resize(static_cast<std::size_t>(size));
  return fmt::format("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", base64);
}

int export_key(const std::string& named, const std::string& format) {
  const auto path = chosen_file(named);
  if (!path) return print_failure(path.error());
  const auto key = crypto::load_public_key(*path);
  if (!key) return print_failure(key.error());
  if (format == "pem") {
    fmt::print("{}", to_pem(*key));
  } else if (format == "hex") {
    fmt::print("{}\n", to_hex(*key));
  } else {
    fmt::print("{}\n", crypto::to_text(*key));
  }
  return kExitOk;
}

}  // namespace

void add_keys_command(CLI::App& program, int& exit_code) {
  struct Options {
    std::string file;
    bool passphrase = false;
    std::string format = "text";
  };
  const auto options = std::make_shared<Options>();
  CLI::App* command =
      program.add_subcommand("keys", "Make and show keys that sign receipts (API keys: see 'key')");
  command->require_subcommand(1);
  const auto add_file = [&](CLI::App* subcommand) {
    subcommand
        ->add_option("file", options->file, "Key file; by default signing.key in the configuration folder")
        ->type_name("FILE");
  };
  CLI::App* make = command->add_subcommand("new", "Make a signing key and print its public half");
  add_file(make);
  make->add_flag("--passphrase", options->passphrase,
                 "Protect the file with a passphrase, asked for or read from standard input");
  make->callback([options, &exit_code] { exit_code = make_key(options->file, options->passphrase); });
  CLI::App* show = command->add_subcommand("show", "Print a key file's public key and protection");
  add_file(show);
  show->callback([options, &exit_code] { exit_code = show_key(options->file); });
  CLI::App* give = command->add_subcommand("export", "Print the public key, for those who verify");
  add_file(give);
  give->add_option("--format", options->format, "How it is written")
      ->check(CLI::IsMember({"text", "hex", "pem"}))
      ->type_name("text|hex|pem")
      ->capture_default_str();
  give->callback([options, &exit_code] { exit_code = export_key(options->file, options->format); });
}

}  // namespace sovereign
