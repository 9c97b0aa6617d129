#include "engine/step_cost.h"

#include <algorithm>

namespace sovereign::engine {

namespace {

constexpr double kDecay = 0.98;       // about 50 steps count
constexpr double kFirstGuess = 0.25;  // of a row over the constant
constexpr double kGuessWeight = 0.5;  // in rows squared: the variance of rows that outweighs the guess
// A step that took so many times what it should have was held up by something else.
constexpr double kOutlier = 4;
constexpr double kStepsBeforeOutliers = 5;
// Bounds of the slope in parts of a step of one row: noise must not make rows free, or worth more than a
// step.
constexpr double kLeastSlope = 0.02;

}  // namespace

void StepCost::observe(double rows, double time) {
  if (rows <= 0 || time <= 0) return;
  if (weight_ > kStepsBeforeOutliers) time = std::min(time, kOutlier * of_step(rows));
  weight_ = weight_ * kDecay + 1;
  rows_ = rows_ * kDecay + rows;
  time_ = time_ * kDecay + time;
  rows_squared_ = rows_squared_ * kDecay + rows * rows;
  rows_by_time_ = rows_by_time_ * kDecay + rows * time;
}

double StepCost::of_row() const {
  if (weight_ == 0) return kFirstGuess / (1 + kFirstGuess);
  const double mean_rows = rows_ / weight_;
  const double mean_time = time_ / weight_;
  const double variance = std::max(0.0, rows_squared_ / weight_ - mean_rows * mean_rows);
  const double covariance = rows_by_time_ / weight_ - mean_rows * mean_time;
  const double guess = mean_time * kFirstGuess / (1 + kFirstGuess * mean_rows);
  const double slope = (covariance + kGuessWeight * guess) / (variance + kGuessWeight);
  // The line through the mean with slope s gives a lone row mean - s * (rows - 1), which stays at least s.
  const double most = mean_time / std::max(mean_rows, 1.0);
  return std::clamp(slope, kLeastSlope * most, most);
}

double StepCost::of_step(double rows) const {
  if (weight_ == 0) return (1 + kFirstGuess * rows) / (1 + kFirstGuess);
  return std::max(time_ / weight_ + of_row() * (rows - rows_ / weight_), of_row());
}

}  // namespace sovereign::engine
