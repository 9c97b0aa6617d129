// One quantity of the comparison: its tests, and what is known of it in each arm. Pure.
//
// Each takes the observations of one block, of both arms, and gives two pieces of evidence (logarithms of
// wealth, wealth.h): that the variant is worse by more than the margin, and that it is not.
//
// Why it holds whatever the quantity's distribution, and however it drifts: within a block of consecutive
// queries chance alone decided who is the variant's, so under the hypothesis every assignment of the block's
// values to the arms is as likely as any other, and the scores below have a mean of at most 0.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "gateway/canary/betting_test.h"
#include "gateway/canary/event_test.h"
#include "gateway/canary/running_quantile.h"

namespace sovereign::gateway {

// One query's value, in the order in which queries ended.
struct Sample {
  Arm arm = Arm::control;
  double value = 0;
};

// A mean that keeps its number of values.
struct RunningMean {
  double count = 0;
  double sum = 0;

  void add(double value) {
    ++count;
    sum += value;
  }
  double mean() const { return count > 0 ? sum / count : 0; }

  template <class Visitor>
  void visit(Visitor&& number) {
    number(count);
    number(sum);
  }
};

// A time, of which less is better. Hypothesis: at no quantile is the variant slower than (1 + margin) times
// control. Two tests with half of the capital each:
//   typical   over all pairs (control c, variant v) of the block: the share with v > (1 + margin) c, ties
//             half, minus 1/2: the Wilcoxon-Mann-Whitney statistic, which heavy tails do not disturb
//   slow      how often control exceeds its own 90th percentile (of the blocks before), and the variant
//             (1 + margin) times it: an EventTest, for variants of which only some queries are slow
// That it is fine says both: the typical query is not slower by more than the margin, and no more than
// kSlowSlack of the variant's queries are slow in that sense beyond control's.
class TimeTest {
 public:
  static constexpr double kSlowSlack = 0.02;

  explicit TimeTest(double margin) : ratio_(1 + margin) {}

  void observe(std::span<const Sample> block);
  double worse() const;
  double fine() const { return std::min(fine_.log_evidence(), slow_fine_.log_evidence()); }

  struct Side {
    RunningMean mean;
    RunningQuantile median{0.5};
    RunningQuantile p90{0.9};

    void add(double seconds);
    template <class Visitor>
    void visit(Visitor&& number) {
      mean.visit(number);
      median.visit(number);
      p90.visit(number);
    }
  };
  const Side& control() const { return control_; }
  const Side& variant() const { return variant_; }

  template <class Visitor>
  void visit(Visitor&& number) {
    typical_.visit(number);
    slow_.visit(number);
    fine_.visit(number);
    slow_fine_.visit(number);
    control_.visit(number);
    variant_.visit(number);
  }

 private:
  static constexpr double kSlowFrom = 20;  // observations of control, before its percentile means something

  double ratio_;
  BettingTest typical_{0.5};
  EventTest slow_{0};
  BettingTest fine_{0.5};
  BettingTest slow_fine_{1};
  Side control_;
  Side variant_;
};

// Queries that failed. Hypothesis: their odds are no more than (1 + margin) times control's. That it is fine
// says: no more than kSlack of the queries have no answer beyond control's, since what is rare cannot be
// shown to be rarer within a useful time. There those count too whose clients left: who waited longer than
// they did for the variant may have waited for ever.
class ErrorTest {
 public:
  static constexpr double kSlack = 0.01;

  explicit ErrorTest(double margin) : worse_(margin) {}

  // A block of so many queries, and whose the failures were, in their order; and of whom clients left.
  void observe(std::uint32_t controls, std::uint32_t variants, std::span<const Arm> failures,
               std::span<const Arm> left);
  double worse() const { return worse_.log_evidence(); }
  double fine() const { return fine_.log_evidence(); }
  // The mean is the rate.
  const RunningMean& control() const { return control_; }
  const RunningMean& variant() const { return variant_; }

  template <class Visitor>
  void visit(Visitor&& number) {
    worse_.visit(number);
    fine_.visit(number);
    control_.visit(number);
    variant_.visit(number);
  }

 private:
  EventTest worse_;
  BettingTest fine_{1};
  RunningMean control_;
  RunningMean variant_;
};

// A score from 0 to 1, of which more is better. Hypothesis: the variant's mean is at least (1 - margin) times
// control's. Means, not ranks: of scores with many ties, an answer in five that fails must show.
class QualityTest {
 public:
  explicit QualityTest(double margin) : ratio_(1 - margin), fine_(1) {}

  void observe(std::span<const Sample> block);
  double worse() const { return worse_.log_evidence(); }
  double fine() const { return fine_.log_evidence(); }
  const RunningMean& control() const { return control_; }
  const RunningMean& variant() const { return variant_; }

  template <class Visitor>
  void visit(Visitor&& number) {
    worse_.visit(number);
    fine_.visit(number);
    control_.visit(number);
    variant_.visit(number);
  }

 private:
  double ratio_;
  BettingTest worse_{1};
  BettingTest fine_;
  RunningMean control_;
  RunningMean variant_;
};

}  // namespace sovereign::gateway
