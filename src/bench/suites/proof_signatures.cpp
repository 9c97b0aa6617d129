// Ed25519: a batch against one at a time. The messages are different, as are the keys unless a row says
// otherwise, and nothing about a key is remembered from one call to the next unless a row says 'tables'.
#include <fmt/format.h>
#include <sodium.h>

#include <memory>
#include <random>

#include "bench/suites/proof_group.h"
#include "crypto/ed25519/verifier.h"
#include "crypto/signing_key.h"

namespace sovereign::bench {
namespace {

using namespace crypto::ed25519;

constexpr std::size_t kMessageBytes = 64;
// Who sends bad signatures on purpose must not make the others' batches dear: docs/proof.md, 'Batches'.
constexpr double kMostOfSearch = 2;

struct Signatures {
  std::vector<std::string> messages;
  std::vector<PublicKey> keys;
  std::vector<Signature> signatures;
  std::vector<PublicKeyTable> tables;
  std::vector<SignedMessage> items;
  std::vector<SignedMessage> items_with_tables;
};

result<std::unique_ptr<Signatures>> make_signatures(std::size_t count, std::mt19937_64& random) {
  auto made = std::make_unique<Signatures>();
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::byte, crypto::kSeedBytes> seed;
    for (auto& byte : seed) byte = static_cast<std::byte>(random());
    const auto key = crypto::SigningKey::from_seed(seed);
    if (!key) return fail(key.error());
    std::string message(kMessageBytes, '\0');
    for (char& c : message) c = static_cast<char>(random());
    made->signatures.push_back(key->sign(message));
    made->keys.push_back(key->public_key());
    made->messages.push_back(std::move(message));
    made->tables.push_back(*PublicKeyTable::from(made->keys.back()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    made->items.push_back({made->messages[i], &made->keys[i], &made->signatures[i]});
    made->items_with_tables.push_back(made->items.back());
    made->items_with_tables.back().table = &made->tables[i];
  }
  return made;
}

void verify_by_libsodium(const Signatures& made) {
  for (std::size_t i = 0; i < made.items.size(); ++i) {
    const auto* message = reinterpret_cast<const unsigned char*>(made.messages[i].data());
    keep(crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(made.signatures[i].data()),
                                     message, made.messages[i].size(),
                                     reinterpret_cast<const unsigned char*>(made.keys[i].data())));
  }
}

// One call with new weights each time, as a server would.
std::function<void()> batch_of(const std::vector<SignedMessage>& items, const Backend& backend) {
  return [&items, &backend, random = std::mt19937_64(7)]() mutable {
    BatchSeed seed;
    for (auto& byte : seed) byte = static_cast<std::byte>(random());
    keep(verify_batch(items, seed, backend));
  };
}

result<void> measure_batches(ProofRun& run, std::size_t count, std::mt19937_64& random) {
  auto made = make_signatures(count, random);
  if (!made) return fail(std::move(made.error()));
  const Signatures& good = **made;
  const Backend& fastest = best_backend();
  const auto costs = run.measure(
      fmt::format("{} signatures", count),
      {{"libsodium, one by one", count, [&good] { verify_by_libsodium(good); }},
       {"batch, portable", count, batch_of(good.items, portable_backend())},
       {fmt::format("batch, {}", fastest.name), count, batch_of(good.items, fastest)},
       {"batch, portable, tables of keys", count, batch_of(good.items_with_tables, portable_backend())},
       {fmt::format("batch, {}, tables of keys", fastest.name), count,
        batch_of(good.items_with_tables, fastest)}});
  const std::string key = fmt::format("batch_verify_vs_single_{}", count);
  run.add_ratio(key, costs[0], costs[1]);
  run.add_ratio(key + "_known_keys", costs[0], costs[3]);
  if (&fastest == &portable_backend()) return {};
  run.add_ratio(key + "_simd", costs[0], costs[2]);
  run.add_ratio(key + "_simd_known_keys", costs[0], costs[4]);
  return {};
}

// What a batch with one bad signature costs against verifying each alone by the same code.
result<void> measure_search(ProofRun& run, std::size_t count, std::mt19937_64& random) {
  auto made = make_signatures(count, random);
  if (!made) return fail(std::move(made.error()));
  Signatures& spoiled = **made;
  spoiled.signatures[random() % count][40] ^= std::byte{1};
  const Backend& fastest = best_backend();
  const auto alone = [&spoiled](const Backend& backend) {
    return [&spoiled, &backend] {
      for (const SignedMessage& item : spoiled.items) keep(verify(item, backend));
    };
  };
  const auto costs =
      run.measure(fmt::format("{} signatures, one bad", count),
                  {{"one by one, portable", count, alone(portable_backend())},
                   {"batch, portable", count, batch_of(spoiled.items, portable_backend())},
                   {fmt::format("one by one, {}", fastest.name), count, alone(fastest)},
                   {fmt::format("batch, {}", fastest.name), count, batch_of(spoiled.items, fastest)}});
  const std::string key = fmt::format("batch_with_one_bad_vs_one_by_one_{}", count);
  run.add_ratio(key, costs[1], costs[0]);
  run.add_ratio(key + "_simd", costs[3], costs[2]);
  if (auto good = run.require_at_most(key, kMostOfSearch); !good) return good;
  return run.require_at_most(key + "_simd", kMostOfSearch);
}

}  // namespace

result<void> measure_signatures(ProofRun& run) {
  if (::sodium_init() < 0) return fail(ErrorCode::internal, "libsodium cannot be used");
  std::mt19937_64 random(run.options.seed);
  for (const std::size_t count : {std::size_t{8}, std::size_t{64}, std::size_t{512}})
    if (auto done = measure_batches(run, count, random); !done) return done;
  run.report.notes.push_back(fmt::format(
      "signatures: the fastest backend here is {}; libsodium {}; every batch_verify_vs_single key is "
      "libsodium's cost over ours, so more is better",
      best_backend().name, ::sodium_version_string()));
  for (const std::size_t count : {std::size_t{8}, std::size_t{64}})
    if (auto done = measure_search(run, count, random); !done) return done;
  return {};
}

}  // namespace sovereign::bench
