#include "server/openai/chat_memo.h"

#include <cstring>
#include <string>

#include "cache/key_encoder.h"

namespace sovereign::server::openai {
namespace {

// What stands before the key's encoding, and what is ready, in an entry's value. Never leaves this process.
struct Head {
  cache::Hash128 hash;
  ChatDelivery delivery;
  std::uint32_t ready_bytes = 0;
  const cache::Entry* ready_of = nullptr;
  cache::WallTime ready_of_created{};
};
static_assert(std::is_trivially_copyable_v<Head>);

// Keys of bodies. Who answers, and how, stays the same from request to request: encoded and hashed when it
// changes.
class BodyEncoder {
 public:
  cache::QueryKey key(std::string_view body, const gateway::BackendIdentity& identity,
                      const runtime::AnswerPolicy& policy) {
    const bool same = identity.digest == digest_ && identity.model == model_ && policy.quality == quality_ &&
                      policy.reasoning == reasoning_;
    if (!same) begin(identity, policy);
    encoder_.rewind(constant_);
    encoder_.add_text(cache::KeyField::messages, body);
    return encoder_.key();
  }

 private:
  void begin(const gateway::BackendIdentity& identity, const runtime::AnswerPolicy& policy) {
    digest_ = identity.digest;
    model_ = identity.model;
    quality_ = policy.quality;
    reasoning_ = policy.reasoning;
    encoder_.clear();
    encoder_.add_text(cache::KeyField::model_digest, digest_);
    encoder_.add_text(cache::KeyField::model_digest, model_);
    encoder_.add_text(cache::KeyField::quality_policy, quality_);
    encoder_.add_text(cache::KeyField::reasoning_policy, reasoning_);
    encoder_.seal();
    constant_ = encoder_.mark();
  }

  std::string digest_;  // the encoder borrows from these four
  std::string model_;
  std::string quality_;
  std::string reasoning_;
  cache::KeyEncoder encoder_;
  cache::KeyEncoder::Mark constant_ = encoder_.mark();
};

// Valid until this thread's next call.
cache::QueryKey body_key(std::string_view body, const gateway::BackendIdentity& identity,
                         const runtime::AnswerPolicy& policy) {
  thread_local BodyEncoder encoder;
  return encoder.key(body, identity, policy);
}

cache::LruConfig lru_config(std::size_t max_bytes) {
  cache::LruConfig config;
  config.max_bytes = max_bytes;
  return config;
}

}  // namespace

ChatMemo::ChatMemo(std::size_t max_bytes) : lru_(lru_config(max_bytes)) {}

std::optional<ChatMemo::Found> ChatMemo::find(std::string_view body, const gateway::BackendIdentity& identity,
                                              const runtime::AnswerPolicy& policy) {
  if (body.size() > kMaxBodyBytes) return std::nullopt;
  const std::uint64_t clears = clears_.load();
  auto entry = lru_.get(body_key(body, identity, policy), cache::wall_now());
  if (!entry) return std::nullopt;
  Head head;
  std::memcpy(&head, entry->value().data(), sizeof head);
  const auto rest = entry->value().substr(sizeof head);
  const auto encoding_bytes = rest.size() - head.ready_bytes;
  const cache::QueryKey key(head.hash, rest.substr(0, encoding_bytes));
  return Found{std::move(entry),      key,   head.delivery, rest.substr(encoding_bytes), head.ready_of,
               head.ready_of_created, clears};
}

// A block's address is used again, but hardly for the same key within the same millisecond.
std::string_view ChatMemo::Found::ready_for(const cache::Entry& answer) const {
  return &answer == ready_of && answer.created() == ready_of_created ? ready : std::string_view{};
}

void ChatMemo::remember(std::string_view body, const gateway::BackendIdentity& identity,
                        const runtime::AnswerPolicy& policy, const ChatDelivery& delivery,
                        const cache::QueryKey& key) {
  if (body.size() > kMaxBodyBytes || identity.tells_date) return;
  Head head;
  head.hash = key.hash();
  head.delivery = delivery;
  std::string value(sizeof head + key.size(), '\0');
  std::memcpy(value.data(), &head, sizeof head);
  key.write_to(value.data() + sizeof head);
  lru_.put(cache::Entry::make(body_key(body, identity, policy), value, cache::wall_now()));
}

void ChatMemo::keep_ready(const Found& found, const cache::Entry& answer, std::string_view ready) {
  Head head;
  head.hash = found.key.hash();
  head.delivery = found.delivery;
  head.ready_bytes = static_cast<std::uint32_t>(ready.size());
  head.ready_of = &answer;
  head.ready_of_created = answer.created();
  std::string value(sizeof head + found.key.size(), '\0');
  std::memcpy(value.data(), &head, sizeof head);
  found.key.write_to(value.data() + sizeof head);
  value += ready;
  // What was cleared meanwhile must not come back; of the two, one sees the other.
  if (clears_.load() != found.clears) return;
  lru_.put(cache::Entry::make(found.entry->key(), value, cache::wall_now(), answer.expires()));
  if (clears_.load() != found.clears) lru_.erase(found.entry->hash());
}

}  // namespace sovereign::server::openai
