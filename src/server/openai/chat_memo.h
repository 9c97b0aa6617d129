// From a chat request's bytes straight to its cache key, for requests that came before.
//
// Reading a request and encoding its key takes longer than finding the answer. What a body means follows
// from its bytes and the model alone, so the second time it is looked up instead of read. The answer itself
// is in the response cache, with its age, its end and its eviction; this remembers keys, and what the answer
// that was found last looks like when it goes out (ready_answer.h).
// Thread-safe; find() allocates nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "cache/lru.h"
#include "gateway/backend.h"
#include "runtime/answer_policy.h"

namespace sovereign::server::openai {

// How an answer is to be written, beside what it says.
struct ChatDelivery {
  bool stream = false;
  bool include_usage = false;
  bool with_logprobs = false;
  std::uint32_t n = 1;
};

class ChatMemo {
 public:
  // Larger bodies are not remembered: they would push out many others, and take long to hash.
  static constexpr std::size_t kMaxBodyBytes = 64 * 1024;

  explicit ChatMemo(std::size_t max_bytes);

  struct Found {
    cache::EntryPtr entry;  // what `key` borrows from
    cache::QueryKey key;
    ChatDelivery delivery;
    // What keep_ready() kept for this answer; empty: nothing, or for another answer.
    std::string_view ready_for(const cache::Entry& answer) const;

    std::string_view ready;
    const cache::Entry* ready_of = nullptr;  // only compared: it may be gone
    cache::WallTime ready_of_created{};
    std::uint64_t clears = 0;  // before it was found
  };
  std::optional<Found> find(std::string_view body, const gateway::BackendIdentity& identity,
                            const runtime::AnswerPolicy& policy);

  // Bodies that mean another key tomorrow (BackendIdentity::tells_date) are passed over.
  void remember(std::string_view body, const gateway::BackendIdentity& identity,
                const runtime::AnswerPolicy& policy, const ChatDelivery& delivery,
                const cache::QueryKey& key);

  // How the answer goes out, for the same body and the next time. `found` is what find() gave.
  void keep_ready(const Found& found, const cache::Entry& answer, std::string_view ready);

  // Forgets all bodies: they hold what was asked, and what was answered.
  void clear() {
    clears_.fetch_add(1);
    lru_.clear();
  }

 private:
  cache::Lru lru_;
  std::atomic<std::uint64_t> clears_{0};
};

}  // namespace sovereign::server::openai
