#include "cache/redis_connection.h"

#include <hiredis/hiredis.h>

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
  return fail(ErrorCode::unavailable,
              std::string("the Redis server does not answer: ") +
                  (context_->err == REDIS_ERR_IO ? "no answer in time, or the connection broke"
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

result<RedisConnection::Reply> RedisConnection::read_reply() {
  void* raw = nullptr;
  if (redisGetReply(context_.get(), &raw) != REDIS_OK || raw == nullptr) return lost();
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
  redisSetTimeout(context.get(), to_timeval(limit));
  RedisConnection connection(std::move(context));
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

result<void> RedisConnection::run_all(std::span<const Command> commands) {
  for (const Command& command : commands) append(command);
  result<void> outcome;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    const auto reply = read_reply();
    if (reply) continue;
    if (outcome) outcome = fail(reply.error());
    if (broken_) break;
  }
  return outcome;
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
