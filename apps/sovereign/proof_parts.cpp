#include "proof_parts.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <filesystem>
#include <optional>
#include <utility>

#include "base/append_file.h"
#include "base/build_info.h"
#include "cache/wall_time.h"
#include "config/directories.h"
#include "crypto/key_file.h"
#include "passphrase.h"

namespace sovereign {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKeyName = "signing.key";

std::uint64_t now_ms() { return static_cast<std::uint64_t>(cache::wall_now().time_since_epoch().count()); }

fs::path key_path(const config::ReceiptSettings& settings) {
  if (!settings.key_file.empty()) return settings.key_file;
  const fs::path folder = config::config_directory(config::process_environment());
  return folder.empty() ? fs::path() : folder / kKeyName;
}

// A folder of ours, which is made with mode 0700 when it is missing.
result<fs::path> own_folder(const std::string& named, const char* name) {
  const fs::path folder =
      named.empty() ? config::state_directory(config::process_environment()) / name : fs::path(named);
  const auto made = make_folder(folder);
  if (!made) return fail(made.error());
  std::error_code error;
  if (*made) fs::permissions(folder, fs::perms::owner_all, error);
  return folder;
}

result<crypto::SigningKey> load_key(const config::ReceiptSettings& settings, const fs::path& path) {
  if (settings.passphrase_file.empty()) return crypto::load_key_file(path);
  const auto passphrase = Passphrase::from_file(settings.passphrase_file);
  if (!passphrase) return fail(passphrase.error());
  return crypto::load_key_file(path, passphrase->text());
}

result<std::unique_ptr<pci::ReceiptIssuer>> open_issuer(const config::ReceiptSettings& settings,
                                                        crypto::SigningKey key) {
  const auto folder = own_folder(settings.folder, "receipts");
  if (!folder) return fail(folder.error());
  pci::ReceiptIssuerConfig config;
  config.folder = *folder;
  config.engine = fmt::format("sovereign {} {}", build_info::version, build_info::git_commit);
  config.sync = settings.sync;
  config.checkpoint_ms = static_cast<std::uint64_t>(settings.checkpoint_interval.count());
  const auto boot = pci::machine_boot_id();
  if (!boot) return fail(boot.error());
  config.boot_id = *boot;
  auto issuer = pci::ReceiptIssuer::open(config, std::move(key), now_ms());
  if (issuer && (*issuer)->set_aside())
    spdlog::warn(
        "the machine stopped while the receipt log was open, so that its newest receipts may be missing: it "
        "was "
        "set aside to {}, and another log was begun",
        (*issuer)->set_aside()->string());
  return issuer;
}

}  // namespace

result<Receipts> open_receipts(const config::ReceiptSettings& settings) {
  if (settings.mode == runtime::ReceiptMode::off) return Receipts{nullptr, "receipts.mode is off"};
  const bool needed = settings.mode == runtime::ReceiptMode::always;
  const fs::path key_file = key_path(settings);
  std::error_code ignored;
  if (!needed && settings.key_file.empty() && !fs::exists(key_file, ignored)) {
    return Receipts{nullptr, "it has no signing key (its operator makes one with 'sovereign keys new')"};
  }
  auto key = load_key(settings, key_file);
  // Who names a key means it.
  if (!key && (needed || !settings.key_file.empty())) return fail(std::move(key.error()));
  auto issuer = key ? open_issuer(settings, std::move(*key))
                    : result<std::unique_ptr<pci::ReceiptIssuer>>(fail(std::move(key.error())));
  if (issuer) {
    spdlog::info("receipts are signed by {}", crypto::to_text((*issuer)->public_key()));
    return Receipts{std::move(*issuer), {}};
  }
  if (needed) return fail(std::move(issuer.error()));
  spdlog::warn("no receipts are made: {}", issuer.error().message);
  return Receipts{nullptr, "its log or key cannot be used (its own log says why)"};
}

result<std::unique_ptr<Gates>> open_gates(const config::EnvelopeSettings& settings, const Clock& clock) {
  if (settings.senders.empty()) return nullptr;
  pci::GatePolicyConfig config;
  config.window.past_ms = static_cast<std::uint64_t>(settings.past.count());
  config.window.future_ms = static_cast<std::uint64_t>(settings.future.count());
  config.policies = {pci::policy_digest(settings.policy)};
  config.kinds = {{pci::PayloadKind::query, static_cast<std::uint16_t>(settings.ihsan_min)}};
  for (const std::string& sender : settings.senders) {
    const std::size_t equals = sender.find('=');
    const auto key = crypto::public_key_from_text(sender.substr(equals + 1));
    if (!key) return fail(key.error());
    config.senders.push_back({sender.substr(0, equals), *key});
  }
  auto policy = pci::GatePolicy::from(config);
  if (!policy) return fail(std::move(policy.error()));

  auto gates = std::make_unique<Gates>();
  pci::ReplayStoreConfig nonces;
  nonces.window = config.window;
  nonces.most_entries = settings.max_nonces;
  gates->store = std::make_unique<pci::ReplayStore>(nonces);
  const auto folder = own_folder(settings.folder, "nonces");
  if (!folder) return fail(folder.error());
  const auto boot = pci::machine_boot_id();
  if (!boot) return fail(boot.error());
  auto journal = pci::ReplayJournal::open(*folder, *gates->store, now_ms(), *boot);
  if (!journal) return fail(std::move(journal.error()));
  gates->journal = std::move(*journal);
  const pci::ReplayJournal::Recovery& recovery = gates->journal->recovery();
  if (recovery.damaged_files > 0)
    spdlog::warn("{} of the files of used nonces in {} could not be read", recovery.damaged_files,
                 folder->string());
  const std::uint64_t floor_ms = gates->store->floor_ms();
  const std::uint64_t latest_ms = now_ms() + config.window.future_ms;
  // A start after a power loss closes as much and a bucket.
  if (floor_ms > latest_ms + nonces.bucket_ms)
    spdlog::error(
        "envelopes are refused as stale for the next {} s: the clock was ahead when nonces were kept in {}; "
        "docs/proof.md says how to begin anew",
        (floor_ms - latest_ms) / 1'000, folder->string());
  else if (floor_ms > now_ms())
    spdlog::warn(
        "envelopes are refused as stale for the next {} s: what was admitted before may be forgotten",
        (floor_ms - now_ms()) / 1'000 + 1);
  const pci::RateLimit limit{static_cast<double>(settings.rate_per_second),
                             static_cast<double>(settings.rate_burst)};
  gates->chain =
      std::make_unique<pci::GateChain>(std::move(*policy), *gates->store, gates->journal.get(), limit, clock);
  return gates;
}

}  // namespace sovereign
