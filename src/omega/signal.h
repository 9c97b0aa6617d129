// The measured signs of an answer's quality, and what one measurement looks like.
//
// `raw` is in the signal's own unit (its header says which) and is what calibration ranks by; more is
// better for every signal. `score` is raw seen through two anchors (calibration.h): 1 means that this
// signal found no fault, 0 that it found as much as it can. A signal without its evidence is
// unmeasured: it has no number at all.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sovereign::omega {

// Stable names and order: they are part of stored results.
enum class Signal : std::uint8_t {
  likelihood,        // signals/likelihood.h
  weakest_span,      // signals/likelihood.h
  variety,           // signals/repetition.h
  completeness,      // signals/truncation.h
  responsiveness,    // signals/refusal.h
  agreement,         // signals/agreement.h
  grounding,         // signals/grounding.h
  format,            // signals/format_compliance.h
  no_secrets,        // signals/secrets.h
  no_personal_data,  // signals/personal_data.h
};

inline constexpr std::size_t kSignals = 10;

// Stable lower-case name; empty for a value outside the enumeration.
constexpr std::string_view to_string(Signal signal) {
  constexpr std::array<std::string_view, kSignals> kNames = {
      "likelihood", "weakest_span", "variety", "completeness", "responsiveness",
      "agreement",  "grounding",    "format",  "no_secrets",   "no_personal_data"};
  const auto i = static_cast<std::size_t>(signal);
  return i < kSignals ? kNames[i] : std::string_view{};
}

struct Reading {
  double raw = 0;
  double score = 0;  // [0,1]

  friend constexpr bool operator==(const Reading&, const Reading&) = default;
};

// One reading per signal; absent: unmeasured.
class Readings {
 public:
  constexpr std::optional<Reading>& operator[](Signal s) { return readings_[static_cast<std::size_t>(s)]; }
  constexpr const std::optional<Reading>& operator[](Signal s) const {
    return readings_[static_cast<std::size_t>(s)];
  }

 private:
  std::array<std::optional<Reading>, kSignals> readings_{};
};

}  // namespace sovereign::omega
