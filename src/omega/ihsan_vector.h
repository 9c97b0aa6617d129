// The Ihsan vector: eight qualities of an answer, each in [0,1] or unmeasured.
//
// A dimension holds a value only when something measured it; there is no default score. Unmeasured is
// stored as NaN, so a vector is one cache line and a column of vectors is a plain array of doubles.
// A value type: no allocation, usable in constant expressions, no thread-safety of its own.
// Source: MISSION.md 6.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace sovereign::omega {

// The order is part of stored vectors and of weight matrices: never reorder.
enum class Dimension : std::uint8_t {
  truthfulness,
  trustworthiness,
  justice,
  excellence,
  wisdom,
  compassion,
  patience,
  gratitude,
};

inline constexpr std::size_t kDimensions = 8;
inline constexpr double kUnmeasured = std::numeric_limits<double>::quiet_NaN();

// Stable lower-case name, for logs and JSON; empty for a value outside the enumeration.
constexpr std::string_view to_string(Dimension dimension) {
  constexpr std::array<std::string_view, kDimensions> kNames = {
      "truthfulness", "trustworthiness", "justice",  "excellence",
      "wisdom",       "compassion",      "patience", "gratitude"};
  const auto i = static_cast<std::size_t>(dimension);
  return i < kDimensions ? kNames[i] : std::string_view{};
}

// True for a measured value; false for kUnmeasured.
constexpr bool is_measured(double value) { return value == value; }

class alignas(64) IhsanVector {
 public:
  // All eight unmeasured.
  constexpr IhsanVector() { values_.fill(kUnmeasured); }

  // Sets a measured value. Outside [0,1], or NaN: nothing changes and false comes back.
  constexpr bool set(Dimension dimension, double value) {
    if (!(value >= 0.0 && value <= 1.0)) return false;
    values_[static_cast<std::size_t>(dimension)] = value + 0.0;  // -0 becomes 0
    return true;
  }

  constexpr void set_unmeasured(Dimension dimension) {
    values_[static_cast<std::size_t>(dimension)] = kUnmeasured;
  }

  constexpr std::optional<double> get(Dimension dimension) const {
    const double value = values_[static_cast<std::size_t>(dimension)];
    if (!is_measured(value)) return std::nullopt;
    return value;
  }

  constexpr std::size_t measured_count() const {
    std::size_t count = 0;
    for (const double value : values_) count += is_measured(value) ? 1 : 0;
    return count;
  }

  // Arithmetic mean of the measured dimensions; none when nothing was measured.
  constexpr std::optional<double> mean() const {
    double sum = 0;
    std::size_t count = 0;
    for (const double value : values_) {
      if (!is_measured(value)) continue;
      sum += value;
      ++count;
    }
    if (count == 0) return std::nullopt;
    return sum / static_cast<double>(count);
  }

  // The least measured dimension; none when nothing was measured.
  constexpr std::optional<double> minimum() const {
    std::optional<double> least;
    for (const double value : values_) {
      if (is_measured(value) && (!least || value < *least)) least = value;
    }
    return least;
  }

  // In the order of Dimension; an unmeasured one is NaN.
  constexpr const std::array<double, kDimensions>& values() const { return values_; }

 private:
  std::array<double, kDimensions> values_{};
};

}  // namespace sovereign::omega
