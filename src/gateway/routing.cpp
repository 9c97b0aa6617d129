#include "gateway/routing.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <tuple>

namespace sovereign::gateway {
namespace {

// FNV-1a with a finisher (splitmix64's), so that near hashes rank replicas independently.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return mix(hash);
}

std::chrono::seconds rounded_up(Duration wait) {
  return std::max(std::chrono::seconds(1), std::chrono::ceil<std::chrono::seconds>(wait));
}

// [first, last) are replicas of one another: the preferred ones first, then those with more than their share
// of the load, then those with no place free.
void order_replicas(std::span<std::size_t> replicas, std::span<const Candidate> candidates,
                    const RouteQuestion& question, const RoutingConfig& config) {
  if (replicas.size() < 2) return;
  std::uint64_t outstanding = 1;  // and the one that is being placed
  for (const auto index : replicas) outstanding += candidates[index].outstanding;
  const double average = static_cast<double>(outstanding) / static_cast<double>(replicas.size());
  const auto bound = static_cast<std::uint32_t>(std::ceil(config.load_bound * average));
  const auto rank = [&](std::size_t index) {
    return mix(question.prefix_hash ^ hash_text(candidates[index].name));
  };
  std::sort(replicas.begin(), replicas.end(), [&](std::size_t a, std::size_t b) {
    if (candidates[a].full != candidates[b].full) return candidates[b].full;
    const bool a_full = candidates[a].full || candidates[a].outstanding + 1 > bound;
    const bool b_full = candidates[b].full || candidates[b].outstanding + 1 > bound;
    if (a_full != b_full) return b_full;
    if (a_full && candidates[a].outstanding != candidates[b].outstanding) {
      return candidates[a].outstanding < candidates[b].outstanding;
    }
    return rank(a) > rank(b);
  });
}

// Whether both answer with one model. One here may have another quantization, and pools in its own way.
bool same_model(const Candidate& a, const Candidate& b, std::string_view asked) {
  const auto model = a.model_for(asked);
  return !a.embedded && !b.embedded && !model.empty() && model == b.model_for(asked);
}

Failure no_such_model(std::string_view model, std::span<const Candidate> candidates) {
  std::vector<std::string_view> names;
  for (const Candidate& candidate : candidates) names.push_back(candidate.name);
  return {ErrorCode::not_found,
          fmt::format("The model '{}' does not exist here. Available: {}.", model, fmt::join(names, ", ")),
          "model", "model_not_found"};
}

}  // namespace

const std::vector<Tier>& RoutingConfig::fallback(Tier tier) const {
  switch (tier) {
    case Tier::edge: return edge_fallback;
    case Tier::local: return local_fallback;
    case Tier::pool: return pool_fallback;
  }
  return edge_fallback;
}

bool Candidate::is_called(std::string_view asked) const {
  return asked == name || (!model.empty() && asked == model) ||
         std::find(aliases.begin(), aliases.end(), asked) != aliases.end();
}

bool Candidate::has_model(std::string_view asked) const {
  return std::find(offers.begin(), offers.end(), asked) != offers.end();
}

std::string_view Candidate::model_for(std::string_view asked) const {
  return names_nobody(asked) || is_called(asked) ? model : asked;
}

Tier tier_for(std::uint32_t complexity, const RoutingConfig& config) {
  if (complexity >= config.pool_from) return Tier::pool;
  return complexity >= config.local_from ? Tier::local : Tier::edge;
}

std::uint64_t hash_prefix(std::string_view prompt, std::size_t prefix_bytes) {
  return hash_text(prompt.substr(0, prefix_bytes));
}

