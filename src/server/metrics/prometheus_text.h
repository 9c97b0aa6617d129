// Writes the Prometheus text exposition format 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats).
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "base/histogram.h"

namespace sovereign::server {

// Not thread-safe; families come out in the order in which they are written. All samples of a family
// are written right after its begin().
class PrometheusText {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  enum class Type { counter, gauge, histogram };
  void begin(std::string_view name, Type type, std::string_view help);
  // One sample of the family begun last.
  void sample(double value, Labels labels = {});
  void sample(const Histogram& histogram, Labels labels = {});

  // A family with a single sample.
  void counter(std::string_view name, std::string_view help, double value);
  void gauge(std::string_view name, std::string_view help, double value);
  void histogram(std::string_view name, std::string_view help, const Histogram& value);

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view suffix, Labels labels, std::string_view le, double value);

  std::string out_;
  std::string name_;
};

}  // namespace sovereign::server
