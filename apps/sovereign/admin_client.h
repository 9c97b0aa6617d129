// Commands that ask a running server's administration.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "base/result.h"
#include "net/http_client.h"

namespace sovereign {

struct AdminServer {
  std::string url = "http://127.0.0.1:8080";
  std::string key_file;
  std::string ca_file;
};

// --url, --admin-key-file and --ca-file; the server outlives the parse.
CLI::App& add_server_options(CLI::App& command, AdminServer& server);

// One request to /admin + path; a body is JSON. Errors: the server cannot be reached, the key cannot be read,
// or the status is not 2xx: then in the server's words.
result<net::ClientResponse> call_admin(const AdminServer& server, const std::string& method,
                                       const std::string& path, std::string body = {});

}  // namespace sovereign
