#include "config/canary_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "base/sha256.h"
#include "config/backend_table.h"
#include "config/key_makers.h"
#include "config/key_table.h"
#include "config/model_table.h"

namespace sovereign::config {
namespace {

using runtime::CanaryOverlay;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::string_view kSampling = "sampling.";

// A default of sampling that a variant may change.
struct SamplingDefault {
  std::string_view name;
  bool whole;
  double least;
  double most;
  void (*set)(CanaryOverlay&, double);
};
constexpr double kMostTokens = std::numeric_limits<std::int32_t>::max();
constexpr std::array kSamplingDefaults = {
    SamplingDefault{"temperature", false, 0, 2, [](CanaryOverlay& o, double v) { o.temperature = v; }},
    SamplingDefault{"top_p", false, 0, 1, [](CanaryOverlay& o, double v) { o.top_p = v; }},
    SamplingDefault{"min_p", false, 0, 1, [](CanaryOverlay& o, double v) { o.min_p = v; }},
    SamplingDefault{"typical_p", false, 0, 1, [](CanaryOverlay& o, double v) { o.typical_p = v; }},
    SamplingDefault{"repeat_penalty", false, 0.01, 10,
                    [](CanaryOverlay& o, double v) { o.repeat_penalty = v; }},
    SamplingDefault{"frequency_penalty", false, -2, 2,
                    [](CanaryOverlay& o, double v) { o.frequency_penalty = v; }},
    SamplingDefault{"presence_penalty", false, -2, 2,
                    [](CanaryOverlay& o, double v) { o.presence_penalty = v; }},
    SamplingDefault{"top_k", true, 0, kMostTokens,
                    [](CanaryOverlay& o, double v) { o.top_k = static_cast<std::int64_t>(v); }},
    SamplingDefault{"max_tokens", true, 1, kMostTokens,
                    [](CanaryOverlay& o, double v) { o.max_tokens = static_cast<std::int64_t>(v); }},
};

Key number_key(const SamplingDefault& of) {
  Key key;
  key.kind = of.whole ? Kind::integer : Kind::real;
  key.min = static_cast<std::int64_t>(of.least);
  key.max = static_cast<std::int64_t>(of.most);
  key.least = of.least;
  key.most = of.most;
  return key;
}

// What a query, or an engine of the variant's own, can have otherwise. The rest is of the process, or of all
// queries together.
bool may_differ(const Key& key) {
  if (key.name == "engine.embedding_pooling") return false;  // embeddings are in no canary
  constexpr std::string_view kSections[] = {"engine", "quality", "reasoning"};
  constexpr std::string_view kRouting[] = {"routing.local_from", "routing.pool_from", "routing.edge_fallback",
                                           "routing.local_fallback", "routing.pool_fallback"};
  const auto is = [](std::string_view name) {
    return [name](std::string_view each) { return each == name; };
  };
  return std::any_of(std::begin(kSections), std::end(kSections), is(key.section())) ||
         std::any_of(std::begin(kRouting), std::end(kRouting), is(key.name));
}

bool is_file(const Key& key) { return key.kind == Kind::path || key.kind == Kind::model; }

// One entry of canary.set, read: exactly one of the two names what it sets.
struct Change {
  const SamplingDefault* sampling = nullptr;
  const Key* key = nullptr;
  Value value;
};

result<Change> parse_change(std::string_view entry) {
  const std::size_t equals = entry.find('=');
  if (equals == std::string_view::npos) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'{}' is not a key with its value, as \"sampling.temperature=0.2\"", entry));
  }
  const std::string_view name = entry.substr(0, equals);
  const std::string_view text = entry.substr(equals + 1);
  Change change;
  Key bounds;
  if (name.starts_with(kSampling)) {
    const auto found =
        std::find_if(kSamplingDefaults.begin(), kSamplingDefaults.end(),
                     [&](const auto& each) { return each.name == name.substr(kSampling.size()); });
    if (found == kSamplingDefaults.end()) {
      return fail(ErrorCode::invalid_argument, fmt::format("'{}' is no default of sampling", name));
    }
    change.sampling = &*found;
    bounds = number_key(*found);
  } else {
    change.key = find_key(name);
    if (change.key == nullptr) {
      const std::string meant = suggestion(name);
      return fail(ErrorCode::invalid_argument,
                  fmt::format("there is no key '{}'{}", name,
                              meant.empty() ? std::string() : fmt::format("; did you mean '{}'?", meant)));
    }
    if (!may_differ(*change.key)) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("'{}' cannot differ by query: sampling.…, quality.…, reasoning.…, engine.… and, of "
                      "routing, tiers and their fallbacks can",
                      name));
    }
    bounds = *change.key;
  }
  auto value = parse_text(bounds, text);
  if (!value) return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", name, value.error().message));
  if (const auto checked = check(bounds, *value); !checked) {
    return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", name, checked.error().message));
  }
  if (change.key != nullptr && is_file(*change.key)) {
    const auto& file = std::get<std::string>(*value);
    if (file.find('/') != std::string::npos && !file.starts_with('/')) {
      return fail(ErrorCode::invalid_argument, fmt::format("{}: '{}' must begin with '/'", name, file));
    }
  }
  change.value = std::move(*value);
  return change;
}

