// The HTTP client for code without an event loop: commands, tools, tests.
#pragma once

#include <memory>

#include "net/http_client.h"

namespace sovereign::net {

// Each call runs its own event loop on the calling thread until the answer is there; connections are kept
// between calls. Not thread-safe; cancel with the request's stop_token. Errors: as HttpClient.
class BlockingHttp {
 public:
  explicit BlockingHttp(HttpClientConfig config = {});
  ~BlockingHttp();
  BlockingHttp(const BlockingHttp&) = delete;
  BlockingHttp& operator=(const BlockingHttp&) = delete;

  result<ClientResponse> fetch(ClientRequest request);

  // Calls `on_event` on this thread for each server-sent event; see HttpClient::stream_events().
  result<ClientResponse> stream_events(ClientRequest request, SseCallback on_event);

 private:
  struct Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace sovereign::net
