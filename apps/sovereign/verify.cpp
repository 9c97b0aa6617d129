// sovereign verify: checks a receipt, or a whole log of receipts, without a network.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string>

#include "base/sha256.h"
#include "command.h"
#include "console.h"
#include "crypto/key_file.h"
#include "pci/receipt_log.h"
#include "pci/receipt_log_check.h"
#include "pci/receipt_verifier.h"
#include "replay.h"

namespace sovereign {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMostKeyTextBytes = 100;

struct VerifyOptions {
  std::string receipt;
  std::string query;
  std::string answer;
  std::string key;
  std::string model;
  std::string previous;
  std::string log;
  std::string consistency;
  bool to_head = false;
  bool replay = false;
  std::string chat_template;
};

// "-" is standard input.
result<std::string> read_text(const std::string& name) {
  if (name == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  std::ifstream in(name, std::ios::binary);
  if (!in || fs::is_directory(name))
    return fail(ErrorCode::not_found, fmt::format("cannot read {}", name), name);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A public key as text, or a file that holds it, or a key file, which is told by its size: its secret must
// not pass through memory that is not locked.
result<crypto::PublicKey> read_key(const std::string& named) {
  if (auto key = crypto::public_key_from_text(named)) return key;
  std::error_code error;
  const std::uintmax_t bytes = fs::file_size(named, error);
  const auto neither = [&] {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'{}' is neither a public key ('ed25519:' and 64 digits) nor a file of one", named));
  };
  if (error) return neither();
  if (bytes == crypto::kKeyFileBytes) return crypto::load_public_key(named);
  if (bytes > kMostKeyTextBytes) return neither();
  auto text = read_text(named);
  if (!text) return fail(std::move(text.error()));
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  auto key = crypto::public_key_from_text(*text);
  if (!key) return neither();
  return key;
}

result<pci::ReceiptFile> read_receipt(const std::string& name) {
  const auto text = read_text(name);
  if (!text) return fail(text.error());
  auto file = pci::receipt_from_json(*text);
  if (!file)
    return fail(file.error().code, fmt::format("{} is not a receipt: {}", name, shown(file.error().message)),
                name);
  return file;
}

// A receipt's words are a stranger's until its signer is known to be somebody.
int report(const pci::ReceiptFile& file, const pci::ReceiptVerdict& verdict, bool key_given) {
  for (const pci::ReceiptCheck& check : verdict.checks)
    fmt::print("{} {:<11} {}\n", check.holds ? "ok  " : "FAIL", check.name, shown(check.reason));
  const pci::ReceiptContent& content = file.receipt.content;
  if (!verdict.holds()) {
    fmt::print("\nThe receipt does not hold: {}\n", shown(verdict.reason()));
    return kExitFailure;
  }
  fmt::print("\nThe receipt holds. Receipt {}, model '{}' (SHA-256 {}), engine '{}'.\n", shown(content.id),
             shown(content.model_name), to_hex(content.model_digest), shown(content.engine));
  if (!key_given)
    fmt::print("It says that {} signed it; to check that this is whom you trust, pass --key.\n",
               crypto::to_text(content.issuer));
  return kExitOk;
}

// Runs the model again, and adds what came of it to the verdict.
result<void> check_replay(const VerifyOptions& options, const pci::ReceiptFile& file, std::string_view query,
                          pci::ReceiptVerdict& verdict) {
  const auto& salt = file.openings.answer_salt;
  if (!salt) {
    verdict.checks.push_back({"replay", false,
                              "The receipt carries no opening of the answer (openings.answer_salt), so no "
                              "other answer can be compared with it."});
    return {};
  }
  const auto again = replay({file.receipt.content, query, options.model, options.chat_template});
  if (!again) return fail(again.error());
  const bool same =
      pci::salted_digest(pci::SaltedText::answer, *salt, again->answer) == file.receipt.content.answer_digest;
  std::string reason =
      same ? "The model, run again, gives the same answer." : "The model, run again, gives another answer.";
  if (!again->differences.empty())
    reason += fmt::format(" Not as it was then: {}.", fmt::join(again->differences, "; "));
  if (!again->why_not_repeatable.empty())
    reason += fmt::format(" {}: {}.",
                          same ? "That could not be expected"
                               : "It cannot be expected to repeat, so that this proves "
                                 "nothing",
                          again->why_not_repeatable);
  verdict.checks.push_back({"replay", same, std::move(reason)});
  return {};
}

// Every byte of it is good.
result<pci::ReceiptLog> audited_log(const VerifyOptions& options) {
  using Tail = pci::ReceiptLog::Tail;
  auto log =
      pci::ReceiptLog::open_read_only(options.log, options.to_head ? Tail::not_counted : Tail::counted);
  if (!log) return log;
  if (!options.key.empty()) {
    const auto key = read_key(options.key);
    if (!key) return fail(key.error());
    if (*key != log->tree().public_key())
      return fail(ErrorCode::invalid_argument,
                  fmt::format("the log in {} is signed by {}, not by the key you trust", options.log,
                              crypto::to_text(log->tree().public_key())));
  }
  if (auto good = log->audit(); !good) return fail(good.error().code, shown(good.error().message));
  return log;
}

result<int> verify_file(const VerifyOptions& options) {
  const auto file = read_receipt(options.receipt);
  if (!file) return fail(file.error());
  pci::ReceiptEvidence evidence;
  std::string query;
  std::string answer;
  std::optional<pci::ReceiptFile> previous;
  std::optional<pci::ConsistencyProof> consistency;
  const auto read_into = [](const std::string& name, std::string& text,
                            std::optional<std::string_view>& out) -> result<void> {
    if (name.empty()) return {};
    auto read = read_text(name);
    if (!read) return fail(std::move(read.error()));
    text = std::move(*read);
    out = text;
    return {};
  };
  if (auto good = read_into(options.query, query, evidence.query); !good) return fail(good.error());
  if (auto good = read_into(options.answer, answer, evidence.answer); !good) return fail(good.error());
  if (!options.key.empty()) {
    const auto key = read_key(options.key);
    if (!key) return fail(key.error());
    evidence.issuer = *key;
  }
  if (!options.model.empty()) {
    const auto digest = sha256_file(options.model);
    if (!digest) return fail(digest.error());
    evidence.model_digest = *digest;
  }
  if (!options.previous.empty()) {
    auto read = read_receipt(options.previous);
    if (!read) return fail(std::move(read.error()));
    previous = std::move(*read);
    evidence.previous = &previous->receipt;
  }
  if (!options.consistency.empty()) {
    const auto text = read_text(options.consistency);
    if (!text) return fail(text.error());
    auto read = pci::consistency_from_json(*text);
    if (!read)
      return fail(ErrorCode::invalid_argument, fmt::format("{} is no proof of consistency: {}",
                                                           options.consistency, shown(read.error().message)));
    consistency = std::move(*read);
    evidence.consistency = &*consistency;
  }
  pci::ReceiptVerdict verdict = pci::verify_receipt(*file, evidence);
  if (!options.log.empty()) {
    const auto log = audited_log(options);
    if (!log) return fail(log.error());
    auto checks = pci::check_in_log(*file, *log);
    if (!checks) return fail(std::move(checks.error()));
    for (pci::ReceiptCheck& check : *checks) verdict.checks.push_back(std::move(check));
  }
  if (options.replay && verdict.holds()) {
    if (auto done = check_replay(options, *file, query, verdict); !done) return fail(std::move(done.error()));
  }
  return report(*file, verdict, evidence.issuer.has_value());
}

result<int> verify_log(const VerifyOptions& options) {
  const auto log = audited_log(options);
  if (!log) return fail(log.error());
  fmt::print("The log holds: {} receipts{} and {} tree heads, every byte checked, signed by {}.\n",
             log->size(), options.to_head ? " under its newest head" : "", log->tree().heads(),
             crypto::to_text(log->tree().public_key()));
  fmt::print(
      "A log that was cut back holds too: it shows against a receipt that its keeper gave out (name one).\n");
  return kExitOk;
}

int verify(const VerifyOptions& options) {
  if (options.receipt.empty() && options.log.empty()) {
    fmt::print(stderr, "sovereign: name a receipt, a folder with --log, or both\n");
    return kExitUsage;
  }
  if (options.replay && (options.receipt.empty() || options.model.empty() || options.query.empty())) {
    fmt::print(stderr, "sovereign: --replay needs the receipt, --model and --query\n");
    return kExitUsage;
  }
  const auto code = options.receipt.empty() ? verify_log(options) : verify_file(options);
  return code ? *code : print_failure(code.error());
}

}  // namespace

void add_verify_command(CLI::App& program, int& exit_code) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = program.add_subcommand("verify", "Check a receipt, or a log of receipts, offline");
  command->add_option("receipt", options->receipt, "Receipt (JSON); - for standard input")->type_name("FILE");
  command->add_option("--answer", options->answer, "The answer's text, to compare")->type_name("FILE");
  command->add_option("--query", options->query, "The request's body, byte for byte, to compare")
      ->type_name("FILE");
  command
      ->add_option("--key", options->key,
                   "The signer you trust: ed25519:…, a file that holds it, or a key file")
      ->type_name("KEY");
  command->add_option("--model", options->model, "The model that should have answered")->type_name("GGUF");
  command->add_flag("--replay", options->replay,
                    "Also run the model again, as the receipt says it was run, and compare the answer; needs "
                    "--model and --query");
  command
      ->add_option("--chat-template", options->chat_template,
                   "For --replay: the chat template, where it was not the model's own")
      ->type_name("FILE");
  command->add_option("--previous", options->previous, "The receipt before this one")->type_name("FILE");
  command
      ->add_option(
          "--log", options->log,
          "Check every byte of a receipt log; with a receipt, also that the log has it and the root that "
          "was signed then")
      ->type_name("FOLDER");
  command->add_flag("--to-head", options->to_head,
                    "For --log: only what the newest stored head covers, in a log that was set aside after a "
                    "power loss");
  command
      ->add_option("--consistency", options->consistency,
                   "What GET /v1/receipts/consistency?from=SIZE tells, SIZE being that of the receipt's "
                   "head: that the "
                   "log only grew since")
      ->type_name("FILE");
  command->callback([options, &exit_code] { exit_code = verify(*options); });
}

}  // namespace sovereign
