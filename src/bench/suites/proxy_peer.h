// A gateway under test before a stub: ours, LiteLLM's proxy, or nginx.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/peer_process.h"

namespace sovereign::bench {

class ProxyPeer {
 public:
  // Our program without a model, its answers not cached. `backends` is TOML: the [backends.…] tables.
  static result<ProxyPeer> start_sovereign(const std::filesystem::path& program,
                                           const std::filesystem::path& folder, const std::string& backends);
  // LiteLLM with one worker process for each CPU, its answers not cached.
  static result<ProxyPeer> start_litellm(const std::filesystem::path& program,
                                         const std::filesystem::path& folder, std::uint16_t stub_port);
  // nginx with one worker for each CPU, which passes on what it does not read: what any proxy costs here.
  static result<ProxyPeer> start_nginx(const std::filesystem::path& program,
                                       const std::filesystem::path& folder, std::uint16_t stub_port);

  std::uint16_t port() const { return port_; }
  const std::string& command_line() const { return command_line_; }
  pid_t process() const { return process_.id(); }

 private:
  static result<ProxyPeer> start(PeerCommand command, std::uint16_t port, const std::string& ready_path);
  ProxyPeer(PeerProcess process, std::uint16_t port, std::string line)
      : process_(std::move(process)), port_(port), command_line_(std::move(line)) {}

  PeerProcess process_;
  std::uint16_t port_;
  std::string command_line_;
};

}  // namespace sovereign::bench
