// A program that a benchmark runs beside itself: a server that it talks to, or a tool whose output it reads.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace sovereign::bench {

struct PeerCommand {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::filesystem::path log;  // takes standard error, and standard output of servers; empty: discarded

  // As one would type it, for the report's notes.
  std::string line() const;
};

// A running server. Ended with the object: SIGTERM, then SIGKILL when it does not listen; it also ends when
// this process dies. Move-only.
class PeerProcess {
 public:
  // Errors: not_found (no such program), unavailable (cannot start it).
  static result<PeerProcess> start(const PeerCommand& command);
  PeerProcess(PeerProcess&& other) noexcept;
  PeerProcess& operator=(PeerProcess&& other) noexcept;
  ~PeerProcess();

  pid_t id() const { return id_; }
  bool alive() noexcept;

  // Asks `url` until it answers with 200. Errors: unavailable (the process ended; the log is named),
  // deadline_exceeded.
  result<void> wait_until_ready(const std::string& url, std::chrono::milliseconds limit);

  void stop() noexcept;

 private:
  PeerProcess(pid_t id, std::filesystem::path log) : id_(id), log_(std::move(log)) {}
  pid_t id_ = -1;
  std::filesystem::path log_;
};

// Runs a tool to its end and gives its standard output. Errors: as start(); unavailable (it failed),
// deadline_exceeded (it was killed).
result<std::string> run_tool(const PeerCommand& command, std::chrono::milliseconds limit);

// A TCP port of 127.0.0.1 that nobody holds at the moment.
result<std::uint16_t> free_port();

}  // namespace sovereign::bench
