// What a step costs by the number of its rows, learned from the steps themselves: a constant (reading the
// weights, mostly) and so much for each row (arithmetic).
//
// A straight line through the steps seen, old ones counting less, held towards a first guess of its slope as
// long as the steps do not differ in rows. Pure; not thread-safe. Times are in any one unit.
#pragma once

namespace sovereign::engine {

class StepCost {
 public:
  void observe(double rows, double time);

  // Of a step, and of one more row in it; both above 0. Before anything was seen a row alone takes 1.
  double of_step(double rows) const;
  double of_row() const;

 private:
  // Decayed sums over the steps.
  double weight_ = 0;
  double rows_ = 0;
  double time_ = 0;
  double rows_squared_ = 0;
  double rows_by_time_ = 0;
};

}  // namespace sovereign::engine
