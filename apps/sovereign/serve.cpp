// sovereign serve: the HTTP API, until a signal ends it.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "base/build_info.h"
#include "command.h"
#include "console.h"
#include "loaded_model.h"
#include "server/api_keys.h"
#include "service.h"
#include "settings_flags.h"
#include "signals.h"

namespace sovereign {
namespace {

constexpr rlim_t kOwnFiles = 64;  // descriptors that are no connections
// What the end may take once the drain is over: a decode under way, threads, files.
constexpr std::chrono::seconds kEndLimit{10};

// The port, for whoever started the server with port 0; gone again when the server is.
class PortFile {
 public:
  explicit PortFile(std::string path) : path_(std::move(path)) {}
  ~PortFile() { remove(); }
  PortFile(const PortFile&) = delete;
  PortFile& operator=(const PortFile&) = delete;

  // A reader sees all of it or nothing.
  result<void> write(std::uint16_t port) const {
    if (path_.empty()) return {};
    const std::string draft = path_ + ".new";
    std::ofstream out(draft, std::ios::trunc);
    out << port << '\n';
    out.close();
    std::error_code error;
    if (out) std::filesystem::rename(draft, path_, error);
    if (out && !error) return {};
    return fail(ErrorCode::permission_denied, fmt::format("cannot write the port to {}", path_), path_);
  }
  void remove() const {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
  }

 private:
  std::string path_;
};

// What the signal thread and the main thread tell each other.
class Shutdown {
 public:
  explicit Shutdown(const PortFile& port_file) : port_file_(port_file) {}
  ~Shutdown() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
      changed_.notify_all();
    }
    if (limit_.joinable()) limit_.join();
  }
  Shutdown(const Shutdown&) = delete;
  Shutdown& operator=(const Shutdown&) = delete;

  void on_signal(int signal) {
    const std::lock_guard lock(mutex_);
    if (signal == SIGHUP) {
      if (phase_ == Phase::serving && !asked_ && on_hangup_) return on_hangup_();
      return spdlog::warn("SIGHUP: the server is starting or ending; its configuration is not read again");
    }
    if (asked_) end_at_once("second signal: ending at once", kExitFailure);
    asked_ = true;
    changed_.notify_all();
  }

  [[noreturn]] void end_at_once(const char* why, int exit_code) const {
    port_file_.remove();
    spdlog::info("{}", why);
    spdlog::default_logger()->flush();
    std::_Exit(exit_code);
  }

  enum class Phase { fetching, loading, loaded, serving };
  void enter(Phase phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    changed_.notify_all();
  }
  // False: the end was asked for first.
  bool wait_while_loading() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_ || phase_ != Phase::loading; });
    return phase_ != Phase::loading;
  }
  // Called by SIGHUP while serving; must return at once. Empty: no longer.
  void on_hangup(std::function<void()> call) {
    const std::lock_guard lock(mutex_);
    on_hangup_ = std::move(call);
  }
  bool asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return asked_; });
  }
  // Whoever asked for the end gets it: the process ends when this object still lives after `limit`, whatever
  // a thread may be stuck in.
  void end_within(std::chrono::milliseconds limit) {
    limit_ = std::thread([this, limit] {
      std::unique_lock lock(mutex_);
      if (changed_.wait_for(lock, limit, [this] { return ended_; })) return;
      end_at_once("the server did not end within its time: ending at once", kExitFailure);
    });
  }

 private:
  const PortFile& port_file_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Phase phase_ = Phase::fetching;
  bool asked_ = false;
  bool ended_ = false;
  std::thread limit_;
  std::function<void()> on_hangup_;
};

// Shells often allow 1024 files where the system would allow more.
void raise_file_limit(std::uint32_t connections) {
  rlimit limit{};
  const rlim_t wanted = connections + kOwnFiles;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur < wanted) {
    spdlog::warn("{} open files are allowed, {} connections want {}", limit.rlim_cur, connections, wanted);
  }
}

