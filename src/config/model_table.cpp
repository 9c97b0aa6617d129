#include "config/model_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "config/key_makers.h"
#include "config/key_table.h"

namespace sovereign::config {
namespace {

using gateway::Tier;

HostedModelSettings& model_of(Settings& settings, const std::string& name) {
  auto& models = settings.models;
  const auto found =
      std::find_if(models.begin(), models.end(), [&](const auto& model) { return model.name == name; });
  if (found != models.end()) return *found;
  models.emplace_back().name = name;
  return models.back();
}

// A key of [engine] as one of [models.NAME].
Key engine_key(const Key& original, const std::string& prefix, const std::string& model) {
  Key key = original;
  key.name = prefix + std::string(original.last_name());
  key.flag.clear();
  key.get = [&original, model](const Settings& settings) {
    const auto& own = model_of(const_cast<Settings&>(settings), model).engine;
    const auto found = own.find(original.name);
    return found == own.end() ? original.get(settings) : found->second;
  };
  key.set = [&original, model](Settings& settings, const Value& value) {
    model_of(settings, model).engine[original.name] = value;
  };
  return key;
}

}  // namespace

std::vector<Key> model_keys(const std::string& model) {
  const std::string prefix = std::string(kModelsPrefix) + model + ".";
  const auto field = [&](auto member) {
    return [ member, model ](Settings & settings) -> auto& { return model_of(settings, model).*member; };
  };
  using Model = HostedModelSettings;
  std::vector<Key> keys;
  keys.push_back(make(prefix + "path", "", Kind::model, field(&Model::path),
                      "GGUF file, or the name of a model in the models directory."));
  keys.push_back(make(prefix + "aliases", "", Kind::list, field(&Model::aliases),
                      "Further names by which clients may ask for it."));
  keys.push_back(enumeration<Tier>(prefix + "tier", field(&Model::tier),
                                   {{"edge", Tier::edge}, {"local", Tier::local}, {"pool", Tier::pool}},
                                   "Its tier, for queries that name no model."));
  keys.push_back(number(prefix + "priority", "", Kind::integer, field(&Model::priority), 0, kMillion,
                        "Lower comes first within a tier; [model] has 0."));
  keys.push_back(make(prefix + "chat_template", "", Kind::path, field(&Model::chat_template),
                      "File with a Jinja chat template to use in place of the model's own."));
  for (const Key& key : all_keys()) {
    if (key.section() == "engine") keys.push_back(engine_key(key, prefix, model));
  }
  return keys;
}

engine::EngineConfig engine_of(const Settings& settings, const HostedModelSettings& model) {
  Settings with = {};
  with.engine = settings.engine;
  for (const auto& [name, value] : model.engine) {
    if (const Key* key = find_key(name)) key->set(with, value);
  }
  return with.engine;
}

std::vector<Error> check_models(const Settings& settings) {
  std::vector<Error> errors;
  const auto wrong = [&](std::string key, std::string message) {
    errors.push_back({ErrorCode::invalid_argument, key + ": " + message, key});
  };
  std::map<std::string, std::string> taken;
  if (!settings.model.name.empty()) taken[settings.model.name] = "model.name";
  for (const auto& backend : settings.backends) taken[backend.name] = std::string("backends.") + backend.name;
  for (const HostedModelSettings& model : settings.models) {
    const std::string table = std::string(kModelsPrefix) + model.name;
    if (model.path.empty()) wrong(table + ".path", "is missing");
    auto names = model.aliases;
    names.push_back(model.name);
    for (const std::string& name : names) {
      const auto [other, is_new] = taken.try_emplace(name, table);
      if (!is_new && other->second != table) {
        wrong(table, fmt::format("'{}' is a name of {} too", name, other->second));
      }
    }
    const auto engine = engine_of(settings, model);
    if (engine.context_tokens > engine.kv_cells) {
      wrong(table + ".context_tokens",
            fmt::format("is {}, more than its kv_cells ({})", engine.context_tokens, engine.kv_cells));
    }
  }
  return errors;
}

}  // namespace sovereign::config
