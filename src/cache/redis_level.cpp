#include "cache/redis_level.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "cache/redis_level_core.h"

namespace sovereign::cache {
namespace {

std::string seconds_text(std::chrono::milliseconds duration) {
  return std::to_string(std::max<std::int64_t>(1, duration.count() / 1000)) + " s";
}

constexpr std::string_view kPut = "SET";
constexpr std::string_view kErase = "UNLINK";

// Commands of one round trip.
constexpr std::size_t kCommandsAtOnce = 128;

}  // namespace

RedisLevel::Core::Core(RedisLevelConfig config, const Stamp& stamp)
    : config_(std::move(config)),
      stamp_(stamp),
      prefix_("sovereign:" + to_hex(stamp.fingerprint()) + ":"),
      queue_(config_.max_queue_bytes),
      retry_after_(config_.retry_min),
      slowness_(config_.timeout / 2),
      thread_([this] { run(); }) {}

RedisLevel::Core::~Core() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  thread_.join();
}

EntryPtr RedisLevel::Core::find(const Hash128& hash, WallTime now) {
  {
    const std::lock_guard lock(mutex_);
    if (const WriteOperation* operation = queue_.find(hash)) {
      const bool is_live = operation->entry && !operation->entry->expired(now);
      return is_live ? operation->entry : nullptr;
    }
    if (hidden_ || retry_at_) return nullptr;
  }
  return read(hash, now);
}

std::optional<std::string> RedisLevel::Core::fetch(const std::string& key) {
  for (Reader& reader : readers_) {
    const std::unique_lock lock(reader.mutex, std::try_to_lock);
    if (!lock.owns_lock() || !reader.connection) continue;
    const SteadyTime asked = std::chrono::steady_clock::now();
    auto got = reader.connection->get(key);
    if (got) {
      note_answer(asked);
      return std::move(*got);
    }
    reader.connection.reset();
    reader_failed(got.error());
    return std::nullopt;
  }
  return std::nullopt;
}

EntryPtr RedisLevel::Core::read(const Hash128& hash, WallTime now) {
  const std::optional<std::string> record = fetch(key_of(hash));
  if (!record) return nullptr;
  result<EntryPtr> entry = decode_record(*record, stamp_);
  if (!entry || (*entry)->hash() != hash) {
    corrupt_.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
  }
  return (*entry)->expired(now) ? nullptr : std::move(*entry);
}

void RedisLevel::Core::note_answer(SteadyTime asked) {
  const auto took = std::chrono::steady_clock::now() - asked;
  const std::lock_guard lock(mutex_);
  if (took <= slowness_.limit() && std::exchange(on_probation_, false)) retry_after_ = config_.retry_min;
  if (!slowness_.record(took)) return;
  ++stats_.errors;
  stats_.healthy = false;
  pass_over("it answers too slowly");
}

void RedisLevel::Core::reader_failed(const Error& error) {
  const std::lock_guard lock(mutex_);
  ++stats_.errors;
  stats_.healthy = false;
  reconnect_wanted_ = true;
  pass_over(error.message);
}

// Under the lock.
void RedisLevel::Core::pass_over(const std::string& why) {
  slowness_.forget();
  if (!retry_at_) {
    spdlog::warn("the shared cache is passed over for {}: {}", seconds_text(retry_after_), why);
    retry_at_ = std::chrono::steady_clock::now() + retry_after_;
    retry_after_ = std::min(retry_after_ * 2, config_.retry_max);
    on_probation_ = true;
  }
  work_.notify_all();
}

void RedisLevel::Core::close_readers() {
  for (Reader& reader : readers_) {
    const std::lock_guard lock(reader.mutex);
    reader.connection.reset();
  }
}

bool RedisLevel::Core::put(EntryPtr entry) {
  const std::lock_guard lock(mutex_);
  if (!queue_.put(std::move(entry))) {
    ++stats_.refusals;
    return false;
  }
  work_.notify_all();
  return true;
}

void RedisLevel::Core::erase(const Hash128& hash) {
  const std::lock_guard lock(mutex_);
  if (!queue_.erase(hash)) {
    queue_.clear();
    clear_wanted_ = hidden_ = true;
  }
  work_.notify_all();
}

result<void> RedisLevel::Core::clear() {
  std::unique_lock lock(mutex_);
  queue_.clear();
  clear_wanted_ = hidden_ = true;
  return wait_for_cycle(lock);
}

