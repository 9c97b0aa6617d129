// Every setting of a model beside the first, documented in one place: the keys under [models.NAME].
//
// Like those of backends, they stand in the file only. Besides keys of their own such models have every key
// of [engine], which stands for theirs where it is set.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"

namespace sovereign::config {

inline constexpr std::string_view kModelsPrefix = "models.";

// The keys of the model of that name: "models.NAME.path", … Setting one adds the model when it is new.
std::vector<Key> model_keys(const std::string& model);

// The engine settings of that model: [engine] with what [models.NAME] has of its own.
engine::EngineConfig engine_of(const Settings& settings, const HostedModelSettings& model);

// What the keys of one model demand of each other, and names that stand for two things.
std::vector<Error> check_models(const Settings& settings);

}  // namespace sovereign::config
