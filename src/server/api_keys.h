// Who may call: bearer keys (RFC 6750 2.1), of which only the SHA-256 is configured.
//
// Immutable after create(), so thread-safe. A plain fast hash is right here: keys are random and long,
// unlike passwords.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/server_config.h"

namespace sovereign::server {

class ApiKeys {
 public:
  // Each is "sha256:<64 hex digits>". Errors: invalid_argument naming the entry's position, never its
  // content, which may be a key that somebody forgot to hash. `setting` is what they were configured by.
  static result<ApiKeys> create(const std::vector<std::string>& hashes,
                                const std::string& setting = "server.api_key_hashes");

  // No keys configured: everybody may call.
  bool empty() const { return digests_.empty(); }

  // `authorization` is the header's value. Gives the SHA-256 of the key that it holds (hex), the same however
  // the header is spelt; none: it is not one of ours. Takes the same time whichever key is meant.
  std::optional<std::string> accept(std::string_view authorization) const;

 private:
  std::vector<std::string> digests_;  // lower-case hex
};

// The keys of a server, which may change while it serves. Thread-safe.
class AccessKeys {
 public:
  struct Keys {
    ApiKeys api;
    ApiKeys admin;
  };
  // Of `config`. Errors: as ApiKeys::create().
  static result<std::shared_ptr<const Keys>> read(const ServerConfig& config);

  void set(std::shared_ptr<const Keys> keys) {
    const std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  }
  std::shared_ptr<const Keys> get() const {
    const std::lock_guard lock(mutex_);
    return keys_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Keys> keys_ = std::make_shared<const Keys>();
};

// Refuses to serve without keys to more than this machine, unless ServerConfig::insecure.
// Errors: permission_denied saying what to do.
result<void> check_bind(const ServerConfig& config);

}  // namespace sovereign::server
