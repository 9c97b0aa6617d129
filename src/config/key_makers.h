// How the tables of keys are written: one call per key, from its name and the field that it sets.
//
// Private to config/.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/key.h"

namespace sovereign::config {

inline constexpr std::int64_t kMs = 1;
inline constexpr std::int64_t kSecond = 1000 * kMs;
inline constexpr std::int64_t kHour = 3600 * kSecond;
inline constexpr std::int64_t kKiB = 1024;
inline constexpr std::int64_t kGiB = 1024 * 1024 * kKiB;
inline constexpr std::int64_t kMillion = 1'000'000;

// Keys of one field; `field` gives a reference to it in a Settings.
template <class Field>
Key make(std::string name, std::string flag, Kind kind, Field field, std::string help) {
  using Stored = std::remove_reference_t<decltype(field(std::declval<Settings&>()))>;
  Key key;
  key.name = std::move(name);
  key.flag = std::move(flag);
  key.kind = kind;
  key.help = std::move(help);
  key.get = [field](const Settings& settings) -> Value {
    const Stored& stored = field(const_cast<Settings&>(settings));
    if constexpr (std::is_same_v<Stored, std::chrono::milliseconds>) {
      return static_cast<std::int64_t>(stored.count());
    } else if constexpr (std::is_integral_v<Stored> && !std::is_same_v<Stored, bool>) {
      return static_cast<std::int64_t>(stored);
    } else if constexpr (std::is_same_v<Stored, Duration>) {
      return static_cast<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(stored).count());
    } else {
      return stored;
    }
  };
  key.set = [field](Settings& settings, const Value& value) {
    Stored& stored = field(settings);
    if constexpr (std::is_same_v<Stored, std::chrono::milliseconds> || std::is_same_v<Stored, Duration>) {
      stored = std::chrono::milliseconds(std::get<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<Stored> && !std::is_same_v<Stored, bool>) {
      stored = static_cast<Stored>(std::get<std::int64_t>(value));
    } else {
      stored = std::get<Stored>(value);
    }
  };
  return key;
}

template <class Field>
Key number(std::string name, std::string flag, Kind kind, Field field, std::int64_t min, std::int64_t max,
           std::string help) {
  Key key = make(std::move(name), std::move(flag), kind, field, std::move(help));
  key.min = min;
  key.max = max;
  return key;
}

template <class Field>
Key real(std::string name, Field field, double least, double most, std::string help) {
  Key key = make(std::move(name), "", Kind::real, field, std::move(help));
  key.least = least;
  key.most = most;
  return key;
}

// A choice whose words stand for the values of an enumeration, in the order of `words`.
template <class Enum, class Field>
Key enumeration(std::string name, Field field, std::vector<std::pair<std::string, Enum>> words,
                std::string help) {
  Key key;
  key.name = std::move(name);
  key.kind = Kind::choice;
  key.help = std::move(help);
  for (const auto& [word, value] : words) key.choices.push_back(word);
  key.get = [field, words](const Settings& settings) -> Value {
    const Enum stored = field(const_cast<Settings&>(settings));
    const auto found =
        std::find_if(words.begin(), words.end(), [&](const auto& w) { return w.second == stored; });
    return found == words.end() ? std::string() : found->first;
  };
  key.set = [field, words](Settings& settings, const Value& value) {
    for (const auto& [word, meaning] : words) {
      if (word == std::get<std::string>(value)) field(settings) = meaning;
    }
  };
  return key;
}

inline Key with_rule(Key key, result<void> (*rule)(const Value&)) {
  key.rule = rule;
  return key;
}

inline Key with_choices(Key key, std::vector<std::string> choices) {
  key.choices = std::move(choices);
  return key;
}

}  // namespace sovereign::config
