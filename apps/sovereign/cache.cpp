// sovereign cache: looks into a running server's response cache, and empties it.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <memory>
#include <string>

#include "api_key.h"
#include "command.h"
#include "console.h"
#include "net/blocking_http.h"

namespace sovereign {
namespace {

namespace json = boost::json;

struct CacheServer {
  std::string url = "http://127.0.0.1:8080";
  std::string key_file;
  std::string ca_file;
};

// The server's words, or ours about its status.
Error explain(const CacheServer& server, const net::ClientResponse& response) {
  std::string words = fmt::format("{} answered {}", server.url, response.status);
  boost::system::error_code error;
  const auto body = json::parse(response.body, error);
  if (!error) {
    const json::value* message = body.find_pointer("/error/message", error);
    if (message != nullptr && message->is_string()) words += ": " + std::string(message->get_string());
  }
  if (response.status == 401) words += " (set SOVEREIGN_ADMIN_KEY or --admin-key-file)";
  return {response.status == 404 ? ErrorCode::not_found : ErrorCode::unavailable, words, server.url};
}

result<net::ClientResponse> call(const CacheServer& server, const std::string& method,
                                 const std::string& path) {
  auto key = read_api_key(server.key_file, "SOVEREIGN_ADMIN_KEY");
  if (!key) return fail(key.error());
  net::HttpClientConfig config;
  config.ca_file = server.ca_file;
  net::ClientRequest request;
  request.method = method;
  request.url = server.url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/admin/cache" + path;
  if (!key->empty()) request.headers.emplace_back("Authorization", "Bearer " + *key);
  auto response = net::BlockingHttp(config).fetch(std::move(request));
  if (response && response->status / 100 != 2) return fail(explain(server, *response));
  return response;
}

int print_answer(const CacheServer& server, const std::string& method, const std::string& path) {
  const auto response = call(server, method, path);
  if (!response) return print_failure(response.error());
  fmt::print("{}\n", response->body);
  return kExitOk;
}

int print_done(const CacheServer& server, const std::string& path) {
  const auto response = call(server, "DELETE", path);
  return response ? kExitOk : print_failure(response.error());
}

CLI::App& add_server_options(CLI::App& command, CacheServer& server) {
  command.add_option("--url", server.url, "The server")->type_name("URL")->capture_default_str();
  command
      .add_option("--admin-key-file", server.key_file,
                  "File with the server's admin key [$SOVEREIGN_ADMIN_KEY]")
      ->type_name("FILE");
  command.add_option("--ca-file", server.ca_file, "PEM roots to trust for https [the system's]")
      ->type_name("FILE");
  return command;
}

}  // namespace

void add_cache_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("cache", "Look into a server's response cache, or empty it");
  command->require_subcommand(1);
  const auto server = std::make_shared<CacheServer>();
  const auto key = std::make_shared<std::string>();
  add_server_options(*command->add_subcommand("stats", "Print counters and sizes of every level, as JSON"),
                     *server)
      .callback([server, &exit_code] { exit_code = print_answer(*server, "GET", ""); });
  add_server_options(*command->add_subcommand("clear", "Forget every answer, on disk and in Redis too"),
                     *server)
      .callback([server, &exit_code] { exit_code = print_done(*server, ""); });
  CLI::App& get =
      add_server_options(*command->add_subcommand("get", "Print one answer by its key, as JSON"), *server);
  get.add_option("key", *key, "The key, as the header X-Sovereign-Cache-Key tells it")
      ->type_name("KEY")
      ->required();
  get.callback([server, key, &exit_code] { exit_code = print_answer(*server, "GET", "/" + *key); });
}

}  // namespace sovereign
