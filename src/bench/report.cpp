#include "bench/report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fstream>
#include <sstream>

namespace sovereign::bench {
namespace {

namespace json = boost::json;

constexpr std::string_view kSpread = "_spread";

json::array to_json(const Interval& interval) { return {interval.low, interval.high}; }

Interval interval_from(const json::value& value) {
  const auto& pair = value.as_array();
  return {pair.at(0).to_number<double>(), pair.at(1).to_number<double>()};
}

json::object to_json(const Environment& environment) {
  return {{"date", environment.date},
          {"cpu_model", environment.cpu_model},
          {"cpu_features", json::array(environment.cpu_features.begin(), environment.cpu_features.end())},
          {"logical_cpus", environment.logical_cpus},
          {"physical_cpus", environment.physical_cpus},
          {"memory_bytes", environment.memory_bytes},
          {"operating_system", environment.operating_system},
          {"cpu_governor", environment.cpu_governor},
          {"steal_percent", environment.steal_percent},
          {"load_average", environment.load_average},
          {"compiler", environment.compiler},
          {"build_type", environment.build_type},
          {"compiled_for", environment.compiled_for},
          {"version", environment.version},
          {"git_commit", environment.git_commit}};
}

json::object to_json(const BenchmarkResult& result) {
  return {{"name", result.name},
          {"iterations", result.iterations},
          {"mean", result.mean},
          {"median", result.median},
          {"p95", result.p95},
          {"p99", result.p99},
          {"min", result.min},
          {"max", result.max},
          {"qps", result.qps},
          {"cpu_percent", result.cpu_percent},
          {"memory_mb", result.memory_mb},
          {"median_interval", to_json(result.median_interval)},
          {"p99_interval", to_json(result.p99_interval)}};
}

std::string text_at(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

double number_at(const json::object& object, std::string_view key) {
  return object.at(key).to_number<double>();
}

Environment environment_from(const json::object& object) {
  Environment environment;
  environment.date = text_at(object, "date");
  environment.cpu_model = text_at(object, "cpu_model");
  for (const auto& feature : object.at("cpu_features").as_array()) {
    environment.cpu_features.emplace_back(feature.as_string());
  }
  environment.logical_cpus = object.at("logical_cpus").to_number<unsigned>();
  environment.physical_cpus = object.at("physical_cpus").to_number<unsigned>();
  environment.memory_bytes = object.at("memory_bytes").to_number<std::uint64_t>();
  environment.operating_system = text_at(object, "operating_system");
  environment.cpu_governor = text_at(object, "cpu_governor");
  environment.steal_percent = number_at(object, "steal_percent");
  environment.load_average = number_at(object, "load_average");
  environment.compiler = text_at(object, "compiler");
  environment.build_type = text_at(object, "build_type");
  environment.compiled_for = text_at(object, "compiled_for");
  environment.version = text_at(object, "version");
  environment.git_commit = text_at(object, "git_commit");
  return environment;
}

BenchmarkResult result_from(const json::object& object) {
  BenchmarkResult result;
  result.name = text_at(object, "name");
  result.iterations = object.at("iterations").to_number<std::uint64_t>();
  result.mean = number_at(object, "mean");
  result.median = number_at(object, "median");
  result.p95 = number_at(object, "p95");
  result.p99 = number_at(object, "p99");
  result.min = number_at(object, "min");
  result.max = number_at(object, "max");
  result.qps = number_at(object, "qps");
  result.cpu_percent = number_at(object, "cpu_percent");
  result.memory_mb = number_at(object, "memory_mb");
  result.median_interval = interval_from(object.at("median_interval"));
  result.p99_interval = interval_from(object.at("p99_interval"));
  return result;
}

// Throws what Boost.JSON throws; the caller turns that into an error.
result<Report> report_from(const json::object& object) {
  if (object.at("schema").to_number<int>() != Report::kSchema) {
    return fail(ErrorCode::corrupt, fmt::format("a benchmark report of schema {}, not {}",
                                                object.at("schema").to_number<int>(), Report::kSchema));
  }
  Report report;
  report.name = text_at(object, "name");
  report.environment = environment_from(object.at("environment").as_object());
  for (const auto& entry : object.at("results").as_array())
    report.results.push_back(result_from(entry.as_object()));
  const auto& ratios = object.at("ratios").as_object();
  for (const auto& [key, value] : ratios) {
    if (value.is_array()) continue;
    const std::string name(key);
    report.ratios[name] = {value.to_number<double>(), interval_from(ratios.at(name + std::string(kSpread)))};
  }
  for (const auto& [key, value] : object.at("figures").as_object()) {
    report.figures[std::string(key)] = value.to_number<double>();
  }
  for (const auto& note : object.at("notes").as_array()) report.notes.emplace_back(note.as_string());
  return report;
}

}  // namespace

std::string to_json(const Report& report) {
  json::array results;
  for (const auto& result : report.results) results.push_back(to_json(result));
  json::object ratios;
  for (const auto& [key, estimate] : report.ratios) {
    ratios[key] = estimate.value;
    ratios[key + std::string(kSpread)] = to_json(estimate.interval);
  }
  json::object figures;
  for (const auto& [key, value] : report.figures) figures[key] = value;
  const json::object whole{{"schema", Report::kSchema},
                           {"name", report.name},
                           {"environment", to_json(report.environment)},
                           {"results", std::move(results)},
                           {"ratios", std::move(ratios)},
                           {"figures", std::move(figures)},
                           {"notes", json::array(report.notes.begin(), report.notes.end())}};
  return json::serialize(whole) + "\n";
}

result<Report> report_from_json(std::string_view text) {
  const auto broken = [](std::string_view why) {
    return fail(ErrorCode::corrupt, fmt::format("not a benchmark report: {}", why));
  };
  try {
    const json::value value = json::parse(json::string_view(text.data(), text.size()));
    if (!value.is_object()) return broken("not a JSON object");
    return report_from(value.get_object());
  } catch (const std::exception& error) {
    return broken(error.what());
  }
}

namespace {

// Latencies reach from nanoseconds to minutes.
std::string shown_ms(double value) {
  return value >= 1 || value == 0 ? fmt::format("{:.2f}", value) : fmt::format("{:.3g}", value);
}

}  // namespace

std::string to_table(const Report& report) {
  const Environment& e = report.environment;
  std::string text = fmt::format(
      "{}  {}  {} {}\n{} x {}, {:.1f} GB, {}\n{} {}, load {:.2f}, steal {:.2f} %\n\n", report.name, e.date,
      e.version, e.git_commit, e.logical_cpus, e.cpu_model, static_cast<double>(e.memory_bytes) / 1e9,
      e.operating_system, e.compiler, e.build_type, e.load_average, e.steal_percent);
  std::size_t width = 4;
  for (const auto& result : report.results) width = std::max(width, result.name.size());
  if (!report.results.empty()) {
    text += fmt::format("{:<{}} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8} {:>6} {:>7}\n", "name", width, "n",
                        "mean ms", "median", "p95", "p99", "max", "per s", "cpu %", "MB");
  }
  for (const auto& r : report.results) {
    text += fmt::format("{:<{}} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8.2f} {:>6.0f} {:>7.0f}\n", r.name,
                        width, r.iterations, shown_ms(r.mean), shown_ms(r.median), shown_ms(r.p95),
                        shown_ms(r.p99), shown_ms(r.max), r.qps, r.cpu_percent, r.memory_mb);
  }
  if (!report.ratios.empty()) text += "\n";
  for (const auto& [key, estimate] : report.ratios) {
    text += fmt::format("{:<42} {:>7.3f}  [{:.3f}, {:.3f}]\n", key, estimate.value, estimate.interval.low,
                        estimate.interval.high);
  }
  if (!report.figures.empty()) text += "\n";
  for (const auto& [key, value] : report.figures) text += fmt::format("{:<42} {:>10.3f}\n", key, value);
  if (!report.notes.empty()) text += "\n";
  for (const auto& note : report.notes) text += fmt::format("- {}\n", note);
  return text;
}

result<std::filesystem::path> write_report(const Report& report, const std::filesystem::path& folder) {
  std::error_code ec;
  std::filesystem::create_directories(folder, ec);
  const auto file = folder / (report.name + ".json");
  const auto unfinished = folder / (report.name + ".json.part");
  {
    std::ofstream out(unfinished, std::ios::trunc);
    out << to_json(report);
    out.close();
    if (!out)
      return fail(ErrorCode::unavailable, fmt::format("cannot write {}", unfinished.string()), file.string());
  }
  std::filesystem::rename(unfinished, file, ec);
  if (ec)
    return fail(ErrorCode::unavailable, fmt::format("cannot write {}: {}", file.string(), ec.message()));
  return file;
}

result<Report> read_report(const std::filesystem::path& file) {
  std::ifstream in(file);
  if (!in) return fail(ErrorCode::not_found, fmt::format("cannot read {}", file.string()), file.string());
  std::stringstream text;
  text << in.rdbuf();
  auto report = report_from_json(text.str());
  if (!report) report.error().where = file.string();
  return report;
}

}  // namespace sovereign::bench
