// A server under test: ours or llama-server, started with the same model, threads, context and slots.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "bench/load_generator.h"
#include "bench/peer_process.h"

namespace sovereign::bench {

// What both servers are given alike.
struct ServingSetup {
  std::filesystem::path model;
  std::uint32_t threads = 2;
  std::uint32_t slots = 8;
  std::uint32_t context_tokens_per_slot = 4096;
  bool flash_attention = true;
  std::int32_t gpu_layers = 0;
  std::uint32_t pool = 1;  // ours only: engines that share the above
  std::filesystem::path log_folder;

  std::uint32_t context_tokens() const { return slots * context_tokens_per_slot; }
  // As the peers take it: for them -1 means that they choose.
  std::string peer_gpu_layers() const { return gpu_layers < 0 ? "999" : std::to_string(gpu_layers); }
};

class ServedPeer {
 public:
  // Starts it on a free port and waits until it can serve.
  static result<ServedPeer> start_sovereign(const std::filesystem::path& program, const ServingSetup& setup);
  // llama-server with its own defaults beyond the setup: prompt cache on, cache split by slot.
  static result<ServedPeer> start_llama_server(const std::filesystem::path& program,
                                               const ServingSetup& setup);

  const std::string& base_url() const { return base_url_; }
  const std::string& model() const { return model_; }  // as /v1/models names it
  const std::string& command_line() const { return command_line_; }
  pid_t process() const { return process_.id(); }

  // One GET; empty when it fails.
  std::string get(const std::string& path) const;

 private:
  static result<ServedPeer> start(PeerCommand command, std::uint16_t port, const std::string& ready_path);
  explicit ServedPeer(PeerProcess process) : process_(std::move(process)) {}

  PeerProcess process_;
  std::string base_url_;
  std::string model_;
  std::string command_line_;
};

}  // namespace sovereign::bench
