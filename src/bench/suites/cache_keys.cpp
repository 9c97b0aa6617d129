#include <openssl/evp.h>

#include <array>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/suites/cache.h"
#include "cache/hash128.h"
#include "cache/key_encoder.h"
#include "roadmap_baselines/cache_key.h"
#include "runtime/quality_policy.h"
#include "runtime/query_key.h"

namespace sovereign::bench {
namespace {

using cache::KeyEncoder;
using cache::KeyField;

constexpr std::size_t kContents = 64;  // so that no call can be foreseen, and all stay in the first caches

std::vector<std::string> make_contents(std::size_t size) {
  std::mt19937_64 random(size);
  std::vector<std::string> contents(kContents, std::string(size, ' '));
  for (auto& content : contents) {
    for (char& c : content) c = static_cast<char>('a' + random() % 26);
  }
  return contents;
}

// Mean nanoseconds of one call.
template <class Work>
double time_ns(const std::vector<std::string>& contents, std::size_t calls, Work work) {
  std::uint64_t sink = 0;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < calls; ++i) sink += work(contents[i % kContents]);
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
  // A result that nobody could want would not be computed.
  asm volatile("" : : "r"(sink) : "memory");
  return spent.count() / static_cast<double>(calls);
}

// OpenSSL's fastest way to call it: the algorithm fetched once, one context used again and again.
class OpenSslSha256 {
 public:
  OpenSslSha256()
      : algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free),
        context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {}
  std::uint64_t operator()(const std::string& bytes) {
    std::array<unsigned char, 32> digest{};
    EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr);
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    return digest[0];
  }

 private:
  std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> algorithm_;
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

// The roadmap's three parts after what does not change from query to query, which is encoded once.
class OurKey {
 public:
  OurKey() {
    encoder_.add_text(KeyField::model_digest, "sha256:" + std::string(64, 'a'));
    encoder_.seal();
    constant_ = encoder_.mark();
  }
  std::uint64_t operator()(const std::string& content) { return key(content).hash().low; }
  std::string encoding(const std::string& content) { return key(content).encoding(); }

 private:
  cache::QueryKey key(const std::string& content) {
    encoder_.rewind(constant_);
    encoder_.add_unsigned(KeyField::max_depth, 3);
    encoder_.add_flag(KeyField::require_reasoning, true);
    encoder_.add_text(KeyField::content, content);
    return encoder_.key();
  }

  KeyEncoder encoder_;
  KeyEncoder::Mark constant_;
};

}  // namespace

void measure_cache_keys(const CacheOptions& options, const Progress& progress, Report& report) {
  constexpr std::array<std::pair<const char*, std::size_t>, 3> kSizes{
      {{"64B", 64}, {"1KB", 1024}, {"8KB", 8192}}};
  const int rounds = options.smoke ? 2 : options.rounds;
  for (const auto& [name, size] : kSizes) {
    progress.step(std::string("keys of ") + name);
    const auto contents = make_contents(size);
    const std::size_t calls = options.smoke ? 1000 : 200'000'000 / (size + 1000);
    OpenSslSha256 sha256;
    OurKey ours;
    std::vector<std::string> encodings;
    for (const std::string& content : contents) encodings.push_back(ours.encoding(content));
    runtime::SovereignQuery query;
    const gateway::BackendIdentity identity{"model", "fp_0123456789", "sha256:" + std::string(64, 'a'),
                                            false};
    const runtime::AnswerPolicy policy{runtime::policy_text(runtime::QualityPolicy{}), {}};
    KeyEncoder encoder;
    std::vector<double> key_ns;
    std::vector<double> sha_ns;
    std::vector<double> encoded_sha_ns;
    std::vector<double> roadmap_ns;
    std::vector<double> whole_ns;
    std::vector<double> bare_ns;
    for (int round = -1; round < rounds; ++round) {
      const double key = time_ns(contents, calls, [&](const std::string& content) { return ours(content); });
      const double sha =
          time_ns(contents, calls / 4, [&](const std::string& content) { return sha256(content); });
      const double encoded_sha =
          time_ns(encodings, calls / 4, [&](const std::string& encoding) { return sha256(encoding); });
      const double roadmap = time_ns(contents, calls / 8, [&](const std::string& content) {
        return static_cast<std::uint64_t>(roadmap::cache_key(content, 3, true)[0]);
      });
      const double whole = time_ns(contents, calls / 4, [&](const std::string& content) {
        query.content = content;
        runtime::encode_query(query, identity, policy, encoder);
        return encoder.key().hash().low;
      });
      const double bare =
          time_ns(contents, calls, [&](const std::string& content) { return cache::hash128(content).low; });
      if (round < 0) continue;
      bare_ns.push_back(bare);
      key_ns.push_back(key);
      sha_ns.push_back(sha);
      encoded_sha_ns.push_back(encoded_sha);
      roadmap_ns.push_back(roadmap);
      whole_ns.push_back(whole);
    }
    report.ratios[std::string("key_vs_sha256_") + name] = paired_ratio(sha_ns, key_ns, 1);
    report.ratios[std::string("key_vs_sha256_of_encoding_") + name] = paired_ratio(encoded_sha_ns, key_ns, 2);
    report.ratios[std::string("key_vs_roadmap_") + name] = paired_ratio(roadmap_ns, key_ns, 2);
    report.figures[std::string("key_ns_") + name] = median(key_ns);
    report.figures[std::string("sha256_ns_") + name] = median(sha_ns);
    report.figures[std::string("xxh3_ns_") + name] = median(bare_ns);
    report.figures[std::string("roadmap_key_ns_") + name] = median(roadmap_ns);
    report.figures[std::string("whole_query_key_ns_") + name] = median(whole_ns);
  }
  report.notes.push_back(
      "xxh3: the hash of the content alone, nothing encoded; key: model digest encoded once, then per query "
      "max_depth, require_reasoning, content and XXH3-128; "
      "sha256: OpenSSL's EVP over the content alone, algorithm and context reused; sha256_of_encoding: over "
      "the bytes that the key was made of, encoded beforehand; whole_query_key: all 40 "
      "parts of a query encoded anew, with a copy of its content");
  progress.done();
}

}  // namespace sovereign::bench
