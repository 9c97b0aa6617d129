#include "server/metrics/prometheus_text.h"

#include <array>
#include <charconv>
#include <cmath>

namespace sovereign::server {
namespace {

void append_value(std::string& out, double value) {
  if (std::isnan(value)) {
    out += "NaN";
  } else if (std::isinf(value)) {
    out += value > 0 ? "+Inf" : "-Inf";
  } else {
    std::array<char, 32> buffer;
    const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
    out.append(buffer.data(), end);
  }
}

void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

}  // namespace

void PrometheusText::begin(std::string_view name, Type type, std::string_view help) {
  name_ = name;
  out_ += "# HELP ";
  out_ += name;
  out_ += ' ';
  append_escaped(out_, help, false);
  out_ += "\n# TYPE ";
  out_ += name;
  switch (type) {
    case Type::counter: out_ += " counter\n"; break;
    case Type::gauge: out_ += " gauge\n"; break;
    case Type::histogram: out_ += " histogram\n"; break;
  }
}

void PrometheusText::line(std::string_view suffix, Labels labels, std::string_view le, double value) {
  out_ += name_;
  out_ += suffix;
  char separator = '{';
  const auto label = [&](std::string_view name, std::string_view text) {
    out_ += separator;
    separator = ',';
    out_ += name;
    out_ += "=\"";
    append_escaped(out_, text, true);
    out_ += '"';
  };
  for (const auto& [name, text] : labels) label(name, text);
  if (!le.empty()) label("le", le);
  if (separator == ',') out_ += '}';
  out_ += ' ';
  append_value(out_, value);
  out_ += '\n';
}

void PrometheusText::sample(double value, Labels labels) { line({}, labels, {}, value); }

void PrometheusText::sample(const Histogram& histogram, Labels labels) {
  // The count is the sum of the buckets as read here, so that it equals the +Inf bucket even while
  // others observe.
  std::uint64_t cumulative = 0;
  const auto& bounds = histogram.upper_bounds();
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    cumulative += histogram.count_in(i);
    std::string le;
    append_value(le, i < bounds.size() ? bounds[i] : INFINITY);
    line("_bucket", labels, le, static_cast<double>(cumulative));
  }
  line("_sum", labels, {}, histogram.sum());
  line("_count", labels, {}, static_cast<double>(cumulative));
}

void PrometheusText::counter(std::string_view name, std::string_view help, double value) {
  begin(name, Type::counter, help);
  sample(value);
}

void PrometheusText::gauge(std::string_view name, std::string_view help, double value) {
  begin(name, Type::gauge, help);
  sample(value);
}

void PrometheusText::histogram(std::string_view name, std::string_view help, const Histogram& value) {
  begin(name, Type::histogram, help);
  sample(value);
}

}  // namespace sovereign::server
