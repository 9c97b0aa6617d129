#include "admin_client.h"

#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "api_key.h"
#include "net/blocking_http.h"

namespace sovereign {
namespace {

namespace json = boost::json;

// The server's words, or ours about its status.
Error explain(const AdminServer& server, const net::ClientResponse& response) {
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

}  // namespace

CLI::App& add_server_options(CLI::App& command, AdminServer& server) {
  command.add_option("--url", server.url, "The server")->type_name("URL")->capture_default_str();
  command
      .add_option("--admin-key-file", server.key_file,
                  "File with the server's admin key [$SOVEREIGN_ADMIN_KEY]")
      ->type_name("FILE");
  command.add_option("--ca-file", server.ca_file, "PEM roots to trust for https [the system's]")
      ->type_name("FILE");
  return command;
}

result<net::ClientResponse> call_admin(const AdminServer& server, const std::string& method,
                                       const std::string& path, std::string body) {
  auto key = read_api_key(server.key_file, "SOVEREIGN_ADMIN_KEY");
  if (!key) return fail(key.error());
  net::HttpClientConfig config;
  config.ca_file = server.ca_file;
  net::ClientRequest request;
  request.method = method;
  request.url = server.url;
  while (request.url.ends_with('/')) request.url.pop_back();
  request.url += "/admin" + path;
  if (!key->empty()) request.headers.emplace_back("Authorization", "Bearer " + *key);
  if (!body.empty()) {
    request.headers.emplace_back("Content-Type", "application/json");
    request.body = std::move(body);
  }
  auto response = net::BlockingHttp(config).fetch(std::move(request));
  if (response && response->status / 100 != 2) return fail(explain(server, *response));
  return response;
}

}  // namespace sovereign
