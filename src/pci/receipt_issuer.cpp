#include "pci/receipt_issuer.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "crypto/utf8.h"
#include "pci/hex.h"

namespace sovereign::pci {
namespace {

constexpr std::string_view kIdPrefix = "r-";
constexpr std::size_t kIdRandomBytes = 16;

template <std::size_t size>
std::array<std::byte, size> random_bytes() {
  std::array<std::byte, size> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

bool is_utf8(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    if (static_cast<unsigned char>(*p) < 0x80) {
      ++p;
      continue;
    }
    const std::size_t bytes = crypto::utf8_sequence_bytes(p, end);
    if (bytes == 0) return false;
    p += bytes;
  }
  return true;
}

// What a signature will stand for must be a receipt that others can read.
result<void> check_draft(const ReceiptDraft& draft) {
  const auto wrong = [](std::string_view what) {
    return fail(ErrorCode::invalid_argument, fmt::format("no receipt can be made: {}", what));
  };
  if (!is_utf8(draft.model_name)) return wrong("the model's name is not UTF-8");
  if (draft.received_ms >= kTimestampEndMs) return wrong("the time of receipt is past 2^53 ms");
  for (const auto& [name, value] : draft.sampling) {
    if (!is_sampling_name(name)) return wrong(fmt::format("'{}' cannot name a setting", name));
    if (!is_utf8(value)) return wrong(fmt::format("the value of '{}' is not UTF-8", name));
  }
  return {};
}

std::optional<std::uint64_t> sequence_of(std::string_view id) {
  if (!id.starts_with(kIdPrefix)) return {};
  id.remove_prefix(kIdPrefix.size());
  std::uint64_t sequence = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), sequence);
  if (error != std::errc{} || end == id.data() + id.size() || *end != '-') return {};
  return sequence;
}

}  // namespace

result<std::unique_ptr<ReceiptIssuer>> ReceiptIssuer::open(const ReceiptIssuerConfig& config,
                                                           crypto::SigningKey key, std::uint64_t now_ms) {
  if (!is_utf8(config.engine))
    return fail(ErrorCode::invalid_argument, "the engine's name is not UTF-8", "engine");
  auto log = ReceiptLog::open(config.folder, key, now_ms, config.sync, config.tail);
  if (!log) return fail(std::move(log.error()));
  return std::unique_ptr<ReceiptIssuer>(new ReceiptIssuer(config, std::move(key), std::move(*log), now_ms));
}

ReceiptIssuer::ReceiptIssuer(const ReceiptIssuerConfig& config, crypto::SigningKey key, ReceiptLog log,
                             std::uint64_t now_ms)
    : config_(config),
      key_(std::move(key)),
      log_(std::move(log)),
      checkpoint_at_ms_(now_ms),
      log_entries_(log_.size()),
      log_bytes_(log_.bytes()) {}

ReceiptIssuer::~ReceiptIssuer() {
  // What it would report is reported by the next open(): the log says what it lacks.
  if (newest_ms_ != 0) (void)log_.checkpoint(key_, newest_ms_);
}

result<ReceiptFile> ReceiptIssuer::issue(const ReceiptDraft& draft, std::uint64_t now_ms) {
  const auto count_failure = [this](Error error) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    return fail(std::move(error));
  };
  if (auto good = check_draft(draft); !good) return count_failure(std::move(good.error()));
  const Openings openings{random_bytes<32>(), random_bytes<32>()};
  ReceiptContent content;
  content.query_digest = salted_digest(SaltedText::query, *openings.query_salt, draft.query);
  content.answer_digest = salted_digest(SaltedText::answer, *openings.answer_salt, draft.answer);
  content.engine = config_.engine;
  content.issued_ms = now_ms;
  content.model_digest = draft.model_digest;
  content.model_name = draft.model_name;
  content.received_ms = draft.received_ms;
  content.sampling = draft.sampling;
  content.scores = draft.scores;
  auto file = sign_and_log(std::move(content), openings, now_ms);
  if (!file) return count_failure(std::move(file.error()));
  issued_.fetch_add(1, std::memory_order_relaxed);
  return file;
}

result<ReceiptFile> ReceiptIssuer::sign_and_log(ReceiptContent content, const Openings& openings,
                                                std::uint64_t now_ms) {
  ReceiptFile file;
  file.openings = openings;
  const std::string random = hex_of(random_bytes<kIdRandomBytes>());

  const std::lock_guard lock(mutex_);
  content.sequence = log_.size();
  content.previous = log_.newest_digest();
  content.id = fmt::format("{}{}-{}", kIdPrefix, content.sequence, random);
  file.receipt = sign_receipt(std::move(content), key_);
  if (auto good = log_.append(file.receipt); !good) return fail(std::move(good.error()));
  log_entries_.store(log_.size(), std::memory_order_relaxed);
  log_bytes_.store(log_.bytes(), std::memory_order_relaxed);
  newest_ms_ = now_ms;
  if (now_ms >= checkpoint_at_ms_) {
    if (auto good = log_.checkpoint(key_, now_ms); !good) return fail(std::move(good.error()));
    checkpoint_at_ms_ = now_ms + config_.checkpoint_ms;
  }
  auto position = log_.position(file.receipt.content.sequence, key_, now_ms);
  if (!position) return fail(std::move(position.error()));
  file.position = std::move(*position);
  return file;
}

result<ReceiptFile> ReceiptIssuer::find(std::string_view id, std::uint64_t now_ms) {
  const auto sequence = sequence_of(id);
  const auto not_found = [&] {
    return fail(ErrorCode::not_found, fmt::format("there is no receipt '{}'", id), "id");
  };
  if (!sequence) return not_found();
  const std::lock_guard lock(mutex_);
  if (*sequence >= log_.size()) return not_found();
  auto receipt = log_.read(*sequence);
  if (!receipt) return fail(std::move(receipt.error()));
  // The random part keeps those who only count from reading along.
  if (!constant_time_equal(receipt->content.id, id)) return not_found();
  auto position = log_.position(*sequence, key_, now_ms);
  if (!position) return fail(std::move(position.error()));
  return ReceiptFile{std::move(*receipt), std::move(*position), {}};
}

ReceiptStats ReceiptIssuer::stats() const {
  return {issued_.load(std::memory_order_relaxed), failed_.load(std::memory_order_relaxed),
          log_entries_.load(std::memory_order_relaxed), log_bytes_.load(std::memory_order_relaxed)};
}

result<void> ReceiptIssuer::checkpoint(std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  checkpoint_at_ms_ = now_ms + config_.checkpoint_ms;
  return log_.checkpoint(key_, now_ms);
}

}  // namespace sovereign::pci
