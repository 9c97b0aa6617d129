// RedisLevel's inside: the queue under its lock, the thread that connects and writes, and the connections
// that queries read by. Included by redis_level.cpp only. A reader's lock is taken before the queue's, never
// after.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>

#include "cache/redis_connection.h"
#include "cache/redis_level.h"
#include "cache/slowness.h"
#include "cache/write_queue.h"

namespace sovereign::cache {

class RedisLevel::Core {
 public:
  Core(RedisLevelConfig config, const Stamp& stamp);
  ~Core();

  EntryPtr find(const Hash128& hash, WallTime now);
  void count(bool hit) { (hit ? hits_ : misses_).fetch_add(1, std::memory_order_relaxed); }
  bool put(EntryPtr entry);
  void erase(const Hash128& hash);
  result<void> clear();
  result<void> flush();
  LevelStats stats() const;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Work {
    bool clear = false;
    const WriteBatch* batch = nullptr;
  };

  struct Reader {
    std::mutex mutex;
    std::optional<RedisConnection> connection;
  };
  // As many queries ask at the same time. One connection would make them a queue.
  static constexpr std::size_t kReaders = 4;

  EntryPtr read(const Hash128& hash, WallTime now);
  // None: no such record, or nobody to ask.
  std::optional<std::string> fetch(const std::string& key);
  void note_answer(SteadyTime asked);
  void reader_failed(const Error& error);
  void pass_over(const std::string& why);
  void close_readers();
  result<void> wait_for_cycle(std::unique_lock<std::mutex>& lock);

  // On the thread.
  void run();
  void wait_for_work(std::unique_lock<std::mutex>& lock);
  void finish(const Work& work, const result<void>& done, const std::optional<SteadyTime>& retry_at_before);
  result<void> carry_out(const Work& work);
  result<void> ensure_connected();
  result<void> clear_server();
  // Fails where one of them is refused.
  result<void> carry_out_all(std::span<const RedisConnection::Command> commands);
  result<void> send(const WriteBatch& batch);
  result<void> send_some(std::span<const RedisConnection::Command> commands);
  RedisConnection::Command command_of(const Hash128& hash, const WriteOperation& operation,
                                      WallTime now) const;
  void note_refusals(std::size_t count, const std::string& why);
  void note_taken();
  std::string key_of(const Hash128& hash) const { return prefix_ + to_hex(hash); }

  const RedisLevelConfig config_;
  const Stamp stamp_;
  const std::string prefix_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable progress_;
  WriteQueue queue_;
  bool stop_ = false;
  bool clear_wanted_ = false;
  bool reconnect_wanted_ = false;
  bool hidden_ = false;    // a clear() is not carried out yet: what the server holds must not be seen
  bool refusing_ = false;  // the server has refused an answer since it last took a whole batch
  std::optional<SteadyTime> retry_at_;  // set while the server fails
  std::chrono::milliseconds retry_after_;
  bool on_probation_ = false;  // passed over, and no quick answer since
  Slowness slowness_;
  std::uint64_t cycles_started_ = 0;
  std::uint64_t cycles_finished_ = 0;
  std::uint64_t cycle_wanted_ = 1;  // the first one connects
  std::optional<Error> last_error_;
  LevelStats stats_;

  std::atomic<std::uint64_t> hits_{0};
  std::atomic<std::uint64_t> misses_{0};
  std::atomic<std::uint64_t> corrupt_{0};

  std::array<Reader, kReaders> readers_;

  std::optional<RedisConnection> writer_;  // the thread's own
  std::uint64_t written_ = 0;
  std::thread thread_;
};

}  // namespace sovereign::cache
