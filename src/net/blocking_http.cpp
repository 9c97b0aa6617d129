#include "net/blocking_http.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>

namespace sovereign::net {

struct BlockingHttp::Loop {
  explicit Loop(HttpClientConfig config) : client(context.get_executor(), std::move(config)) {}

  result<ClientResponse> run(asio::awaitable<result<ClientResponse>> work) {
    result<ClientResponse> outcome = fail(ErrorCode::internal, "the event loop ended without an answer");
    bool done = false;
    asio::co_spawn(context, std::move(work),
                   [&](std::exception_ptr exception, result<ClientResponse> answer) {
                     done = true;
                     if (!exception) outcome = std::move(answer);
                   });
    context.restart();
    while (!done && context.run_one() != 0) {
    }
    return outcome;
  }

  asio::io_context context{1};
  HttpClient client;
};

BlockingHttp::BlockingHttp(HttpClientConfig config) : loop_(std::make_unique<Loop>(std::move(config))) {}
BlockingHttp::~BlockingHttp() = default;

result<ClientResponse> BlockingHttp::fetch(ClientRequest request) {
  return loop_->run(loop_->client.fetch(std::move(request)));
}

result<ClientResponse> BlockingHttp::stream_events(ClientRequest request, SseCallback on_event) {
  return loop_->run(loop_->client.stream_events(std::move(request), std::move(on_event)));
}

}  // namespace sovereign::net
