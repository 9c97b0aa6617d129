#include "runtime/quality_json.h"

#include <array>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>

namespace sovereign::runtime {
namespace {

template <class Number>
void append_integer(std::string& out, Number value) {
  std::array<char, 24> digits;
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), written.ptr);
}

// Four decimals by integer arithmetic: several times cheaper than the shortest form of a double.
void append_decimal(std::string& out, double value) {
  constexpr double kScale = 10'000;
  constexpr double kLargest = 1e12;
  if (!(std::abs(value) < kLargest)) {
    out += "null";
    return;
  }
  const auto scaled = std::llround(value * kScale);
  if (scaled < 0) out += '-';
  const auto size = static_cast<std::uint64_t>(scaled < 0 ? -scaled : scaled);
  append_integer(out, size / 10'000);
  auto fraction = size % 10'000;
  if (fraction == 0) return;
  std::array<char, 5> digits{'.', '0', '0', '0', '0'};
  for (std::size_t i = 4; i > 0; --i, fraction /= 10) digits[i] = static_cast<char>('0' + fraction % 10);
  out.append(digits.data(), digits.size());
  while (out.back() == '0') out.pop_back();
}

void append_decimal(std::string& out, const std::optional<double>& value) {
  if (value) return append_decimal(out, *value);
  out += "null";
}

// `"name":` with a comma before it unless it is the first.
void append_name(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += name;
  out += "\":";
}

void append_shortfalls(std::string& out, const std::vector<omega::Shortfall>& shortfalls) {
  append_name(out, "shortfalls");
  out += '[';
  for (const auto& shortfall : shortfalls) {
    out += out.back() == '[' ? "{" : ",{";
    append_name(out, "name");
    out += '"';
    out += shortfall.name;  // a dimension's, or "score"
    out += '"';
    append_name(out, "value");
    append_decimal(out, shortfall.value);
    append_name(out, "minimum");
    append_decimal(out, shortfall.minimum);
    out += '}';
  }
  out += ']';
}

void append_findings(std::string& out, const std::vector<omega::Finding>& findings) {
  append_name(out, "findings");
  out += '[';
  for (const auto& finding : findings) {
    out += out.back() == '[' ? "{\"kind\":\"" : ",{\"kind\":\"";
    out += to_string(finding.kind);
    out += "\",\"offset\":";
    append_integer(out, finding.offset);
    out += ",\"length\":";
    append_integer(out, finding.length);
    out += '}';
  }
  out += ']';
}

void append_signals(std::string& out, const omega::Readings& readings) {
  append_name(out, "signals");
  out += '{';
  for (std::size_t s = 0; s < omega::kSignals; ++s) {
    const auto& reading = readings[static_cast<omega::Signal>(s)];
    if (!reading) continue;
    append_name(out, to_string(static_cast<omega::Signal>(s)));
    out += "{\"raw\":";
    append_decimal(out, reading->raw);
    out += ",\"score\":";
    append_decimal(out, reading->score);
    out += '}';
  }
  out += '}';
}

void append_state(std::string& out, const omega::NTUState& state) {
  append_name(out, "ntu");
  out += '{';
  append_name(out, "belief");
  append_decimal(out, state.belief);
  append_name(out, "entropy");
  append_decimal(out, state.entropy);
  append_name(out, "potential");
  append_decimal(out, state.potential);
  append_name(out, "coverage");
  append_decimal(out, state.coverage);
  out += '}';
}

}  // namespace

void append_quality_json(std::string& out, const Quality& quality, QualityDetail detail) {
  const omega::Assessment& assessment = quality.assessment;
  out += "{\"score\":";
  append_decimal(out, assessment.score);
  append_name(out, "passed");
  out += quality.passed() ? "true" : "false";
  append_name(out, "dimensions");
  out += '{';
  for (std::size_t d = 0; d < omega::kDimensions; ++d) {
    const auto dimension = static_cast<omega::Dimension>(d);
    append_name(out, to_string(dimension));
    append_decimal(out, assessment.vector.get(dimension));
  }
  out += '}';
  append_shortfalls(out, quality.shortfalls);
  append_findings(out, assessment.findings);
  append_name(out, "retries");
  append_integer(out, quality.retries);
  if (detail == QualityDetail::full) {
    append_signals(out, assessment.readings);
    append_state(out, assessment.state);
    if (quality.judge_reason) {
      append_name(out, "judge_reason");
      out += boost::json::serialize(boost::json::value(*quality.judge_reason));
    }
  }
  out += '}';
}

std::string score_text(const Quality& quality) {
  if (!quality.assessment.score) return "unmeasured";
  std::string text;
  append_decimal(text, *quality.assessment.score);
  return text;
}

}  // namespace sovereign::runtime