outcome<std::vector<std::size_t>> plan_route(const RouteQuestion& question,
                                             std::span<const Candidate> candidates,
                                             const RoutingConfig& config) {
  const auto refuse = [](Failure failure) { return tl::unexpected<Failure>(std::move(failure)); };
  const auto called = [&](const Candidate& candidate) { return candidate.is_called(question.model); };
  const auto has = [&](const Candidate& candidate) { return candidate.has_model(question.model); };
  const bool configured =
      !question.model.empty() && std::any_of(candidates.begin(), candidates.end(), called);
  // What a server says of itself never takes a name from what is configured.
  const bool offered =
      !configured && !names_nobody(question.model) && std::any_of(candidates.begin(), candidates.end(), has);
  const bool named = configured || offered;
  std::optional<Tier> tier = question.tier;
  if (!named && !question.model.empty() && question.model != kAutoModel) {
    const auto meant = tier_of(question.model);
    if (!meant) return refuse(no_such_model(question.model, candidates));
    if (!tier) tier = meant;
  }
  const bool local_only = question.require_local || config.require_local;

  std::vector<Tier> order;
  if (!named) {
    const Tier first = tier ? *tier : tier_for(question.complexity, config);
    order.push_back(first);
    const auto& fallback = config.fallback(first);
    order.insert(order.end(), fallback.begin(), fallback.end());
    // Local comes first: a tier that was only estimated must not turn a local query away.
    if ((local_only || question.api != ApiRoute::chat) && !tier) order.assign(kTiers.begin(), kTiers.end());
  }
  const auto place = [&](Tier of) {
    return named ? 0 : std::find(order.begin(), order.end(), of) - order.begin();
  };

  // Of one name that a server and a model here go by, the server's is meant: another copy, or another size.
  const bool elsewhere =
      offered && !local_only && std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& each) {
        return !each.embedded && has(each) && (!tier || each.tier == *tier);
      });

  std::vector<std::size_t> fitting;
  bool any_local = false;
  bool any_remote = false;
  bool any_lacks_it = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Candidate& candidate = candidates[i];
    const bool fits =
        named ? (offered ? has(candidate) : called(candidate)) && (!tier || candidate.tier == *tier)
              : place(candidate.tier) < static_cast<std::ptrdiff_t>(order.size());
    if (!fits) continue;
    (candidate.embedded ? any_local : any_remote) = true;
    if (candidate.embedded ? elsewhere : local_only) continue;
    if (candidate.lacks_route) {
      any_lacks_it = true;
    } else {
      fitting.push_back(i);
    }
  }
  if (local_only && !any_local) {
    // A remote one was meant by name or tier: waiting would not help.
    if (any_remote && (named || tier)) {
      return refuse({ErrorCode::invalid_argument,
                     "This query must stay in this process, and what it names is elsewhere.", "require_local",
                     "require_local"});
    }
    return refuse({ErrorCode::unsupported,
                   "This query must stay in this process, and no model is served here.", "require_local",
                   "no_backend"});
  }
  if (fitting.empty() && any_lacks_it) {
    return refuse({ErrorCode::unsupported,
                   fmt::format("No backend that may answer has /v1{}.", path_of(question.api)),
                   {},
                   std::string(kRouteMissing)});
  }
  if (fitting.empty()) {
    return refuse({ErrorCode::unsupported, "No backend is configured for this query.", {}, "no_backend"});
  }
  const auto model_of = [&](std::size_t index) {
    return offered ? std::string_view() : candidates[index].model;
  };
  const auto before = [&](std::size_t a, std::size_t b) {
    const auto rank = [&](std::size_t index) {
      const Candidate& candidate = candidates[index];
      return std::tuple(candidate.stalls, place(candidate.tier), candidate.priority, model_of(index));
    };
    return rank(a) < rank(b);
  };
  if (question.api == ApiRoute::embeddings) {
    const auto& first = candidates[*std::min_element(fitting.begin(), fitting.end(), before)];
    std::erase_if(fitting, [&](std::size_t other) {
      return &candidates[other] != &first && !same_model(first, candidates[other], question.model);
    });
  }
  std::vector<std::size_t> chosen;
  std::optional<Duration> soonest;
  for (const auto index : fitting) {
    if (candidates[index].admits) {
      chosen.push_back(index);
    } else if (!soonest || candidates[index].wait < *soonest) {
      soonest = candidates[index].wait;
    }
  }
  if (chosen.empty()) {
    Failure failure(ErrorCode::unavailable, "Every backend that could answer is down; try again shortly.", {},
                    "no_backend");
    failure.retry_after = rounded_up(*soonest);
    return refuse(std::move(failure));
  }
  std::stable_sort(chosen.begin(), chosen.end(), before);
  for (std::size_t first = 0; first < chosen.size();) {
    std::size_t last = first + 1;
    const auto is_replica = [&](std::size_t other) {
      return candidates[other].tier == candidates[chosen[first]].tier && !before(chosen[first], other);
    };
    while (last < chosen.size() && is_replica(chosen[last])) ++last;
    order_replicas(std::span(chosen).subspan(first, last - first), candidates, question, config);
    first = last;
  }
  return chosen;
}

}  // namespace sovereign::gateway
