#include "bench/load_summary.h"

#include <algorithm>
#include <numeric>

namespace sovereign::bench {

void LoadSummary::add(const LoadRun& run, const RunCost& cost) {
  auto& ttft = ttft_ms_.emplace_back();
  auto& gaps = gaps_ms_.emplace_back();
  auto& tpot = tpot_ms_.emplace_back();
  auto& total = total_ms_.emplace_back();
  double tokens = 0;
  for (const RequestRecord& record : run.records) {
    if (!record.error.empty()) {
      errors_.push_back(record.error);
      continue;
    }
    ttft.push_back(record.ttft_ms);
    gaps.insert(gaps.end(), record.gaps_ms.begin(), record.gaps_ms.end());
    tpot.push_back(record.tpot_ms);
    total.push_back(record.total_ms);
    tokens += record.output_tokens;
  }
  wall_seconds_.push_back(run.wall_seconds);
  output_tokens_.push_back(tokens);
  cost_.wall_seconds += run.wall_seconds;
  cost_.cpu_seconds += cost.cpu_seconds;
  cost_.peak_memory_bytes = std::max(cost_.peak_memory_bytes, cost.peak_memory_bytes);
}

std::vector<double> LoadSummary::output_tokens_per_second() const {
  std::vector<double> rates;
  for (std::size_t i = 0; i < wall_seconds_.size(); ++i)
    rates.push_back(output_tokens_[i] / wall_seconds_[i]);
  return rates;
}

std::vector<double> LoadSummary::requests_per_second() const {
  std::vector<double> rates;
  for (std::size_t i = 0; i < wall_seconds_.size(); ++i) {
    rates.push_back(static_cast<double>(total_ms_[i].size()) / wall_seconds_[i]);
  }
  return rates;
}

std::vector<double> LoadSummary::percentile_of(const Rounds& rounds, double p) const {
  std::vector<double> values;
  for (const auto& round : rounds) values.push_back(percentile(round, p));
  return values;
}

double LoadSummary::goodput(const LatencyTarget& target) const {
  double good = 0;
  for (std::size_t round = 0; round < ttft_ms_.size(); ++round) {
    for (std::size_t i = 0; i < ttft_ms_[round].size(); ++i) {
      if (ttft_ms_[round][i] <= target.ttft_ms && tpot_ms_[round][i] <= target.tpot_ms) ++good;
    }
  }
  return cost_.wall_seconds > 0 ? good / cost_.wall_seconds : 0;
}

std::vector<BenchmarkResult> LoadSummary::results(const std::string& name) const {
  return {make_result(name + " ttft", ttft_ms_, cost_), make_result(name + " gap", gaps_ms_, cost_),
          make_result(name + " tpot", tpot_ms_, cost_), end_to_end(name)};
}

BenchmarkResult LoadSummary::end_to_end(const std::string& name) const {
  return make_result(name + " e2e", total_ms_, cost_);
}

}  // namespace sovereign::bench
