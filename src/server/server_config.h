// What an operator can set on the HTTP server; every field has a key of the same name under [server].
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace sovereign::server {

struct ServerConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;                           // 0: any free port; the log and --port-file say which
  std::uint32_t io_threads = 0;                        // threads that run connections; 0: as needed
  std::uint32_t worker_threads = 1;                    // threads for parsing, templates and tokenizing
  std::uint32_t max_connections = 1024;                // one more waits in the kernel's backlog
  std::uint64_t max_body_bytes = 4 * 1024 * 1024;      // larger: 413
  std::uint32_t max_header_bytes = 16 * 1024;          // larger: 431
  std::chrono::milliseconds header_timeout{10'000};    // first byte to end of headers
  std::chrono::milliseconds body_timeout{30'000};      // end of headers to end of body
  std::chrono::milliseconds idle_timeout{75'000};      // keep-alive
  std::chrono::milliseconds write_timeout{30'000};     // a client that does not read is dropped
  std::uint64_t min_read_rate = 16 * 1024;             // bytes a second of a finished answer; slower: dropped
  std::uint64_t max_unsent_bytes = 1024 * 1024;        // per streaming client, then it is dropped
  std::chrono::milliseconds drain_timeout{30'000};     // after SIGTERM
  std::chrono::milliseconds stall_after{30'000};       // an engine step longer than this: not ready
  std::chrono::milliseconds request_timeout{600'000};  // default deadline of a generation; 0: none
  std::vector<std::string> api_key_hashes;             // "sha256:<hex of the key's SHA-256>"; empty: no keys
  std::vector<std::string> admin_key_hashes;           // likewise, of keys for /admin; empty: nobody
  std::vector<std::string> cors_origins;               // allowed origins, or "*"; empty: no CORS headers
  std::string tls_certificate;                         // PEM chain; with tls_key: HTTPS
  std::string tls_key;                                 // PEM
  bool insecure = false;                               // allow a non-loopback host without keys
};

}  // namespace sovereign::server