result<void> RedisLevel::Core::flush() {
  std::unique_lock lock(mutex_);
  return wait_for_cycle(lock);
}

result<void> RedisLevel::Core::wait_for_cycle(std::unique_lock<std::mutex>& lock) {
  const std::uint64_t cycle = cycles_started_ + 1;
  cycle_wanted_ = std::max(cycle_wanted_, cycle);
  work_.notify_all();
  progress_.wait(lock, [&] { return cycles_finished_ >= cycle; });
  if (last_error_) return fail(*last_error_);
  return {};
}

LevelStats RedisLevel::Core::stats() const {
  const std::lock_guard lock(mutex_);
  LevelStats stats = stats_;
  stats.hits = hits_.load(std::memory_order_relaxed);
  stats.misses = misses_.load(std::memory_order_relaxed);
  stats.corrupt = corrupt_.load(std::memory_order_relaxed);
  stats.pending = queue_.operations();
  return stats;
}

void RedisLevel::Core::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_work(lock);
    const bool is_last = stop_;
    const Work work{std::exchange(clear_wanted_, false), &queue_.begin_writing()};
    const bool reconnect = std::exchange(reconnect_wanted_, false);
    const std::optional<SteadyTime> retry_at_before = retry_at_;
    ++cycles_started_;
    lock.unlock();
    if (reconnect) {
      writer_.reset();
      close_readers();
    }
    const result<void> done = carry_out(work);
    lock.lock();
    finish(work, done, retry_at_before);
    if (is_last) return;
  }
}

void RedisLevel::Core::wait_for_work(std::unique_lock<std::mutex>& lock) {
  while (true) {
    if (stop_ || cycle_wanted_ > cycles_started_) return;
    const bool wanted = clear_wanted_ || reconnect_wanted_ || !queue_.gathering_empty();
    if (!retry_at_) {
      if (wanted) return;
      work_.wait(lock);
    } else if (std::chrono::steady_clock::now() >= *retry_at_) {
      return;
    } else {
      work_.wait_until(lock, *retry_at_);
    }
  }
}

void RedisLevel::Core::finish(const Work& work, const result<void>& done,
                              const std::optional<SteadyTime>& retry_at_before) {
  // What queries found out meanwhile stands: that they can be written to does not make them quick.
  const bool passed_over_meanwhile = retry_at_ != retry_at_before;
  ++cycles_finished_;
  stats_.writes = written_;
  stats_.healthy = done.has_value() && !passed_over_meanwhile;
  if (done) {
    queue_.written();
    if (!clear_wanted_) hidden_ = false;
    if (!passed_over_meanwhile) {
      if (retry_at_) spdlog::info("the shared cache is asked again");
      retry_at_.reset();
      if (!on_probation_) retry_after_ = config_.retry_min;
    }
    last_error_.reset();
  } else {
    queue_.restore();
    clear_wanted_ = clear_wanted_ || work.clear;
    ++stats_.errors;
    if (!retry_at_) spdlog::warn("the shared cache is passed over for now: {}", done.error().message);
    retry_at_ = std::chrono::steady_clock::now() + retry_after_;
    retry_after_ = std::min(retry_after_ * 2, config_.retry_max);
    last_error_ = done.error();
  }
  progress_.notify_all();
}

result<void> RedisLevel::Core::carry_out(const Work& work) {
  if (auto done = ensure_connected(); !done) return done;
  result<void> outcome;
  if (work.clear) outcome = clear_server();
  if (outcome && !work.batch->empty()) outcome = send(*work.batch);
  if (!outcome && writer_->broken()) {
    writer_.reset();
    close_readers();
  }
  return outcome;
}

result<void> RedisLevel::Core::ensure_connected() {
  if (!writer_ || writer_->broken()) {
    writer_.reset();
    auto connection = RedisConnection::open(config_.address, config_.timeout);
    if (!connection) return fail(connection.error());
    writer_.emplace(std::move(*connection));
  }
  for (Reader& reader : readers_) {
    {
      const std::lock_guard lock(reader.mutex);
      if (reader.connection) continue;
    }
    auto connection = RedisConnection::open(config_.address, config_.timeout);
    if (!connection) return fail(connection.error());
    const std::lock_guard lock(reader.mutex);
    reader.connection.emplace(std::move(*connection));
  }
  return {};
}

