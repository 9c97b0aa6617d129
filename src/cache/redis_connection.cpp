#include "cache/redis_connection.h"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sovereign::cache {
namespace {

timeval to_timeval(std::chrono::milliseconds limit) {
  timeval value{};
  value.tv_sec = static_cast<time_t>(limit.count() / 1000);
  value.tv_usec = static_cast<suseconds_t>(limit.count() % 1000 * 1000);
  return value;
}

std::string text_of(const redisReply& reply) { return {reply.str, static_cast<std::size_t>(reply.len)}; }

}  // namespace

void RedisConnection::Free::operator()(redisContext* context) const { redisFree(context); }

tl::unexpected<Error> RedisConnection::lost() {
  broken_ = true;
  return fail(ErrorCode::unavailable, std::string("the Redis server does not answer: ") +
                                          (context_->err == REDIS_ERR_IO || context_->err == REDIS_OK
                                               ? "no answer in time, or the connection broke"
                                               : static_cast<const char*>(context_->errstr)));
}

void RedisConnection::append(const Command& command) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const std::string& word : command) {
    words.push_back(word.data());
    sizes.push_back(word.size());
  }
  redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), sizes.data());
}

// False when the deadline has passed.
bool RedisConnection::wait_for(Direction direction, std::chrono::steady_clock::time_point deadline) {
  pollfd socket{context_->fd, static_cast<short>(direction == Direction::in ? POLLIN : POLLOUT), 0};
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    const int ready = ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
    if (ready > 0) return true;  // also for an error, which the next read or write tells
    if (ready == 0 || errno != EINTR) return false;
  }
}

// Hiredis' own limit is on each read(): a server that sends a byte now and then would be waited for as long
// as it pleases. So its socket never blocks, and the waiting is done here.
result<RedisConnection::Reply> RedisConnection::read_reply() {
  const auto deadline = std::chrono::steady_clock::now() + limit_;
  int sent = 0;
  while (sent == 0) {
    if (redisBufferWrite(context_.get(), &sent) != REDIS_OK) return lost();
    if (sent == 0 && !wait_for(Direction::out, deadline)) return lost();
  }
  void* raw = nullptr;
  for (;;) {
    if (redisReaderGetReply(context_->reader, &raw) != REDIS_OK) return lost();
    if (raw != nullptr) break;
    if (!wait_for(Direction::in, deadline) || redisBufferRead(context_.get()) != REDIS_OK) return lost();
  }
  Reply reply(static_cast<redisReply*>(raw), freeReplyObject);
  if (reply->type == REDIS_REPLY_ERROR) {
    return fail(ErrorCode::internal, "the Redis server refuses: " + text_of(*reply));
  }
  return reply;
}

result<RedisConnection::Reply> RedisConnection::call(const Command& command) {
  append(command);
  return read_reply();
}

result<RedisConnection> RedisConnection::open(const RedisAddress& address, std::chrono::milliseconds limit) {
  std::unique_ptr<redisContext, Free> context(
      redisConnectWithTimeout(address.host.c_str(), address.port, to_timeval(limit)));
  if (!context || context->err != 0) {
    return fail(
        ErrorCode::unavailable,
        "cannot connect to the Redis server at " + address.host + ":" + std::to_string(address.port) +
            (context ? std::string(": ") + static_cast<const char*>(context->errstr) : std::string()));
  }
  const int flags = ::fcntl(context->fd, F_GETFL);
  if (flags < 0 || ::fcntl(context->fd, F_SETFL, flags | O_NONBLOCK) < 0) {
    return fail(ErrorCode::unavailable, "the connection to the Redis server cannot be used");
  }
  context->flags &= ~REDIS_BLOCK;
  RedisConnection connection(std::move(context), limit);
  if (!address.password.empty()) {
    Command auth{"AUTH"};
    if (!address.user.empty()) auth.push_back(address.user);
    auth.push_back(address.password);
    if (auto done = connection.call(auth); !done) {
      const bool refused = done.error().code == ErrorCode::internal;
      return fail(refused ? ErrorCode::unauthenticated : done.error().code, done.error().message);
    }
  }
  // Also without a password: it shows that the server answers.
  if (auto done = connection.call({"SELECT", std::to_string(address.database)}); !done) {
    return fail(done.error());
  }
  return connection;
}

result<std::optional<std::string>> RedisConnection::get(const std::string& key) {
  auto reply = call({"GET", key});
  if (!reply) return fail(reply.error());
  if ((*reply)->type == REDIS_REPLY_NIL) return std::optional<std::string>();
  if ((*reply)->type != REDIS_REPLY_STRING) {
    return fail(ErrorCode::internal, "the Redis server answers GET with something else than bytes");
  }
  return std::optional<std::string>(text_of(**reply));
}

result<RedisConnection::Refusals> RedisConnection::run_all(std::span<const Command> commands) {
  for (const Command& command : commands) append(command);
  Refusals refusals;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto reply = read_reply();
    if (reply) continue;
    if (broken_) return fail(reply.error());
    if (refusals.commands.empty()) refusals.first = reply.error().message;
    refusals.commands.push_back(i);
  }
  return refusals;
}

result<std::vector<std::string>> RedisConnection::scan(std::string& cursor, const std::string& pattern) {
  auto reply = call({"SCAN", cursor, "MATCH", pattern, "COUNT", "500"});
  if (!reply) return fail(reply.error());
  const redisReply& pair = **reply;
  const bool is_scan = pair.type == REDIS_REPLY_ARRAY && pair.elements == 2 &&
                       pair.element[0]->type == REDIS_REPLY_STRING &&
                       pair.element[1]->type == REDIS_REPLY_ARRAY;
  if (!is_scan) return fail(ErrorCode::internal, "the Redis server answers SCAN with something else");
  cursor = text_of(*pair.element[0]);
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < pair.element[1]->elements; ++i)
    keys.push_back(text_of(*pair.element[1]->element[i]));
  return keys;
}

}  // namespace sovereign::cache
