// sovereign canary: how the variant on trial stands, and what is decided about it.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "admin_client.h"
#include "command.h"
#include "console.h"

namespace sovereign {
namespace {

namespace json = boost::json;

// "2026-05-01 12:00:00" UTC, of milliseconds since 1970.
std::string date_text(std::int64_t ms) {
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  return text;
}

std::string text_at(const json::value& value, const char* pointer) {
  std::error_code error;
  const json::value* found = value.find_pointer(pointer, error);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

double number_at(const json::value& value, const char* pointer) {
  std::error_code error;
  const json::value* found = value.find_pointer(pointer, error);
  if (found == nullptr) return 0;
  const double number = found->to_number<double>(error);
  return error ? 0 : number;
}

const json::array& list_at(const json::value& value, const char* pointer) {
  static const json::array none;
  std::error_code error;
  const json::value* found = value.find_pointer(pointer, error);
  return found != nullptr && found->is_array() ? found->get_array() : none;
}

// For people; a server of another version may leave things out.
std::string describe(const json::value& canary) {
  std::string out = fmt::format("canary {}: {}\n", text_at(canary, "/name"), text_at(canary, "/phase"));
  out += fmt::format(
      "share {:.3g}, margin {:.3g}, alpha {:.3g}; compared: {:.0f} queries of control, {:.0f} of "
      "the variant\n",
      number_at(canary, "/share"), number_at(canary, "/margin"), number_at(canary, "/alpha"),
      number_at(canary, "/compared/control"), number_at(canary, "/compared/variant"));
  out += fmt::format("\n{:<12} {:>12} {:>12} {:>10} {:>10}\n", "", "control", "variant", "worse", "fine");
  for (const json::value& metric : list_at(canary, "/metrics")) {
    const bool is_time = metric.is_object() && metric.get_object().contains("control") &&
                         metric.at("control").is_object() &&
                         metric.at("control").get_object().contains("median");
    out += fmt::format("{:<12} {:>12.4g} {:>12.4g} {:>8.0f} % {:>8.0f} %\n", text_at(metric, "/metric"),
                       number_at(metric, is_time ? "/control/median" : "/control/mean"),
                       number_at(metric, is_time ? "/variant/median" : "/variant/mean"),
                       100 * std::max(0.0, number_at(metric, "/worse_evidence")),
                       100 * std::max(0.0, number_at(metric, "/fine_evidence")));
  }
  out += "(times: medians in seconds; worse, fine: evidence, of what is needed)\n\n";
  for (const json::value& event : list_at(canary, "/story")) {
    out += fmt::format("{} UTC  {} (by {}): {}\n",
                       date_text(static_cast<std::int64_t>(number_at(event, "/at_ms"))),
                       text_at(event, "/event"), text_at(event, "/by"), text_at(event, "/why"));
  }
  return out;
}

int show(const result<net::ClientResponse>& response, bool as_json) {
  if (!response) return print_failure(response.error());
  std::error_code error;
  const json::value canary = json::parse(response->body, error);
  if (as_json || error) {
    fmt::print("{}\n", response->body);
  } else {
    fmt::print("{}", describe(canary));
  }
  return kExitOk;
}

struct Asked {
  AdminServer server;
  std::string reason;
  bool as_json = false;
};

}  // namespace

void add_canary_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand(
      "canary", "See how a server's variant on trial stands, promote it or roll it back");
  command->require_subcommand(1);
  const auto asked = std::make_shared<Asked>();
  const auto add = [&](const char* name, const char* help) -> CLI::App& {
    CLI::App& subcommand = *command->add_subcommand(name, help);
    add_server_options(subcommand, asked->server);
    subcommand.add_flag("--json", asked->as_json, "Print the server's JSON");
    return subcommand;
  };
  add("status", "Print what was compared, and the story").callback([asked, &exit_code] {
    exit_code = show(call_admin(asked->server, "GET", "/canary"), asked->as_json);
  });
  const auto add_change = [&](const char* name, const char* help) {
    CLI::App& change = add(name, help);
    change.add_option("--reason", asked->reason, "Why, for the story")->type_name("TEXT");
    change.callback([asked, name, &exit_code] {
      std::string body = json::serialize(json::object{{"reason", asked->reason}});
      exit_code = show(call_admin(asked->server, "POST", std::string("/canary/") + name, std::move(body)),
                       asked->as_json);
    });
  };
  add_change("promote", "Let the variant answer everything");
  add_change("rollback", "Let the variant answer nothing any more");
  add_change("restart", "Run it again, and forget what was compared");
}

}  // namespace sovereign
