// A question to the runtime: all that decides its answer, whoever asks and however the answer is delivered.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "cache/wall_time.h"
#include "engine/chat_format.h"
#include "engine/sampling_params.h"

namespace sovereign::runtime {

// Something that the query brings along to be answered from: a document, or a value under its name.
struct ContextItem {
  std::string title;  // may be empty
  std::string text;
  bool is_value = false;  // `title` is a key and `text` its value
};

// What the response cache may do for a query.
enum class CacheMode {
  automatic,  // answers that would come out the same again: greedy, or with a fixed seed
  force,      // any answer
  refresh,    // as automatic, but answer anew and keep that
  off,        // neither look nor keep
};

struct CachePolicy {
  CacheMode mode = CacheMode::automatic;
  bool no_lookup = false;                           // Cache-Control: no-cache
  bool no_store = false;                            // Cache-Control: no-store
  std::optional<cache::WallDuration> age_limit;     // Cache-Control: max-age; an older answer is a miss
  std::optional<cache::WallDuration> time_to_live;  // of this answer; none: as configured
};

// What a receipt is to say of the asking itself.
struct ReceiptRequest {
  std::string text;               // what is sealed as the query: the request's body, byte for byte
  std::string form;               // how that is read: "query" or "chat"
  std::uint64_t received_ms = 0;  // since 1970-01-01 UTC
};

// Which of the fields that have defaults the client set itself.
struct GivenFields {
  bool temperature = false;
  bool top_p = false;
  bool min_p = false;
  bool typical_p = false;
  bool top_k = false;
  bool repeat_penalty = false;
  bool frequency_penalty = false;
  bool presence_penalty = false;
  bool max_tokens = false;
};

// With `content` the conversation is made from system, context and content (prompt.h); without, it is
// `chat.messages_json` as it stands.
struct SovereignQuery {
  std::string id;
  std::string content;
  std::string system;
  std::vector<ContextItem> context;
  std::uint32_t max_depth = 0;     // levels of reasoning; 0: none, or as configured when it is required
  bool require_reasoning = false;  // rather no answer than one without

  engine::ChatInput chat;
  std::uint32_t n = 1;           // answers
  std::uint32_t max_tokens = 0;  // per answer; 0: until the model's context is full
  std::vector<std::string> stop;
  bool ignore_eos = false;
  engine::SamplingParams sampling;
  GivenFields given;  // decides nothing but whether a canary's defaults count

  bool require_local = false;  // nothing of it may leave this process
  bool whole = false;          // the answer is delivered at its end, not token by token

  CachePolicy cache;
  std::optional<Time> deadline;
  std::optional<ReceiptRequest> receipt;  // none: no receipt is wanted

  // Whether it is to be thought over first. A conversation that is given as it stands is not.
  bool reasons() const { return (require_reasoning || max_depth > 0) && !content.empty(); }

  // Whether asking again gives the same answer.
  bool reproducible() const { return sampling.greedy() || sampling.seed.has_value(); }
};

}  // namespace sovereign::runtime