result<void> RedisLevel::Core::clear_server() {
  std::string cursor = "0";
  do {
    auto keys = writer_->scan(cursor, prefix_ + "*");
    if (!keys) return fail(keys.error());
    if (keys->empty()) continue;
    RedisConnection::Command unlink{std::string(kErase)};
    std::move(keys->begin(), keys->end(), std::back_inserter(unlink));
    if (auto done = carry_out_all(std::span(&unlink, 1)); !done) return done;
  } while (cursor != "0");
  return {};
}

void RedisLevel::Core::note_refusals(std::size_t count, const std::string& why) {
  const std::lock_guard lock(mutex_);
  // The first of a row is logged; then the counter tells.
  if (!refusing_) spdlog::warn("the shared cache does not take answers: {}", why);
  refusing_ = true;
  stats_.refusals += count;
}

void RedisLevel::Core::note_taken() {
  const std::lock_guard lock(mutex_);
  refusing_ = false;
}

result<void> RedisLevel::Core::carry_out_all(std::span<const RedisConnection::Command> commands) {
  const auto refused = writer_->run_all(commands);
  if (!refused) return fail(refused.error());
  if (!refused->commands.empty()) return fail(ErrorCode::unavailable, refused->first);
  return {};
}

RedisConnection::Command RedisLevel::Core::command_of(const Hash128& hash, const WriteOperation& operation,
                                                      WallTime now) const {
  const bool is_live = operation.kind == WriteOperation::Kind::put && !operation.entry->expired(now);
  // An older answer may be there, which ends later.
  if (!is_live) return {std::string(kErase), key_of(hash)};
  RedisConnection::Command put{std::string(kPut), key_of(hash), encode_record(*operation.entry, stamp_)};
  if (operation.entry->expires() != kNever) {
    put.insert(put.end(), {"PX", std::to_string((operation.entry->expires() - now).count())});
  }
  return put;
}

// One round trip, and another where answers were refused.
result<void> RedisLevel::Core::send_some(std::span<const RedisConnection::Command> commands) {
  const auto refused = writer_->run_all(commands);
  if (!refused) return fail(refused.error());
  // A full server refuses single answers. Those are lost, as a cache may lose them, and with each the one
  // that it was to replace.
  std::vector<RedisConnection::Command> erasures;
  for (const std::size_t index : refused->commands) {
    // An erasure is not lost: all is sent again.
    if (commands[index].front() != kPut) return fail(ErrorCode::unavailable, refused->first);
    erasures.push_back({std::string(kErase), commands[index][1]});
  }
  if (!erasures.empty()) {
    if (auto done = carry_out_all(erasures); !done) return done;
    note_refusals(erasures.size(), refused->first);
  }
  const auto puts = static_cast<std::size_t>(std::count_if(
      commands.begin(), commands.end(), [](const auto& command) { return command.front() == kPut; }));
  written_ += puts - erasures.size();
  if (erasures.empty() && puts > 0) note_taken();
  return {};
}

result<void> RedisLevel::Core::send(const WriteBatch& batch) {
  std::vector<RedisConnection::Command> commands;
  const WallTime now = wall_now();
  for (const auto& [hash, operation] : batch) {
    if (operation.kind == WriteOperation::Kind::touch) continue;
    commands.push_back(command_of(hash, operation, now));
    if (commands.size() < kCommandsAtOnce) continue;
    if (auto done = send_some(commands); !done) return done;
    commands.clear();
  }
  return commands.empty() ? result<void>() : send_some(commands);
}

RedisLevel::RedisLevel(RedisLevelConfig config, const Stamp& stamp)
    : core_(std::make_unique<Core>(std::move(config), stamp)) {}
RedisLevel::~RedisLevel() = default;

EntryPtr RedisLevel::get(const QueryKey& key, WallTime now) {
  EntryPtr entry = core_->find(key.hash(), now);
  if (entry && !key.matches(entry->encoding())) entry = nullptr;
  core_->count(entry != nullptr);
  return entry;
}
EntryPtr RedisLevel::peek(const Hash128& hash, WallTime now) { return core_->find(hash, now); }
bool RedisLevel::put(EntryPtr entry) { return core_->put(std::move(entry)); }
void RedisLevel::erase(const Hash128& hash) { core_->erase(hash); }
result<void> RedisLevel::clear() { return core_->clear(); }
result<void> RedisLevel::flush() { return core_->flush(); }
LevelStats RedisLevel::stats() const { return core_->stats(); }

}  // namespace sovereign::cache
