#include "bench/suites/proxy_peer.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

#include "base/system_info.h"
#include "bench/suites/stub_backend.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kStartLimit{120'000};  // LiteLLM imports for a while

result<std::filesystem::path> write_file(const std::filesystem::path& file, const std::string& text) {
  std::error_code ignored;
  std::filesystem::create_directories(file.parent_path(), ignored);
  std::ofstream out(file, std::ios::trunc);
  out << text;
  out.close();
  if (out) return std::filesystem::absolute(file);
  return fail(ErrorCode::permission_denied, fmt::format("cannot write {}", file.string()));
}

// Nothing logged, connections kept on both sides, pieces passed on as they come.
constexpr std::string_view kNginxConf = R"(daemon off;
worker_processes {workers};
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  upstream stub {{ server 127.0.0.1:{stub}; keepalive 64; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://stub;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
)";

}  // namespace

result<ProxyPeer> ProxyPeer::start_nginx(const std::filesystem::path& program,
                                         const std::filesystem::path& folder, std::uint16_t stub_port) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  const auto own = std::filesystem::absolute(folder) / "nginx-proxy";
  const auto config = write_file(
      own / "nginx.conf",
      fmt::format(kNginxConf, fmt::arg("workers", std::max(1U, cpu_info().logical)),
                  fmt::arg("folder", own.string()), fmt::arg("stub", stub_port), fmt::arg("port", *port)));
  if (!config) return fail(config.error());
  PeerCommand command;
  command.program = program;
  command.log = folder / "nginx-proxy.log";
  command.arguments = {"-c", config->string(), "-p", own.string(), "-e", (own / "nginx-error.log").string()};
  return start(std::move(command), *port, "/v1/models");
}

result<ProxyPeer> ProxyPeer::start_sovereign(const std::filesystem::path& program,
                                             const std::filesystem::path& folder,
                                             const std::string& backends) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  // A breaker that has opened stays open for as long as anything is measured.
  const auto config = write_file(folder / fmt::format("gateway-{}.toml", *port),
                                 fmt::format("[server]\nhost = \"127.0.0.1\"\nport = {}\n"
                                             "[model]\nenabled = false\n[cache]\nenabled = false\n"
                                             "[routing]\nbreaker_failures = 1\nbreaker_open_for = \"1h\"\n{}",
                                             *port, backends));
  if (!config) return fail(config.error());
  PeerCommand command;
  command.program = program;
  command.log = folder / "gateway-sovereign.log";
  command.arguments = {"serve", "--config", config->string()};
  return start(std::move(command), *port, "/readyz");
}

result<ProxyPeer> ProxyPeer::start_litellm(const std::filesystem::path& program,
                                           const std::filesystem::path& folder, std::uint16_t stub_port) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  const auto config = write_file(
      folder / "litellm.yaml",
      fmt::format("model_list:\n  - model_name: {0}\n    litellm_params:\n      model: openai/{0}\n"
                  "      api_base: http://127.0.0.1:{1}/v1\n      api_key: none\n"
                  "litellm_settings:\n  telemetry: false\n",
                  StubBackend::kModel, stub_port));
  if (!config) return fail(config.error());
  PeerCommand command;
  command.program = "/usr/bin/env";
  command.log = folder / "litellm.log";
  // It would fetch its price list from the network, and print every request.
  command.arguments = {"LITELLM_LOCAL_MODEL_COST_MAP=True",
                       "LITELLM_LOG=ERROR",
                       program.string(),
                       "--config",
                       config->string(),
                       "--host",
                       "127.0.0.1",
                       "--port",
                       std::to_string(*port),
                       "--num_workers",
                       std::to_string(std::max(1U, cpu_info().logical))};
  return start(std::move(command), *port, "/health/liveliness");
}

result<ProxyPeer> ProxyPeer::start(PeerCommand command, std::uint16_t port, const std::string& ready_path) {
  auto process = PeerProcess::start(command);
  if (!process) return fail(process.error());
  ProxyPeer peer(std::move(*process), port, command.line());
  const auto ready =
      peer.process_.wait_until_ready(fmt::format("http://127.0.0.1:{}{}", port, ready_path), kStartLimit);
  if (!ready) return fail(ready.error());
  return peer;
}

}  // namespace sovereign::bench