// On a thread of its own: a load cannot be broken off, and what backends elsewhere answer meanwhile is not to
// be.
result<std::string> load_unless_ended(Service& service, Shutdown& shutdown,
                                      std::chrono::milliseconds drain_timeout) {
  std::future<result<std::string>> loading = std::async(std::launch::async, [&service, &shutdown] {
    struct Told {
      Shutdown& shutdown;
      ~Told() { shutdown.enter(Shutdown::Phase::loaded); }
    } const told{shutdown};
    return service.load();
  });
  if (!shutdown.wait_while_loading()) {
    spdlog::info("draining while the model loads");
    shutdown.end_within(drain_timeout + kEndLimit);
    service.drain_and_join();
    shutdown.end_at_once("ended while the model was loading", kExitOk);
  }
  return loading.get();
}

int run_service(const config::Settings& settings, const SettingsFlags& flags, const PortFile& port_file,
                Shutdown& shutdown) {
  result<std::filesystem::path> path;
  if (settings.model.enabled) path = find_model(settings.model, [&shutdown] { return shutdown.asked(); });
  if (!path) return print_failure(path.error());
  if (shutdown.asked()) return kExitOk;
  shutdown.enter(Shutdown::Phase::loading);
  raise_file_limit(settings.server.max_connections);
  const auto read_again = [&flags]() -> result<config::Settings> {
    const auto again = flags.load();
    if (again) return again->settings;
    return fail(ErrorCode::invalid_argument, config::join_messages(again.error()));
  };
  const auto started = Service::start(settings, *path, read_again);
  if (!started) return print_failure(started.error());
  Service& service = **started;
  if (const auto written = port_file.write(service.port()); !written) return print_failure(written.error());
  spdlog::info("sovereign {} listens on {}, {}", build_info::version, service.url(),
               path->empty() ? "for its backends" : "loading " + path->string());

  const auto begin = std::chrono::steady_clock::now();
  const auto id = load_unless_ended(service, shutdown, settings.server.drain_timeout);
  if (!id) return print_failure(id.error());
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  shutdown.on_hangup([&service] { service.reload(); });
  shutdown.enter(Shutdown::Phase::serving);
  if (!path->empty()) {
    spdlog::info("ready: {} serves {} (loaded in {:.1f} s)", service.url(), *id, elapsed.count());
  }

  shutdown.wait();
  shutdown.on_hangup({});
  spdlog::info("draining: finishing what is under way, for at most {} s",
               std::chrono::duration_cast<std::chrono::seconds>(settings.server.drain_timeout).count());
  shutdown.end_within(settings.server.drain_timeout + kEndLimit);
  service.drain_and_join();
  spdlog::info("stopped");
  return kExitOk;
}

int serve(const SettingsFlags& flags, const std::string& port_file_path) {
  const auto loaded = flags.load_or_print();
  if (!loaded) return kExitUsage;
  if (const auto allowed = server::check_bind(loaded->settings.server); !allowed) {
    print_failure(allowed.error());
    return kExitUsage;
  }
  if (const auto usable = check_answerable(loaded->settings); !usable) {
    print_failure(usable.error());
    return kExitUsage;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const PortFile port_file(port_file_path);
  Shutdown shutdown(port_file);
  const SignalThread signals([&shutdown](int signal) { shutdown.on_signal(signal); });
  return run_service(loaded->settings, flags, port_file, shutdown);
}

}  // namespace

void add_serve_command(CLI::App& program, int& exit_code) {
  CLI::App* command = program.add_subcommand("serve", "Serve a model through the OpenAI-compatible HTTP API");
  auto port_file = std::make_shared<std::string>();
  command
      ->add_option("--port-file", *port_file,
                   "Write the port to this file once listening; removed at the end")
      ->type_name("FILE");
  auto flags = std::make_shared<SettingsFlags>(
      *command, std::vector<std::string_view>{"model", "engine", "server", "cache", "quality", "reasoning",
                                              "receipts", "envelopes", "routing", "limits", "canary", "log"});
  command->callback([flags, port_file, &exit_code] { exit_code = serve(*flags, *port_file); });
}

}  // namespace sovereign