// Whether it sets a key of that section.
bool changes(const CanarySettings& canary, std::string_view section) {
  return std::any_of(canary.set.begin(), canary.set.end(), [&](const std::string& entry) {
    const auto change = parse_change(entry);
    return change && change->key != nullptr && change->key->section() == section;
  });
}

result<void> check_changes(const Value& list) {
  for (const std::string& entry : std::get<std::vector<std::string>>(list)) {
    if (const auto change = parse_change(entry); !change) return fail(change.error());
  }
  return {};
}

// It stands in headers, receipts and labels.
result<void> check_name(const Value& text) {
  const auto& name = std::get<std::string>(text);
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
  if (plain && name.size() <= kMaxNameBytes) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("must be up to {} of A-Z a-z 0-9 . _ -", kMaxNameBytes));
}

#define FIELD(path) \
  [](Settings & s) -> auto& { return s.canary.path; }

}  // namespace

std::vector<Key> canary_keys() {
  using gateway::Tier;
  std::vector<Key> keys;
  keys.push_back(with_rule(make("canary.name", "", Kind::text, FIELD(name),
                                "Name of the variant on trial, and the salt of who meets it; empty: none."),
                           check_name));
  keys.push_back(real("canary.share", FIELD(share), 0.001, 0.9, "The variant's share of the queries."));
  keys.push_back(
      enumeration<bool>("canary.by", FIELD(by_client), {{"query", false}, {"client", true}},
                        "What is assigned to variant or control: each query by its content, or each "
                        "client by its API key; then clients must be alike for a fair comparison."));
  keys.push_back(
      make("canary.models", "", Kind::list, FIELD(models),
           "Names of models; queries that ask for one of them take part. None: all queries do, or, "
           "when the variant changes who answers, those that leave it open."));
  keys.push_back(make("canary.model", "", Kind::text, FIELD(model),
                      "The variant's model or backend, by its name; empty: control's."));
  keys.push_back(enumeration<std::optional<Tier>>(
      "canary.tier", FIELD(tier),
      {{"control", std::nullopt}, {"edge", Tier::edge}, {"local", Tier::local}, {"pool", Tier::pool}},
      "The variant's tier; control: the same."));
  keys.push_back(make("canary.system", "", Kind::text, FIELD(system),
                      "Text that the variant puts before the system's message."));
  keys.push_back(with_rule(
      make(
          "canary.set", "", Kind::list, FIELD(set),
          "What else the variant changes, as \"sampling.temperature=0.2\": defaults of sampling (sampling.…, "
          "max_tokens among them), keys of the sections quality, reasoning and engine, and of routing "
          "local_from, pool_from and the fallbacks."),
      check_changes));
  keys.push_back(real("canary.margin", FIELD(margin), 0, 0.9,
                      "How much worse the variant may be, of control's, before it is rolled back."));
  keys.push_back(real("canary.alpha", FIELD(alpha), 0.000'001, 0.5,
                      "Chance that a variant which is no worse than that is ever rolled back."));
  keys.push_back(
      enumeration<bool>("canary.promote", FIELD(promote_when_fine), {{"manual", false}, {"when_fine", true}},
                        "Who promotes the variant: an administrator, or the server once nothing that is "
                        "measured is worse by more than the margin."));
  keys.push_back(number("canary.promote_after", "", Kind::duration, FIELD(promote_after), 0, 8760 * kHour,
                        "Shortest time from its beginning until the server promotes it."));
  keys.push_back(make("canary.state_file", "", Kind::path, FIELD(state_file),
                      "File that its state is kept in; empty: canary.json in the state folder."));
  return keys;
}

#undef FIELD

