#include "pci/gate_chain.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "bench/allocation_counter.h"
#include "envelope_samples.h"

namespace sovereign::pci {
namespace {

class GateChainTest : public ::testing::Test {
 protected:
  RejectCode admit(const std::string& bytes, std::uint64_t now_ms = kNowMs) {
    return chain_.admit({bytes}, now_ms);
  }
  std::string sealed(auto change, const crypto::SigningKey& key = alice()) {
    EnvelopeFields fields = good_fields();
    change(fields);
    return seal_envelope(fields, key).value();
  }

  SteadyClock clock_;
  ReplayStore store_{ReplayStoreConfig{}};
  GateChain chain_{good_policy(), store_, nullptr, {}, clock_};
};

TEST_F(GateChainTest, AdmitsOnceAndThenCallsItAReplay) {
  const std::string bytes = good_envelope();
  EXPECT_EQ(admit(bytes), RejectCode::none);
  EXPECT_EQ(admit(bytes), RejectCode::nonce_replay);
  EXPECT_EQ(admit(good_envelope()), RejectCode::none);
}

TEST_F(GateChainTest, EachGateSaysNo) {
  EXPECT_EQ(admit("not an envelope"), RejectCode::schema);
  EXPECT_EQ(admit(sealed([](auto& f) { f.timestamp_ms = kNowMs - 120'001; })), RejectCode::timestamp_stale);
  EXPECT_EQ(admit(sealed([](auto& f) { f.timestamp_ms = kNowMs - 120'000; })), RejectCode::none);
  EXPECT_EQ(admit(sealed([](auto& f) { f.timestamp_ms = kNowMs + 10'001; })), RejectCode::timestamp_future);
  EXPECT_EQ(admit(sealed([](auto& f) { f.timestamp_ms = kNowMs + 10'000; })), RejectCode::none);
  EXPECT_EQ(admit(sealed([](auto& f) { f.policy = policy_digest("another"); })), RejectCode::policy_mismatch);
  EXPECT_EQ(admit(sealed([](auto& f) { f.kind = PayloadKind::consensus; })), RejectCode::policy_mismatch);
  EXPECT_EQ(admit(sealed([](auto& f) { f.scores = scores_of(9'499); })), RejectCode::ihsan_below_min);
  EXPECT_EQ(admit(sealed([](auto& f) { f.scores = scores_of(9'500); })), RejectCode::none);
  EXPECT_EQ(admit(sealed([](auto& f) { f.scores = kNoScores; })), RejectCode::ihsan_below_min);
  // 1.0 and 0.9: the mean of what was measured is 0.95.
  EXPECT_EQ(admit(sealed([](auto& f) {
              f.scores = kNoScores;
              f.scores[0] = 10'000;
              f.scores[5] = 9'000;
            })),
            RejectCode::none);
}

TEST_F(GateChainTest, AChangeOfAnySignedByteIsRefused) {
  const std::string good = good_envelope();
  for (std::size_t i = 0; i < good.size(); ++i) {
    const RejectCode code = admit(flip(good, i));
    ASSERT_NE(code, RejectCode::none) << "byte " << i;
    if (i >= kEnvelopeHeaderBytes) {
      ASSERT_EQ(code, RejectCode::signature) << "byte " << i;
    }
  }
  EXPECT_EQ(admit(good), RejectCode::none) << "a forgery burned the nonce";
}

// The property that the order exists for.
TEST_F(GateChainTest, ForgeriesNeverBurnANonce) {
  const std::string good = good_envelope();
  std::string unsigned_copy = good;
  std::fill(unsigned_copy.end() - 64, unsigned_copy.end(), '\0');
  for (int i = 0; i < 100; ++i) ASSERT_EQ(admit(unsigned_copy), RejectCode::signature);
  const std::vector<Arrival> batch(20, Arrival{unsigned_copy});
  std::vector<RejectCode> verdicts(batch.size());
  chain_.admit_batch(batch, kNowMs, verdicts);
  for (const RejectCode code : verdicts) EXPECT_EQ(code, RejectCode::signature);
  EXPECT_EQ(store_.size(), 0u);
  EXPECT_EQ(admit(good), RejectCode::none);
}

// A signed one with low scores is judged once.
TEST_F(GateChainTest, ASignedEnvelopeThatIsNotGoodEnoughUsesItsNonce) {
  const std::string low = sealed([](auto& f) { f.scores = scores_of(5'000); });
  EXPECT_EQ(admit(low), RejectCode::ihsan_below_min);
  EXPECT_EQ(admit(low), RejectCode::nonce_replay);
}

// What the store has forgotten must be refused by its time stamp, wherever the clock goes.
TEST_F(GateChainTest, AClockThatGoesBackOpensNoDoor) {
  const std::string bytes = good_envelope();
  ASSERT_EQ(admit(bytes), RejectCode::none);
  const auto later = sealed([](auto& f) { f.timestamp_ms = kNowMs + 500'000; });
  ASSERT_EQ(admit(later, kNowMs + 500'000), RejectCode::none);
  EXPECT_EQ(admit(bytes, kNowMs + 500'000), RejectCode::timestamp_stale);
  EXPECT_EQ(admit(bytes, kNowMs), RejectCode::timestamp_stale);
  EXPECT_EQ(admit(good_envelope(), kNowMs), RejectCode::timestamp_stale);
}

TEST_F(GateChainTest, KnownSendersOnly) {
  const auto bob = crypto::SigningKey::generate().value();
  GatePolicyConfig config;
  config.policies = {policy_digest(kPolicyText)};
  config.senders = {{"alice", alice().public_key()}};
  GateChain chain(GatePolicy::from(config).value(), store_, nullptr, {}, clock_);
  const auto admit_from = [&](std::string_view name, const crypto::SigningKey& key) {
    return chain.admit({sealed([&](auto& f) { f.sender = name; }, key)}, kNowMs);
  };
  EXPECT_EQ(admit_from("alice", alice()), RejectCode::none);
  EXPECT_EQ(admit_from("alice", bob), RejectCode::policy_mismatch);
  EXPECT_EQ(admit_from("bob", bob), RejectCode::policy_mismatch);
  EXPECT_EQ(admit_from("bob", alice()), RejectCode::policy_mismatch) << "a key speaks for its own name only";
}

TEST_F(GateChainTest, PoliciesThatMakeNoSenseAreErrors) {
  GatePolicyConfig config;
  EXPECT_FALSE(GatePolicy::from(config)) << "no policy";
  config.policies = {policy_digest("a")};
  config.kinds = {{PayloadKind::query}, {PayloadKind::query}};
  EXPECT_FALSE(GatePolicy::from(config));
  config.kinds = {{PayloadKind::query}};
  config.senders = {{"a", alice().public_key()}, {"b", alice().public_key()}};
  EXPECT_FALSE(GatePolicy::from(config));
  crypto::PublicKey no_point{};
  no_point[0] = std::byte{2};
  config.senders = {{"a", no_point}};
  EXPECT_FALSE(GatePolicy::from(config));
}

TEST_F(GateChainTest, AClientThatSendsTooMuchWaits) {
  GateChain chain(good_policy(), store_, nullptr, {.per_second = 10, .burst = 3}, clock_);
  const auto send = [&](ClientId client, std::uint64_t now_ms) {
    return chain.admit({good_envelope(), client}, now_ms);
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(1, kNowMs), RejectCode::none);
  EXPECT_EQ(send(1, kNowMs), RejectCode::rate_limited);
  EXPECT_EQ(send(2, kNowMs), RejectCode::none);
  EXPECT_EQ(send(1, kNowMs + 99), RejectCode::rate_limited);
  EXPECT_EQ(send(1, kNowMs + 200), RejectCode::none);
  // Forgeries in a victim's name use up the forger's allowance, not the victim's.
  EXPECT_EQ(chain.admit({flip(good_envelope(), 200), 3}, kNowMs), RejectCode::signature);
  EXPECT_EQ(send(2, kNowMs), RejectCode::none);
}

TEST_F(GateChainTest, AFullStoreRefuses) {
  ReplayStoreConfig config;
  config.most_entries = 4;
  config.shards = 1;
  ReplayStore store(config);
  GateChain chain(good_policy(), store, nullptr, {}, clock_);
  for (int i = 0; i < 4; ++i) ASSERT_EQ(chain.admit({good_envelope()}, kNowMs), RejectCode::none);
  EXPECT_EQ(chain.admit({good_envelope()}, kNowMs), RejectCode::replay_store_full);
}

// Whatever is in a batch, it is judged as if it came alone, in order.
TEST_F(GateChainTest, ABatchIsJudgedLikeItsParts) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> bytes;
    for (std::size_t i = 0; i < 12; ++i) {
      switch (random() % 8) {
        case 0: bytes.push_back("no"); break;
        case 1: bytes.push_back(flip(good_envelope(), kEnvelopeHeaderBytes)); break;
        case 2: bytes.push_back(sealed([](auto& f) { f.timestamp_ms = 5; })); break;
        case 3: bytes.push_back(sealed([](auto& f) { f.scores = scores_of(1); })); break;
        case 4:
          if (!bytes.empty()) bytes.push_back(bytes[random() % bytes.size()]);
          break;
        default: bytes.push_back(good_envelope());
      }
    }
    ReplayStore store_alone{ReplayStoreConfig{}};
    GateChain alone(good_policy(), store_alone, nullptr, {}, clock_);
    std::vector<Arrival> arrivals;
    std::vector<RejectCode> expected;
    for (const std::string& envelope : bytes) {
      arrivals.push_back({envelope});
      expected.push_back(alone.admit({envelope}, kNowMs));
    }
    std::vector<RejectCode> verdicts(arrivals.size());
    chain_.admit_batch(arrivals, kNowMs, verdicts);
    ASSERT_EQ(verdicts, expected);
  }
}

TEST_F(GateChainTest, ARejectionUpToTheSignatureAllocatesNothing) {
  const std::string replayed = good_envelope();
  ASSERT_EQ(admit(replayed), RejectCode::none);
  const std::string stale = sealed([](auto& f) { f.timestamp_ms = kNowMs - 200'000; });
  const std::string other = sealed([](auto& f) { f.policy = policy_digest("another"); });
  const std::string malformed = replayed.substr(1);
  const std::string forged = flip(good_envelope(), replayed.size() - 1);
  ASSERT_EQ(admit(forged), RejectCode::signature);  // tables that are made once are made
  GateChain limited(good_policy(), store_, nullptr, {.per_second = 1, .burst = 1}, clock_);
  ASSERT_EQ(limited.admit({replayed, 9}, kNowMs), RejectCode::nonce_replay);
  const auto before = bench::allocations_of_this_thread();
  for (int i = 0; i < 100; ++i) {
    (void)chain_.admit({replayed}, kNowMs);
    (void)chain_.admit({stale}, kNowMs);
    (void)chain_.admit({other}, kNowMs);
    (void)chain_.admit({malformed}, kNowMs);
    (void)chain_.admit({forged}, kNowMs);
    (void)limited.admit({replayed, 9}, kNowMs);
  }
  EXPECT_EQ(bench::allocations_of_this_thread() - before, 0u);
}

TEST_F(GateChainTest, CountsWhatPassedAndFailedAtEachGate) {
  const std::string bytes = good_envelope();
  (void)admit(bytes);
  (void)admit(bytes);
  (void)admit("x");
  (void)admit(flip(good_envelope(), kEnvelopeHeaderBytes));
  const GateSnapshot metrics = chain_.metrics();
  const auto of = [&](Gate gate) { return metrics.gates[static_cast<std::size_t>(gate)]; };
  EXPECT_EQ(of(Gate::schema).passed, 3u);
  EXPECT_EQ(of(Gate::schema).rejected, 1u);
  EXPECT_EQ(of(Gate::replay).passed, 2u);
  EXPECT_EQ(of(Gate::replay).rejected, 1u);
  EXPECT_EQ(of(Gate::signature).rejected, 1u);
  EXPECT_EQ(of(Gate::quality).passed, 1u);
  EXPECT_GT(of(Gate::signature).nanoseconds, of(Gate::timestamp).nanoseconds);
  EXPECT_EQ(metrics.verdicts[static_cast<std::size_t>(RejectCode::none)], 1u);
  EXPECT_EQ(metrics.verdicts[static_cast<std::size_t>(RejectCode::schema)], 1u);
}

// Each look at it is a nanosecond later.
class CountingClock final : public Clock {
 public:
  Time now() const override { return Time(Duration(++looks_)); }

 private:
  mutable std::int64_t looks_ = 0;
};

// The last gate's time was not counted once.
TEST_F(GateChainTest, TimesEachGate) {
  const CountingClock clock;
  const auto expect_all_timed = [](const GateChain& chain) {
    const GateSnapshot metrics = chain.metrics();
    for (std::size_t gate = 0; gate < kGates; ++gate)
      EXPECT_GT(metrics.gates[gate].nanoseconds, 0u) << to_string(static_cast<Gate>(gate));
  };
  GateChain alone(good_policy(), store_, nullptr, {}, clock);
  EXPECT_EQ(alone.admit({good_envelope()}, kNowMs), RejectCode::none);
  expect_all_timed(alone);
  GateChain together(good_policy(), store_, nullptr, {}, clock);
  const std::string envelopes[] = {good_envelope(), good_envelope()};
  const Arrival arrivals[] = {{envelopes[0]}, {envelopes[1]}};
  RejectCode verdicts[2];
  together.admit_batch(arrivals, kNowMs, verdicts);
  EXPECT_EQ(verdicts[0], RejectCode::none);
  EXPECT_EQ(verdicts[1], RejectCode::none);
  expect_all_timed(together);
}

TEST(RejectCode, NamesAndNumbersAreTheProtocols) {
  const std::pair<int, std::string_view> expected[] = {{0, "ADMITTED"},
                                                       {1, "REJECT_SCHEMA"},
                                                       {2, "REJECT_RATE_LIMITED"},
                                                       {3, "REJECT_NONCE_REPLAY"},
                                                       {4, "REJECT_TIMESTAMP_STALE"},
                                                       {5, "REJECT_TIMESTAMP_FUTURE"},
                                                       {6, "REJECT_POLICY_MISMATCH"},
                                                       {7, "REJECT_SIGNATURE"},
                                                       {8, "REJECT_IHSAN_BELOW_MIN"},
                                                       {9, "REJECT_REPLAY_STORE_FULL"},
                                                       {10, "REJECT_REPLAY_STORE_UNAVAILABLE"}};
  ASSERT_EQ(std::size(expected), kRejectCodes);
  for (const auto& [number, name] : expected) EXPECT_EQ(to_string(static_cast<RejectCode>(number)), name);
}

// Whoever scrapes while verdicts fall must never see a counter go down.
TEST(GateMetrics, CountersOnlyGrow) {
  GateMetrics metrics;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i)
        metrics.verdict(i % 8 == 0 ? RejectCode::none : RejectCode::nonce_replay, Gate::replay);
    });
  GateSnapshot last;
  for (int i = 0; i < 20'000; ++i) {
    const GateSnapshot now = metrics.snapshot();
    for (std::size_t gate = 0; gate < kGates; ++gate) {
      EXPECT_GE(now.gates[gate].passed, last.gates[gate].passed) << gate;
      EXPECT_GE(now.gates[gate].rejected, last.gates[gate].rejected) << gate;
    }
    last = now;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  const GateSnapshot end = metrics.snapshot();
  const auto of = [&](Gate gate) { return end.gates[static_cast<std::size_t>(gate)]; };
  EXPECT_EQ(of(Gate::rate).passed, of(Gate::replay).passed + of(Gate::replay).rejected);
  EXPECT_EQ(of(Gate::quality).passed, end.verdicts[static_cast<std::size_t>(RejectCode::none)]);
}

}  // namespace
}  // namespace sovereign::pci
