#include <fmt/format.h>

#include <atomic>
#include <fstream>
#include <regex>
#include <thread>
#include <vector>

#include "base/system_info.h"
#include "bench/peer_process.h"
#include "bench/suites/cache.h"
#include "net/blocking_http.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kStartLimit{60'000};
constexpr int kConnections = 16;
constexpr int kAskersAtOnce = 64;

std::string chat_body(const std::string& question) {
  return R"({"messages":[{"role":"user","content":")" + question +
         R"("}],"temperature":0,"max_tokens":64,"ignore_eos":true})";
}

result<net::ClientResponse> post_chat(const std::string& base_url, const std::string& body) {
  return net::BlockingHttp().fetch(net::json_post(base_url + "/v1/chat/completions", body, ""));
}

// On a CPU of its own where there are two: the server on the first, its clients on the second.
PeerCommand on_cpu(int cpu, PeerCommand command) {
  const std::filesystem::path taskset = "/usr/bin/taskset";
  if (cpu_info().logical < 2 || !std::filesystem::exists(taskset)) return command;
  command.arguments.insert(command.arguments.begin(), {"-c", std::to_string(cpu), command.program.string()});
  command.program = taskset;
  return command;
}

struct Served {
  PeerProcess process;
  std::string base_url;
};

result<Served> start(PeerCommand command, const std::string& base_url, const std::string& ready_path) {
  auto process = PeerProcess::start(command);
  if (!process) return fail(process.error());
  Served served{std::move(*process), base_url};
  if (auto ready = served.process.wait_until_ready(base_url + ready_path, kStartLimit); !ready) {
    return fail(ready.error());
  }
  return served;
}

result<Served> start_sovereign(const CacheOptions& options) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  PeerCommand command;
  command.program = options.sovereign;
  command.log = options.log_folder / "sovereign-cache.log";
  command.arguments = {"serve",
                       "--model",
                       options.model.string(),
                       "--host",
                       "127.0.0.1",
                       "--port",
                       std::to_string(*port),
                       "--threads",
                       "1",
                       "--context",
                       "1024",
                       "--kv-cells",
                       "16384"};
  return start(on_cpu(0, std::move(command)), fmt::format("http://127.0.0.1:{}", *port), "/readyz");
}

// One worker, as our one io thread; nothing logged, files kept open, connections kept.
constexpr std::string_view kNginxConf = R"(daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  open_file_cache max=100 inactive=600s;
  default_type application/json;
  client_body_temp_path {folder}/nginx-body;
  proxy_temp_path {folder}/nginx-proxy;
  fastcgi_temp_path {folder}/nginx-fastcgi;
  uwsgi_temp_path {folder}/nginx-uwsgi;
  scgi_temp_path {folder}/nginx-scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/files; }}
}}
)";

result<Served> start_nginx(const CacheOptions& options, std::size_t file_bytes) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  const auto folder = std::filesystem::absolute(options.log_folder) / "nginx";
  std::error_code error;
  std::filesystem::create_directories(folder / "files", error);
  std::ofstream(folder / "files" / "answer.json") << std::string(file_bytes, 'x');
  std::ofstream(folder / "nginx.conf")
      << fmt::format(kNginxConf, fmt::arg("folder", folder.string()), fmt::arg("port", *port));
  // Its workers read as another user when it is started by root.
  std::filesystem::permissions(folder / "files" / "answer.json", std::filesystem::perms::others_read,
                               std::filesystem::perm_options::add, error);
  PeerCommand command;
  command.program = options.nginx;
  command.log = options.log_folder / "nginx.log";
  command.arguments = {"-c", (folder / "nginx.conf").string(),     "-p", folder.string(),
                       "-e", (folder / "nginx-error.log").string()};
  return start(on_cpu(0, std::move(command)), fmt::format("http://127.0.0.1:{}", *port), "/answer.json");
}

struct WrkRun {
  double requests_per_second = 0;
  double p99_ms = 0;
};

double in_ms(double value, const std::string& unit) {
  return unit == "us" ? value / 1000 : unit == "s" ? value * 1000 : value;
}

result<WrkRun> run_wrk(const CacheOptions& options, const std::string& url,
                       const std::filesystem::path& script) {
  PeerCommand command;
  command.program = options.wrk;
  command.arguments = {"-t1", fmt::format("-c{}", kConnections), fmt::format("-d{}s", options.wrk_seconds),
                       "--latency"};
  if (!script.empty()) command.arguments.insert(command.arguments.end(), {"-s", script.string()});
  command.arguments.push_back(url);
  const auto limit = std::chrono::seconds(options.wrk_seconds + 30);
  auto output = run_tool(on_cpu(1, std::move(command)), limit);
  if (!output) return fail(output.error());
  std::smatch found;
  WrkRun run;
  const bool has_rate = std::regex_search(*output, found, std::regex("Requests/sec:\\s+([0-9.]+)"));
  if (has_rate) run.requests_per_second = std::stod(found[1]);
  std::smatch tail;
  const bool has_p99 = std::regex_search(*output, tail, std::regex("99%\\s+([0-9.]+)(us|ms|s)"));
  if (has_p99) run.p99_ms = in_ms(std::stod(tail[1]), tail[2]);
  if (!has_rate || !has_p99 || output->find("Non-2xx") != std::string::npos ||
      output->find("Socket errors") != std::string::npos) {
    return fail(ErrorCode::unavailable, "wrk had errors: " + *output);
  }
  return run;
}

