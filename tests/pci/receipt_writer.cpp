// Makes receipts for the tests of other verifiers: receipt_writer FOLDER KEY_FILE COUNT
// writes FOLDER/log and FOLDER/receipt-I.json, answer-I.txt, query-I.txt for I from 0.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "crypto/key_file.h"
#include "pci/receipt_issuer.h"

int main(int argc, char** argv) {
  using namespace sovereign;
  if (argc != 4) return 2;
  const std::filesystem::path folder = argv[1];
  auto key = crypto::load_key_file(argv[2]);
  if (!key) return fmt::print(stderr, "{}\n", key.error().message), 1;
  pci::ReceiptIssuerConfig config;
  config.folder = folder / "log";
  config.engine = "sovereign 0.1.0 (test)";
  const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                                     std::chrono::system_clock::now().time_since_epoch())
                                                     .count());
  const auto issuer = pci::ReceiptIssuer::open(config, std::move(*key), now_ms);
  if (!issuer) return fmt::print(stderr, "{}\n", issuer.error().message), 1;
  const auto write = [&](const std::string& name, std::string_view text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  for (int i = 0; i < std::atoi(argv[3]); ++i) {
    const std::string query = fmt::format("What is {} and {}?", i, i);
    const std::string answer = fmt::format("{} \xE2\x9C\x93 \xF0\x9F\x98\x80", 2 * i);
    pci::ReceiptDraft draft;
    draft.query = query;
    draft.answer = answer;
    draft.model_name =
        "m\xC3\xB6"
        "del \"\x01\xF0\x9F\x98\x80\xEF\xAC\xB3";  // all that JSON writers disagree about
    draft.model_digest = sha256("model");
    draft.sampling = {{"seed", std::to_string(i)}, {"temperature", "0.7"}};
    draft.scores[0] = 9'800;
    draft.received_ms = now_ms - 250;
    const auto file = (*issuer)->issue(draft, now_ms);
    if (!file) return fmt::print(stderr, "{}\n", file.error().message), 1;
    write(fmt::format("receipt-{}.json", i), pci::to_json(*file));
    write(fmt::format("query-{}.txt", i), query);
    write(fmt::format("answer-{}.txt", i), answer);
  }
  return 0;
}
