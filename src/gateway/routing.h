// Which backends a query may go to, and in which order: a pure decision over what is known of them.
//
// The tier is the query's own, or follows from its estimated complexity; after the tier come its fallbacks.
// Within a tier a lower `priority` comes first. Backends of equal tier, priority and model are replicas:
// the one that this prompt's beginning prefers comes first (rendezvous hashing: its KV cache may hold that
// beginning), unless it has more than its share of the load (consistent hashing with bounded loads,
// Mirrokni, Thorup and Zadimoghaddam 2018), and the others follow in the order of preference.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "gateway/api_route.h"
#include "gateway/failure.h"
#include "gateway/tier.h"

namespace sovereign::gateway {

struct RoutingConfig {
  std::uint32_t local_from = 35;  // estimated complexity from which a query goes to tier local
  std::uint32_t pool_from = 70;   // and to tier pool
  // The tiers that take over, per tier, in order.
  std::vector<Tier> edge_fallback = {Tier::local, Tier::pool};
  std::vector<Tier> local_fallback = {Tier::pool, Tier::edge};
  std::vector<Tier> pool_fallback = {Tier::local, Tier::edge};
  bool require_local = false;       // of every query
  double load_bound = 1.25;         // a replica's share of the load, over the average
  std::size_t prefix_bytes = 1024;  // of the prompt, that make its beginning

  const std::vector<Tier>& fallback(Tier tier) const;
};

// A backend as routing sees it.
struct Candidate {
  std::string_view name;
  std::string_view model;  // may be empty: not known yet
  std::span<const std::string> aliases;
  std::span<const std::string> offers{};  // models that it has besides, which may be named where no other is
  Tier tier = Tier::edge;
  std::uint32_t priority = 0;
  bool embedded = false;          // in this process: asking it opens no socket
  bool admits = true;             // its breaker lets a call pass
  bool stalls = false;            // it admits, and would not answer: comes after all others
  bool lacks_route = false;       // it is known to have none of what is asked for
  Duration wait{};                // until it may, where that is known
  std::uint32_t outstanding = 0;  // calls it has now, running and waiting
  bool full = false;              // one more would wait

  bool is_called(std::string_view asked) const;
  bool has_model(std::string_view asked) const;
  // With which model it answers when it is asked for that; empty: not known.
  std::string_view model_for(std::string_view asked) const;
};

struct RouteQuestion {
  std::string_view model;      // what the client asks for; empty or "auto": any
  std::optional<Tier> tier;    // none: by complexity
  bool require_local = false;  // embedded backends only
  std::uint32_t complexity = 0;
  std::uint64_t prefix_hash = 0;  // of the prompt's beginning
  // Of what is no conversation nobody guesses how hard it is: without model and tier the tiers are asked in
  // their order.
  ApiRoute api = ApiRoute::chat;
  bool variant = false;  // as a canary's variant has it
};

// The name of a model may be "auto", or a tier's: then nobody is named.
inline constexpr std::string_view kAutoModel = "auto";
inline bool names_nobody(std::string_view model) {
  return model.empty() || model == kAutoModel || tier_of(model).has_value();
}

Tier tier_for(std::uint32_t complexity, const RoutingConfig& config);

// Indices into `candidates`, first choice first. Never empty. A named model is never replaced by another. Of
// embeddings none is: all that are given have the first choice's model, which is chosen whether or not
// anybody who has it can be asked now, since vectors of two models must not be compared. Errors: not_found
// "model_not_found"; invalid_argument "require_local" (what was named is not local); unsupported "no_backend"
// (none is configured that may be asked), kRouteMissing (those that are lack the route); unavailable
// "no_backend" (no breaker lets a call pass, with the time until the next one does).
outcome<std::vector<std::size_t>> plan_route(const RouteQuestion& question,
                                             std::span<const Candidate> candidates,
                                             const RoutingConfig& config);

// Of at most `prefix_bytes` bytes.
std::uint64_t hash_prefix(std::string_view prompt, std::size_t prefix_bytes);

}  // namespace sovereign::gateway
