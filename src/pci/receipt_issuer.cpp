#include "pci/receipt_issuer.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

#include "crypto/utf8.h"
#include "pci/hex.h"

namespace sovereign::pci {
namespace {

constexpr std::string_view kIdPrefix = "r-";
constexpr std::size_t kIdRandomBytes = 16;
constexpr std::size_t kMostClosedLogs = 16;              // the newest ones are kept open, for find()
constexpr std::chrono::milliseconds kRetryAfter{1'000};  // a checkpoint that failed

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
  auto session = LogSession::open(config.folder, config.boot_id);
  if (!session) return fail(std::move(session.error()));
  using Opened = result<ReceiptLog>;
  const auto open_log = [&] { return ReceiptLog::open(config.folder, key, now_ms, config.sync); };
  std::optional<Opened> log;
  std::optional<std::filesystem::path> set_aside;
  if (session->loss() != LogSession::Loss::possible) log.emplace(open_log());
  const bool torn = log && !*log && log->error().code == ErrorCode::corrupt &&
                    session->loss() == LogSession::Loss::unfinished;
  if (!log || torn) {
    // Damage to what was on the disk for certain is no power loss: somebody should look at it.
    const auto covered = ReceiptLog::open_read_only(config.folder, ReceiptLog::Tail::not_counted);
    if (!covered && covered.error().code != ErrorCode::not_found) return fail(covered.error());
    if (covered) {
      auto moved = session->set_aside();
      if (!moved) return fail(std::move(moved.error()));
      set_aside = std::move(*moved);
    }
    log.emplace(open_log());
  }
  if (!*log) return fail(std::move(log->error()));
  // What a process that was killed left unsynced may not be lost under a session that promises more.
  if ((*log)->size() > (*log)->tree().head().head.size)
    if (auto good = (*log)->checkpoint(key, now_ms); !good) return fail(std::move(good.error()));
  if (auto begun = session->begin(config.sync == ReceiptLog::Sync::each_commit); !begun)
    return fail(std::move(begun.error()));
  return std::unique_ptr<ReceiptIssuer>(new ReceiptIssuer(config, std::move(key), std::move(*session),
                                                          std::move(**log), std::move(set_aside), now_ms));
}

ReceiptIssuer::ReceiptIssuer(const ReceiptIssuerConfig& config, crypto::SigningKey key, LogSession session,
                             ReceiptLog log, std::optional<std::filesystem::path> set_aside,
                             std::uint64_t now_ms)
    : config_(config),
      key_(std::move(key)),
      session_(std::move(session)),
      set_aside_(std::move(set_aside)),
      log_(std::move(log)),
      newest_ms_(now_ms),
      log_entries_(log_.size()),
      log_bytes_(log_.bytes()) {
  std::vector<std::filesystem::path> folders = closed_logs(config.folder);
  if (folders.size() > kMostClosedLogs)
    folders.erase(folders.begin(), folders.end() - static_cast<std::ptrdiff_t>(kMostClosedLogs));
  for (const auto& folder : folders)
    if (auto closed = ReceiptLog::open_read_only(folder, ReceiptLog::Tail::not_counted))
      closed_.push_back(std::move(*closed));
  checkpointer_ = std::jthread([this](const std::stop_token& stop) { keep_checkpoints(stop); });
}

ReceiptIssuer::~ReceiptIssuer() {
  checkpointer_.request_stop();
  checkpointer_.join();
  // What fails here is seen by the next open(): the session did not end.
  if (is_covered() || checkpoint()) (void)session_.end();
}

void ReceiptIssuer::keep_checkpoints(const std::stop_token& stop) {
  const std::chrono::milliseconds interval(config_.checkpoint_ms);
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!uncovered_.wait(lock, stop, [this] { return !is_covered(); })) return;
      // Many receipts share one.
      if (interval.count() > 0) uncovered_.wait_for(lock, stop, interval, [] { return false; });
      if (stop.stop_requested()) return;
    }
    if (checkpoint()) continue;
    std::unique_lock lock(mutex_);
    uncovered_.wait_for(lock, stop, std::max(interval, kRetryAfter), [] { return false; });
    if (stop.stop_requested()) return;
  }
}

result<void> ReceiptIssuer::checkpoint() {
  const std::lock_guard one_at_a_time(checkpoint_mutex_);
  const auto take = [this]() -> result<void> {
    std::unique_lock lock(mutex_);
    const auto head = log_.sign_head(key_, newest_ms_);
    lock.unlock();
    if (!head) return fail(head.error());
    if (auto good = log_.sync_written(); !good) return good;
    lock.lock();
    if (auto good = log_.store_head(*head); !good) return good;
    lock.unlock();
    return log_.sync_heads();
  };
  auto taken = take();
  (taken ? checkpoints_ : checkpoints_failed_).fetch_add(1, std::memory_order_relaxed);
  return taken;
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
  FreshReceipt fresh = sign_receipt(std::move(content), key_);
  if (auto good = log_.append(fresh); !good) return fail(std::move(good.error()));
  file.receipt = std::move(fresh.receipt);
  log_entries_.store(log_.size(), std::memory_order_relaxed);
  log_bytes_.store(log_.bytes(), std::memory_order_relaxed);
  newest_ms_ = std::max(newest_ms_, now_ms);
  uncovered_.notify_one();
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
  {
    const std::lock_guard lock(mutex_);
    auto receipt = log_.read(*sequence);
    // The random part keeps those who only count from reading along.
    if (receipt && constant_time_equal(receipt->content.id, id)) {
      auto position = log_.position(*sequence, key_, now_ms);
      if (!position) return fail(std::move(position.error()));
      return ReceiptFile{std::move(*receipt), std::move(*position), {}};
    }
    if (!receipt && receipt.error().code != ErrorCode::not_found) return fail(std::move(receipt.error()));
  }
  for (const ReceiptLog& log : closed_) {
    auto receipt = log.read(*sequence);
    if (!receipt || !constant_time_equal(receipt->content.id, id)) continue;
    auto position = log.stored_position(*sequence);
    if (!position) return fail(std::move(position.error()));
    return ReceiptFile{std::move(*receipt), std::move(*position), {}};
  }
  return not_found();
}

result<ConsistencyProof> ReceiptIssuer::consistency(std::uint64_t from_size, std::uint64_t to_size,
                                                    std::uint64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t size = log_.size();
  if (to_size == 0) to_size = size;
  if (from_size > to_size || to_size > size)
    return fail(ErrorCode::invalid_argument,
                fmt::format("The log has {} receipts: it cannot show that one of {} grew from one of {}.",
                            size, to_size, from_size),
                "from");
  auto head = log_.sign_head(key_, now_ms);
  if (!head) return fail(std::move(head.error()));
  auto path = log_.tree().consistency_proof(from_size, to_size);
  if (!path) return fail(std::move(path.error()));
  return ConsistencyProof{from_size, to_size, std::move(*path), *head};
}

ReceiptStats ReceiptIssuer::stats() const {
  return {issued_.load(std::memory_order_relaxed),      failed_.load(std::memory_order_relaxed),
          checkpoints_.load(std::memory_order_relaxed), checkpoints_failed_.load(std::memory_order_relaxed),
          log_entries_.load(std::memory_order_relaxed), log_bytes_.load(std::memory_order_relaxed)};
}

}  // namespace sovereign::pci
