#include "bench/suites/served_peer.h"

#include <fmt/format.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "net/blocking_http.h"

namespace sovereign::bench {
namespace {

constexpr std::chrono::milliseconds kStartLimit{60'000};

// data[0].id of /v1/models; empty when it is not there.
std::string first_model(const std::string& body) {
  try {
    return std::string(boost::json::parse(body).at("data").at(0).at("id").as_string());
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace

result<ServedPeer> ServedPeer::start_sovereign(const std::filesystem::path& program,
                                               const ServingSetup& setup) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  PeerCommand command;
  command.program = program;
  command.log = setup.log_folder / "sovereign.log";
  command.arguments = {"serve",
                       "--model",
                       setup.model.string(),
                       "--host",
                       "127.0.0.1",
                       "--port",
                       std::to_string(*port),
                       "--threads",
                       std::to_string(setup.threads),
                       "--parallel",
                       std::to_string(setup.slots),
                       "--context",
                       std::to_string(setup.context_tokens_per_slot),
                       "--kv-cells",
                       std::to_string(setup.context_tokens()),
                       "--engine.pool",
                       std::to_string(setup.pool),
                       "--cache.enabled=false",  // what is asked is computed, however often
                       fmt::format("--engine.flash_attention={}", setup.flash_attention)};
  if (setup.gpu_layers != 0) command.arguments.push_back(fmt::format("--gpu-layers={}", setup.gpu_layers));
  return start(std::move(command), *port, "/readyz");
}

result<ServedPeer> ServedPeer::start_llama_server(const std::filesystem::path& program,
                                                  const ServingSetup& setup) {
  const auto port = free_port();
  if (!port) return fail(port.error());
  PeerCommand command;
  command.program = program;
  command.log = setup.log_folder / "llama-server.log";
  command.arguments = {"-m",        setup.model.string(),
                       "--host",    "127.0.0.1",
                       "--port",    std::to_string(*port),
                       "-t",        std::to_string(setup.threads),
                       "-np",       std::to_string(setup.slots),
                       "-c",        std::to_string(setup.context_tokens()),
                       "-fa",       setup.flash_attention ? "on" : "off",
                       "-ngl",      setup.peer_gpu_layers(),
                       "--no-webui"};
  return start(std::move(command), *port, "/health");
}

result<ServedPeer> ServedPeer::start(PeerCommand command, std::uint16_t port, const std::string& ready_path) {
  auto process = PeerProcess::start(command);
  if (!process) return fail(std::move(process.error()));
  ServedPeer peer(std::move(*process));
  peer.base_url_ = fmt::format("http://127.0.0.1:{}", port);
  peer.command_line_ = command.line();
  if (auto ready = peer.process_.wait_until_ready(peer.base_url_ + ready_path, kStartLimit); !ready) {
    return fail(std::move(ready.error()));
  }
  peer.model_ = first_model(peer.get("/v1/models"));
  return peer;
}

std::string ServedPeer::get(const std::string& path) const {
  net::ClientRequest request;
  request.url = base_url_ + path;
  request.timeouts.total = std::chrono::milliseconds(5'000);
  const auto answer = net::BlockingHttp().fetch(std::move(request));
  return answer && answer->status == 200 ? answer->body : std::string();
}

}  // namespace sovereign::bench