double finished_generations(const std::string& base_url) {
  net::ClientRequest request;
  request.url = base_url + "/metrics";
  const auto page = net::BlockingHttp().fetch(std::move(request));
  std::smatch found;
  const bool told =
      page &&
      std::regex_search(page->body, found,
                        std::regex("sovereign_engine_requests_total\\{outcome=\"finished\"\\} ([0-9.]+)"));
  return told ? std::stod(found[1]) : 0;
}

result<void> measure_single_flight(const Served& ours, Report& report) {
  const double before = finished_generations(ours.base_url);
  const std::string body = chat_body("What do sixty-four people ask at once?");
  std::atomic<int> answered{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < kAskersAtOnce; ++i) {
    askers.emplace_back([&] {
      const auto answer = post_chat(ours.base_url, body);
      if (answer && answer->status == 200) ++answered;
    });
  }
  for (auto& asker : askers) asker.join();
  if (answered != kAskersAtOnce) {
    return fail(ErrorCode::unavailable,
                fmt::format("{} of {} were answered", answered.load(), kAskersAtOnce));
  }
  report.figures["single_flight_inferences"] = finished_generations(ours.base_url) - before;
  return {};
}

}  // namespace

result<void> measure_cache_http(const CacheOptions& options, const Progress& progress, Report& report) {
  progress.step("starting the server");
  auto ours = start_sovereign(options);
  if (!ours) return fail(ours.error());
  if (auto done = measure_single_flight(*ours, report); !done) return done;

  const std::string body = chat_body("What is asked again and again?");
  const auto first = post_chat(ours->base_url, body);
  if (!first) return fail(first.error());
  const auto again = post_chat(ours->base_url, body);
  if (!again) return fail(again.error());
  if (first->status != 200 || again->status != 200) {
    return fail(ErrorCode::unavailable, "the server does not answer: " + again->body);
  }
  report.figures["http_hit_body_bytes"] = static_cast<double>(again->body.size());

  if (!std::filesystem::exists(options.wrk) || !std::filesystem::exists(options.nginx)) {
    report.notes.push_back(fmt::format("http_hit_rps_vs_nginx is left out: {} or {} is not there",
                                       options.wrk.string(), options.nginx.string()));
    progress.done();
    return {};
  }
  auto nginx = start_nginx(options, again->body.size());
  if (!nginx) return fail(nginx.error());
  const auto script = std::filesystem::absolute(options.log_folder) / "hit.lua";
  std::ofstream(script) << "wrk.method = \"POST\"\nwrk.body = [[" << body
                        << "]]\nwrk.headers[\"Content-Type\"] = \"application/json\"\n";

  std::vector<double> our_rps;
  std::vector<double> nginx_rps;
  std::vector<double> our_p99;
  std::vector<double> nginx_p99;
  const std::vector<Side> sides = {
      {"sovereign",
       [&](int round) -> result<void> {
         const auto run = run_wrk(options, ours->base_url + "/v1/chat/completions", script);
         if (!run) return fail(run.error());
         if (round >= 0) our_rps.push_back(run->requests_per_second), our_p99.push_back(run->p99_ms);
         return {};
       }},
      {"nginx", [&](int round) -> result<void> {
         const auto run = run_wrk(options, nginx->base_url + "/answer.json", {});
         if (!run) return fail(run.error());
         if (round >= 0) nginx_rps.push_back(run->requests_per_second), nginx_p99.push_back(run->p99_ms);
         return {};
       }}};
  HarnessOptions harness;
  harness.rounds = options.smoke ? 1 : std::min(options.rounds, 5);
  harness.warm_up_rounds = options.smoke ? 0 : 1;
  if (auto ran = run_alternating("cached answers over HTTP", sides, harness, progress); !ran) return ran;
  report.ratios["http_hit_rps_vs_nginx"] = paired_ratio(our_rps, nginx_rps, 5);
  report.figures["http_hit_rps"] = median(our_rps);
  report.figures["nginx_rps"] = median(nginx_rps);
  report.figures["http_hit_p99_ms"] = median(our_p99);
  report.figures["nginx_p99_ms"] = median(nginx_p99);
  report.notes.push_back(fmt::format(
      "http: wrk with {} connections; our server with one io thread and nginx with one worker on one CPU in "
      "turn, wrk on another; ours answers POST /v1/chat/completions from memory, nginx GETs a file of the "
      "same size",
      kConnections));
  return {};
}

}  // namespace sovereign::bench
