#include "doctor_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <ggml-backend.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backends.h"
#include "base/subprocess.h"
#include "base/system_info.h"
#include "config/default_model.h"
#include "config/model_store.h"
#include "console.h"
#include "engine/llama_log.h"
#include "engine/llama_model.h"
#include "gateway/openai/preset.h"
#include "model_set.h"

namespace sovereign {
namespace {

constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kRuntimeBytes = 512 * kMiB;  // compute buffers and the program, generously
constexpr std::uint64_t kFetchBytes = 256 * kMiB;    // the package and the model unpacked from it
constexpr std::uint64_t kOwnFiles = 64;              // descriptors that are no connections

result<std::filesystem::path> model_path(const config::Settings& settings) {
  return config::ModelStore::of(config::process_environment()).resolve(settings.model.path);
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::ok: return "ok";
    case Verdict::warn: return "warn";
    case Verdict::fail: return "fail";
  }
  return "fail";
}

Finding check_configuration(const config::all_or_errors<config::Loaded>& loaded) {
  if (!loaded) {
    const std::size_t more = loaded.error().size() - 1;
    return {"config", Verdict::fail,
            loaded.error().front().message +
                (more > 0 ? fmt::format(" (and {} more: 'sovereign config check')", more) : "")};
  }
  if (loaded->file.empty()) return {"config", Verdict::ok, "no configuration file: defaults"};
  return {"config", Verdict::ok, loaded->file.string()};
}

Finding check_processor() {
  const CpuInfo cpu = cpu_info();
  const auto has = [&cpu](std::string_view name) {
    return std::find(cpu.features.begin(), cpu.features.end(), name) != cpu.features.end();
  };
  const std::string summary =
      fmt::format("{}: {}", cpu.model.empty() ? "unknown model" : cpu.model, fmt::join(cpu.features, " "));
  if ((has("avx2") && has("fma")) || has("asimd")) return {"cpu", Verdict::ok, summary};
  return {"cpu", Verdict::warn, summary + "; no AVX2 with FMA: inference will be slow here"};
}

Finding check_cores(const config::Settings& settings) {
  const CpuInfo cpu = cpu_info();
  const std::string summary = fmt::format("{} cores, {} CPUs usable", cpu.physical, cpu.logical);
  if (settings.engine.threads > cpu.logical) {
    return {"cores", Verdict::warn,
            fmt::format("{}; engine.threads = {} is more than there are: set it to {} or 0", summary,
                        settings.engine.threads, cpu.physical)};
  }
  return {"cores", Verdict::ok, summary};
}

Finding check_memory(const config::Settings& settings) {
  const MemoryInfo memory = memory_info();
  std::uint64_t needed = kRuntimeBytes;
  if (const auto path = model_path(settings)) {
    if (const auto info = engine::LlamaModel::inspect(*path))
      needed += memory_of_first(*info, *path, settings);
  }
  const std::string summary =
      fmt::format("{} available of {}", human_bytes(memory.available_bytes), human_bytes(memory.total_bytes));
  if (memory.available_bytes < needed) {
    return {
        "memory", Verdict::fail,
        fmt::format(
            "{}; the model and its KV cache need about {}: free memory, lower engine.kv_cells ({}) or take a "
            "smaller model",
            summary, human_bytes(needed), settings.engine.kv_cells)};
  }
  return {"memory", Verdict::ok, summary};
}

Finding check_model(const config::Settings& settings) {
  if (!settings.model.enabled) return {"model", Verdict::ok, "none in this process: backends answer"};
  const auto path = model_path(settings);
  if (!path) return {"model", Verdict::fail, path.error().message};
  const auto model = engine::LlamaModel::load(*path, 0);
  if (!model) return {"model", Verdict::fail, model.error().message};
  const engine::ModelInfo& info = (*model)->info();
  const std::string summary = fmt::format("{}: {}", path->string(), info.description);
  if (!info.can_generate) {
    return {"model", Verdict::fail, summary + "; it cannot generate text: choose another with --model"};
  }
  if (settings.engine.context_tokens > info.train_context_tokens) {
    return {"model", Verdict::warn,
            fmt::format("{}; it was made for {} tokens, engine.context_tokens is {}: lower it", summary,
                        info.train_context_tokens, settings.engine.context_tokens)};
  }
  return {"model", Verdict::ok, summary};
}

Finding check_port(const config::Settings& settings) {
  const std::string where = fmt::format("{}:{}", settings.server.host, settings.server.port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(settings.server.port);
  if (const int error = getaddrinfo(settings.server.host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return {"port", Verdict::fail, fmt::format("{}: {}; correct server.host", where, gai_strerror(error))};
  }
  const int socket_number = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, found->ai_protocol);
  const int yes = 1;
  setsockopt(socket_number, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const bool bound = socket_number >= 0 && bind(socket_number, found->ai_addr, found->ai_addrlen) == 0;
  const std::string reason = bound ? "" : std::strerror(errno);
  if (socket_number >= 0) close(socket_number);
  freeaddrinfo(found);
  if (bound) return {"port", Verdict::ok, where + " is free"};
  return {"port", Verdict::fail,
          fmt::format("{}: {}; choose another with --port, or stop what uses it", where, reason)};
}

Finding check_gpu(const config::Settings& settings) {
  engine::start_llama();
  std::string devices;
  for (std::size_t i = 0; i < ggml_backend_dev_count(); ++i) {
    ggml_backend_dev_t device = ggml_backend_dev_get(i);
    if (ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_CPU) continue;
    devices += fmt::format("{}{}", devices.empty() ? "" : ", ", ggml_backend_dev_description(device));
  }
  if (!devices.empty()) {
    if (settings.engine.gpu_layers != 0) return {"gpu", Verdict::ok, devices};
    return {"gpu", Verdict::warn, devices + "; not used: set engine.gpu_layers = -1"};
  }
  if (settings.engine.gpu_layers != 0) {
    if (ggml_backend_reg_count() > 1) {
      return {
          "gpu", Verdict::fail,
          "engine.gpu_layers is set, and no GPU is seen: look at the driver with nvidia-smi (it must be new "
          "enough for this build's CUDA), or set it to 0"};
    }
    return {"gpu", Verdict::fail,
            "engine.gpu_layers is set, and this build has no GPU support: build with CUDA or set it to 0"};
  }
  const auto driver = run_subprocess({"nvidia-smi", "--query-gpu=name", "--format=csv,noheader"});
  if (!driver || driver->exit_code != 0) return {"gpu", Verdict::ok, "none; the CPU does the work"};
  std::string name = driver->text.substr(0, driver->text.find('\n'));
  return {"gpu", Verdict::warn,
          name + " is there; this build does not use it: build with -DSOVEREIGN_CUDA=ON"};
}

Finding check_disk() {
  const auto store = config::ModelStore::of(config::process_environment());
  const std::uint64_t free = free_disk_bytes(store.folder());
  const std::string summary = fmt::format("{} free for {}", human_bytes(free), store.folder().string());
  std::error_code ignored;
  const bool fetched = std::filesystem::exists(store.folder() / config::default_model().file_name(), ignored);
  if (fetched || free >= kFetchBytes) return {"disk", Verdict::ok, summary};
  return {"disk", Verdict::warn,
          fmt::format("{}; 'model fetch' needs {}: make room", summary, human_bytes(kFetchBytes))};
}

std::vector<Finding> check_backends(const config::Settings& settings) {
  std::vector<Finding> findings;
  for (const gateway::RemoteConfig& backend : settings.backends) {
    if (settings.routing.require_local) {
      findings.push_back({"backend", Verdict::ok,
                          fmt::format("{} is not asked, not even now: routing.require_local", backend.name)});
      continue;
    }
    const auto report = probe_once(backend);
    const auto base = gateway::base_url(backend);
    const std::string where = fmt::format("{} ({}, {})", backend.name, to_string(gateway::tier_of(backend)),
                                          base.value_or(backend.url));
    switch (report.outcome) {
      case gateway::ProbeOutcome::well:
        findings.push_back(
            {"backend", Verdict::ok, fmt::format("{} offers {}", where, fmt::join(report.models, ", "))});
        break;
      case gateway::ProbeOutcome::loading:
        findings.push_back(
            {"backend", Verdict::warn, fmt::format("{} is loading: {}", where, report.detail)});
        break;
      default:
        // Another may answer in its place, so it is no failure of this machine.
        findings.push_back(
            {"backend", Verdict::warn,
             fmt::format("{}: {}; start it, or correct its url and key", where, report.detail)});
    }
  }
  return findings;
}

Finding check_open_files(const config::Settings& settings) {
  const FileLimit limit = open_file_limit();
  const std::uint64_t needed = settings.server.max_connections + kOwnFiles;
  const std::string summary = fmt::format("{} open files allowed (at most {})", limit.soft, limit.hard);
  if (limit.soft >= needed) return {"files", Verdict::ok, summary};
  return {
      "files", Verdict::warn,
      fmt::format("{}; server.max_connections = {} needs {}: 'ulimit -n {}', or LimitNOFILE= of the service",
                  summary, settings.server.max_connections, needed, needed)};
}

}  // namespace sovereign
