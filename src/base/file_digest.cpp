#include "base/file_digest.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace sovereign {
namespace {

namespace fs = std::filesystem;

// A file that was written this shortly ago may be written again within one tick of its clock.
constexpr std::time_t kSettledSeconds = 2;

struct State {
  std::string text;  // all that must be as it was
  bool settled = false;
};

std::optional<State> state_of(const fs::path& path) {
  struct stat now {};
  if (::stat(path.c_str(), &now) != 0 || !S_ISREG(now.st_mode)) return {};
  std::ostringstream text;
  // The inode's change time too: it cannot be set back as the modification's can.
  text << "sovereign-digest-1 " << now.st_size << ' ' << now.st_dev << ' ' << now.st_ino << ' '
       << now.st_mtim.tv_sec << '.' << now.st_mtim.tv_nsec << ' ' << now.st_ctim.tv_sec << '.'
       << now.st_ctim.tv_nsec << ' ';
  return State{text.str(), std::time(nullptr) - now.st_ctim.tv_sec > kSettledSeconds};
}

std::optional<Sha256Digest> parse_digest(std::string_view hex) {
  Sha256Digest digest{};
  if (hex.size() != 2 * digest.size()) return {};
  const auto digit = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = digit(hex[2 * i]);
    const int low = digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return {};
    digest[i] = static_cast<std::byte>(high * 16 + low);
  }
  return digest;
}

std::optional<Sha256Digest> recall(const fs::path& record, const State& state) {
  std::ifstream in(record, std::ios::binary);
  std::string line;
  if (!std::getline(in, line) || !line.starts_with(state.text)) return {};
  return parse_digest(std::string_view(line).substr(state.text.size()));
}

// A reader sees the old record or the new one. Failing is no error: the digest is computed again.
void remember(const fs::path& record, const State& state, const Sha256Digest& digest) {
  std::error_code error;
  fs::create_directories(record.parent_path(), error);
  fs::path draft = record;
  draft += "." + std::to_string(::getpid());
  std::ofstream out(draft, std::ios::binary | std::ios::trunc);
  out << state.text << to_hex(digest) << '\n';
  out.close();
  if (out) fs::rename(draft, record, error);
  if (!out || error) fs::remove(draft, error);
}

}  // namespace

result<Sha256Digest> remembered_sha256_file(const fs::path& path, const fs::path& folder) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  const auto before = error ? std::nullopt : state_of(real);
  if (!before || folder.empty()) return sha256_file(path);
  const fs::path record = folder / sha256_hex(real.string());
  if (const auto known = recall(record, *before)) return *known;
  auto digest = sha256_file(real);
  if (!digest) return digest;
  const auto after = state_of(real);
  if (after && after->text == before->text && after->settled) remember(record, *after, *digest);
  return digest;
}

}  // namespace sovereign