std::vector<Error> check_canary(const Settings& settings) {
  const CanarySettings& canary = settings.canary;
  std::vector<Error> errors;
  if (canary.name.empty()) return errors;
  const auto wrong = [&errors](std::string key, std::string message) {
    errors.push_back({ErrorCode::invalid_argument, key + ": " + message, key});
  };
  if (canary.model.empty() && !canary.tier && canary.system.empty() && canary.set.empty()) {
    wrong("canary.name", "the variant differs in nothing: set canary.model, tier, system or set");
  }
  const auto is_called = [&](const HostedModelSettings& model) {
    return model.name == canary.model ||
           std::find(model.aliases.begin(), model.aliases.end(), canary.model) != model.aliases.end();
  };
  // Backends may offer any model, and beside others the first may be the variant, by its file's name.
  if (!canary.model.empty() && settings.backends.empty() &&
      (settings.models.empty() || !settings.model.enabled) &&
      std::none_of(settings.models.begin(), settings.models.end(), is_called)) {
    wrong("canary.model",
          fmt::format("no [models.NAME] or alias is called '{}', and there are no backends", canary.model));
  }
  if (canary.tier && settings.backends.empty())
    wrong("canary.tier", "there are no backends: only one tier answers");
  if (changes(canary, "routing")) {
    if (settings.backends.empty() && settings.models.empty())
      wrong("canary.set", "routing.…: there is nobody to choose, only the first model answers");
    if (!canary.model.empty())
      wrong("canary.set", "routing.… changes nothing: canary.model says who answers");
  }
  if (changes(canary, "engine")) {
    if (!settings.model.enabled)
      wrong("canary.set", "engine.…: model.enabled is false, so there is no engine");
    if (!canary.model.empty() || canary.tier) {
      wrong(
          "canary.set",
          "engine.… is the first model's engine with other settings; canary.model and tier want another one "
          "to answer, whose engine is set in its [models.NAME]");
    }
    // Its engine has a part of the load, and its own kept prefixes, until it is promoted.
    if (canary.promote_when_fine) {
      wrong("canary.promote",
            "engine.… is promoted by an administrator: an engine with a share of the load "
            "does not show how it is with all of it");
    }
  }
  return errors;
}

runtime::CanaryOverlay canary_overlay(const CanarySettings& canary) {
  CanaryOverlay overlay;
  if (canary.name.empty()) return overlay;
  overlay.model = canary.model;
  overlay.tier = canary.tier;
  overlay.system = canary.system;
  overlay.routing = changes(canary, "routing");
  overlay.engine = changes(canary, "engine");
  for (const std::string& entry : canary.set) {
    const auto change = parse_change(entry);
    if (!change || change->sampling == nullptr) continue;
    const auto* whole = std::get_if<std::int64_t>(&change->value);
    change->sampling->set(overlay,
                          whole != nullptr ? static_cast<double>(*whole) : std::get<double>(change->value));
  }
  return overlay;
}

Settings variant_settings(const Settings& settings) {
  Settings variant = settings;
  if (settings.canary.name.empty()) return variant;
  for (const std::string& entry : settings.canary.set) {
    const auto change = parse_change(entry);
    if (change && change->key != nullptr) change->key->set(variant, change->value);
  }
  return variant;
}

// What control answers with: another model, engine or backend makes another comparison.
std::string digest_of_control(const Settings& settings, std::string_view model_files) {
  Sha256 digest;
  const auto add = [&](const Key& key) {
    digest.update(fmt::format("{} = {}\n", key.name, to_toml(key, key.get(settings))));
  };
  for (const Key& key : all_keys()) {
    constexpr std::string_view kSections[] = {"model.", "engine.", "quality.", "reasoning.", "routing."};
    const bool counts = std::any_of(std::begin(kSections), std::end(kSections),
                                    [&](std::string_view section) { return key.name.starts_with(section); });
    if (counts) add(key);
  }
  for (const HostedModelSettings& model : settings.models) {
    for (const Key& key : model_keys(model.name)) add(key);
  }
  for (const gateway::RemoteConfig& backend : settings.backends) {
    for (const Key& key : backend_keys(backend.name)) add(key);
  }
  digest.update(std::string(model_files));
  return "sha256:" + to_hex(digest.finish());
}

gateway::CanaryConfig canary_config(const Settings& settings, std::string_view model_files) {
  const CanarySettings& canary = settings.canary;
  gateway::CanaryConfig config;
  config.name = canary.name;
  Sha256 digest;
  for (const Key& key : canary_keys()) {
    // When it is promoted and where it is kept make no other variant.
    if (key.name.starts_with("canary.promote") || key.name == "canary.state_file") continue;
    digest.update(fmt::format("{} = {}\n", key.name, to_toml(key, key.get(settings))));
  }
  config.configuration = "sha256:" + to_hex(digest.finish());
  config.control = digest_of_control(settings, model_files);
  config.comparison = {canary.margin, canary.alpha, canary.share};
  config.promote_when_fine = canary.promote_when_fine;
  config.promote_after_ms = canary.promote_after.count();
  return config;
}

}  // namespace sovereign::config
