#include "bench/suites/keepalive_load.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <optional>
#include <random>

#include "base/clock.h"
#include "bench/suites/http_frame.h"

namespace sovereign::bench {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

// An answer that never comes ends the run instead of hanging it.
constexpr std::chrono::seconds kPatience{30};

class LoadLoop {
 public:
  explicit LoadLoop(const KeepaliveLoad& load)
      : load_(load),
        random_(load.seed),
        request_(fmt::format("POST {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n"
                             "Content-Length: {}\r\n\r\n{}",
                             load.path, load.port, load.body.size(), load.body)) {}

  result<KeepaliveRun> run() {
    const Time began = clock_.now();
    ends_ = began + load_.duration;
    for (std::uint32_t i = 0; i < load_.clients; ++i) clients_.push_back(std::make_unique<Client>(*this));
    for (const auto& client : clients_) client->connect();
    context_.run_for(load_.duration + kPatience);
    if (!error_ && !context_.stopped()) error_ = "an answer never came";
    if (error_) return fail(ErrorCode::unavailable, *error_);
    run_.wall_seconds = std::chrono::duration<double>(last_ - began).count();
    return std::move(run_);
  }

 private:
  class Client {
   public:
    explicit Client(LoadLoop& loop) : loop_(loop), socket_(loop.context_), pause_(loop.context_) {}

    void connect() {
      socket_.async_connect(tcp::endpoint(asio::ip::address_v4::loopback(), loop_.load_.port),
                            [this](const auto& error) {
                              if (error) return loop_.give_up("cannot connect: " + error.message());
                              boost::system::error_code ignored;
                              socket_.set_option(tcp::no_delay(true), ignored);
                              send();
                            });
    }

   private:
    void send() {
      sent_ = loop_.clock_.now();
      if (loop_.error_ || (asked_ && sent_ >= loop_.ends_)) return;
      asked_ = true;
      asio::async_write(socket_, asio::buffer(loop_.request_), [this](const auto& error, std::size_t) {
        if (error) return loop_.give_up("cannot send: " + error.message());
        receive();
      });
    }

    void receive() {
      socket_.async_read_some(asio::buffer(piece_), [this](const auto& error, std::size_t bytes) {
        if (error) return loop_.give_up("the connection was lost: " + error.message());
        answer_.append(piece_.data(), bytes);
        const auto length = http_message_length(answer_);
        if (!length) return receive();
        loop_.take(answer_, sent_);
        answer_.clear();
        if (loop_.load_.pause.count() == 0) return send();
        pause_.expires_after(loop_.next_pause());
        pause_.async_wait([this](const auto& stopped) {
          if (!stopped) send();
        });
      });
    }

    LoadLoop& loop_;
    tcp::socket socket_;
    asio::steady_timer pause_;
    bool asked_ = false;  // each asks once at least, however short the time
    Time sent_{};
    std::array<char, 16 * 1024> piece_{};
    std::string answer_;
  };

  Duration next_pause() {
    if (load_.together) return load_.pause;
    return std::chrono::duration_cast<Duration>(load_.pause * thinking_(random_));
  }

  void take(const std::string& answer, Time sent) {
    last_ = clock_.now();
    const bool well = answer.starts_with("HTTP/1.1 200") && answer.find(load_.expected) != std::string::npos;
    if (!well) return give_up("an unexpected answer: " + answer.substr(0, 500));
    run_.latency_ms.push_back(std::chrono::duration<double, std::milli>(last_ - sent).count());
  }

  void give_up(std::string why) {
    if (!error_) error_ = std::move(why);
    context_.stop();
  }

  const SteadyClock clock_;
  const KeepaliveLoad& load_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> thinking_{1.0};
  const std::string request_;
  asio::io_context context_{1};
  std::vector<std::unique_ptr<Client>> clients_;
  Time ends_{};
  Time last_{};
  KeepaliveRun run_;
  std::optional<std::string> error_;
};

}  // namespace

result<KeepaliveRun> run_keepalive_load(const KeepaliveLoad& load) { return LoadLoop(load).run(); }

}  // namespace sovereign::bench
