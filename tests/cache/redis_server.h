// A real redis-server for a test: on a free port of this machine, keeping nothing, ended with the object.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "cache/redis_connection.h"

namespace sovereign::cache {

class RedisServer {
 public:
  // Port 0: a free one. Check running() before use.
  explicit RedisServer(std::uint16_t port = 0, std::vector<std::string> more = {})
      : port_(port == 0 ? free_port() : port) {
    folder_ = std::filesystem::temp_directory_path() /
              ("sovereign-redis-" + std::to_string(getpid()) + "-" + std::to_string(port_));
    std::filesystem::create_directories(folder_);
    // Debian ships the server inside the checker's file, which looks at the name it is called by; the
    // package with the other name would also start a service.
    program_ = folder_ / "redis-server";
    std::error_code error;
    std::filesystem::create_symlink("/usr/bin/redis-check-rdb", program_, error);
    start(std::move(more));
  }
  ~RedisServer() {
    kill_9();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  RedisAddress address() const { return {"127.0.0.1", port_, "", "", 0}; }
  std::uint16_t port() const { return port_; }
  bool running() const { return process_ > 0; }
  void kill_9() { end(SIGKILL); }
  // Alive, and silent: what a network that swallows packets looks like.
  void freeze() const { kill(process_, SIGSTOP); }
  void thaw() const { kill(process_, SIGCONT); }
  void start(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {program_.string(),
                                      "--port",
                                      std::to_string(port_),
                                      "--bind",
                                      "127.0.0.1",
                                      "--save",
                                      "",
                                      "--appendonly",
                                      "no",
                                      "--dir",
                                      folder_.string(),
                                      "--logfile",
                                      (folder_ / "log").string()};
    words.insert(words.end(), more.begin(), more.end());
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execv(program_.c_str(), arguments.data());
      _exit(127);
    }
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!RedisConnection::open(address(), std::chrono::milliseconds(500)) && !needs_password(more)) {
      if (waitpid(process_, nullptr, WNOHANG) == process_ || std::chrono::steady_clock::now() > give_up) {
        ADD_FAILURE() << "redis-server does not start (Debian: redis-tools)";
        end(SIGKILL);
        return;
      }
      std::this_thread::yield();
    }
  }

 private:
  static bool needs_password(const std::vector<std::string>& more) {
    return std::find(more.begin(), more.end(), "--requirepass") != more.end();
  }
  static std::uint16_t free_port() {
    const int socket_file = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(socket_file, reinterpret_cast<sockaddr*>(&address), size);
    getsockname(socket_file, reinterpret_cast<sockaddr*>(&address), &size);
    close(socket_file);
    return ntohs(address.sin_port);
  }
  void end(int signal_number) {
    if (process_ <= 0) return;
    kill(process_, signal_number);
    waitpid(process_, nullptr, 0);
    process_ = -1;
  }

  std::uint16_t port_;
  std::filesystem::path folder_;
  std::filesystem::path program_;
  pid_t process_ = -1;
};

}  // namespace sovereign::cache
