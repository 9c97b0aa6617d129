#include "base/logging.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <utility>

namespace sovereign {
namespace {

constexpr std::array kLevels = {
    std::pair{"trace", spdlog::level::trace}, std::pair{"debug", spdlog::level::debug},
    std::pair{"info", spdlog::level::info},   std::pair{"warning", spdlog::level::warn},
    std::pair{"error", spdlog::level::err},   std::pair{"off", spdlog::level::off}};

// Length of the valid UTF-8 character at the front of `text`; 0 when there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
  if (length == 0 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool outside = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return overlong || outside ? 0 : length;
}

void append_json_text(std::string_view text, spdlog::memory_buf_t& out) {
  const auto append = [&out](std::string_view part) { out.append(part.data(), part.data() + part.size()); };
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      append("\\ufffd");
    } else if (byte == '"' || byte == '\\') {
      append(byte == '"' ? "\\\"" : "\\\\");
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else {
      append(text.substr(0, length));
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
}

std::string_view level_name(spdlog::level::level_enum level) {
  for (const auto& [name, value] : kLevels) {
    if (value == level) return name;
  }
  return "critical";
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    using std::chrono::floor;
    const auto second = floor<std::chrono::seconds>(message.time);
    const auto ms = floor<std::chrono::milliseconds>(message.time - second).count();
    fmt::format_to(std::back_inserter(out),
                   R"({{"time":"{:%Y-%m-%dT%H:%M:%S}.{:03}Z","level":"{}","message":")",
                   fmt::gmtime(std::chrono::system_clock::to_time_t(second)), ms, level_name(message.level));
    append_json_text({message.payload.data(), message.payload.size()}, out);
    constexpr std::string_view kEnd = "\"}\n";
    out.append(kEnd.data(), kEnd.data() + kEnd.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

result<spdlog::sink_ptr> open_sink(const std::string& file) {
  if (file.empty()) return std::make_shared<spdlog::sinks::stderr_color_sink_mt>();
  try {
    return std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
  } catch (const spdlog::spdlog_ex&) {
    return fail(ErrorCode::permission_denied,
                fmt::format("cannot open the log file {}: {}", file, std::strerror(errno)), "log.file");
  }
}

}  // namespace

std::unique_ptr<spdlog::formatter> make_json_log_formatter() { return std::make_unique<JsonFormatter>(); }

result<void> start_logging(const LogSettings& settings) {
  const auto level = std::find_if(kLevels.begin(), kLevels.end(),
                                  [&](const auto& entry) { return settings.level == entry.first; });
  if (level == kLevels.end()) {
    return fail(ErrorCode::invalid_argument, fmt::format("unknown log level '{}'", settings.level),
                "log.level");
  }
  if (settings.format != "text" && settings.format != "json") {
    return fail(ErrorCode::invalid_argument, fmt::format("unknown log format '{}'", settings.format),
                "log.format");
  }
  auto sink = open_sink(settings.file);
  if (!sink) return fail(sink.error());
  auto logger = std::make_shared<spdlog::logger>("sovereign", *sink);
  if (settings.format == "json") {
    logger->set_formatter(make_json_log_formatter());
  } else {
    logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
  }
  logger->set_level(level->second);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace sovereign
