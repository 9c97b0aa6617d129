// One connection to a Redis server, with a limit on every answer: from the moment it is waited for to its
// last byte, however many reads that takes. Hiredis is seen only in the source.
//
// Not thread-safe. After an error the connection is of no more use.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cache/redis_url.h"

struct redisContext;
struct redisReply;

namespace sovereign::cache {

class RedisConnection {
 public:
  using Command = std::vector<std::string>;

  // Connects, authenticates, selects the database. Resolving the host's name may take longer than the
  // limit. Errors: unavailable, unauthenticated.
  static result<RedisConnection> open(const RedisAddress& address, std::chrono::milliseconds limit);

  // None: no such key. Errors: unavailable (broken, or no answer within the limit), internal (Redis
  // refused).
  result<std::optional<std::string>> get(const std::string& key);
  // Sends all, then reads all the answers. Gives which of them the server refused (it is full, or read-only),
  // and why it refused the first. Errors: unavailable.
  struct Refusals {
    std::vector<std::size_t> commands;  // indices
    std::string first;
  };
  result<Refusals> run_all(std::span<const Command> commands);
  // One step of SCAN. The cursor is "0" before the first step and again after the last.
  result<std::vector<std::string>> scan(std::string& cursor, const std::string& pattern);

  bool broken() const { return broken_; }

 private:
  struct Free {
    void operator()(redisContext* context) const;
  };
  using Reply = std::unique_ptr<redisReply, void (*)(void*)>;
  RedisConnection(std::unique_ptr<redisContext, Free> context, std::chrono::milliseconds limit)
      : context_(std::move(context)), limit_(limit) {}
  result<Reply> call(const Command& command);
  result<Reply> read_reply();
  enum class Direction { in, out };
  bool wait_for(Direction direction, std::chrono::steady_clock::time_point deadline);
  void append(const Command& command);
  tl::unexpected<Error> lost();

  std::unique_ptr<redisContext, Free> context_;
  std::chrono::milliseconds limit_;
  bool broken_ = false;
};

}  // namespace sovereign::cache
