#include "server/http/request_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace sovereign::server {
namespace {

constexpr RequestReader::Limits kLimits{4096, 1024};

struct Outcome {
  std::vector<std::string> requests;
  unsigned failed_with = 0;
  bool operator==(const Outcome&) const = default;
};

// Reads all requests, given the bytes in pieces of the sizes that `piece` says.
template <class Piece>
Outcome read_all(const std::string& bytes, Piece piece) {
  RequestReader reader(kLimits);
  Outcome outcome;
  std::string input;
  std::size_t given = 0;
  while (true) {
    const std::size_t consumed = reader.feed(input);
    EXPECT_LE(consumed, input.size());
    input.erase(0, consumed);
    if (reader.state() == RequestReader::State::failed) {
      outcome.failed_with = reader.failure().status;
      return outcome;
    }
    if (reader.state() == RequestReader::State::done) {
      const HttpRequest& request = reader.request();
      outcome.requests.push_back(request.method + " " + request.path + "?" + request.query + " " +
                                 request.body);
      reader.reset();
      continue;
    }
    if (consumed > 0) continue;
    if (given == bytes.size()) return outcome;
    const std::size_t size = std::min(piece(), bytes.size() - given);
    input += bytes.substr(given, size);
    given += size;
  }
}

const std::string kConversation =
    "GET /a%20b?q=1 HTTP/1.1\r\nHost: h\r\n\r\n"
    "\r\nPOST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
    "POST /d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: "
    "v\r\n\r\n"
    "GET http://h/e?f HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(RequestReader, ReadsOneRequestAfterAnother) {
  const Outcome outcome = read_all(kConversation, [] { return std::size_t{1'000'000}; });
  EXPECT_EQ(outcome.requests,
            (std::vector<std::string>{"GET /a b?q=1 ", "POST /c? hello", "POST /d? abcde", "GET /e?f "}));
}

// How the network cuts the bytes must not change what they mean, broken ones included.
TEST(RequestReader, MeansTheSameHoweverTheBytesAreCut) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = kConversation;
    for (unsigned i = random() % 4; i > 0; --i) bytes[random() % bytes.size()] = static_cast<char>(random());
    const Outcome whole = read_all(bytes, [] { return std::size_t{1'000'000}; });
    const Outcome cut = read_all(bytes, [&] { return std::size_t{1} + random() % 9; });
    EXPECT_EQ(whole.requests, cut.requests) << bytes;
  }
}

TEST(RequestReader, KeepsTheHeadersAsTheyCame) {
  RequestReader reader(kLimits);
  reader.feed("GET / HTTP/1.1\r\nhOsT: h\r\nX-A:  1 \r\nX-A: 2\r\n\r\n");
  ASSERT_EQ(reader.state(), RequestReader::State::done);
  EXPECT_EQ(reader.request().header("host"), "h");
  EXPECT_EQ(reader.request().header("x-a"), "1");
  EXPECT_EQ(reader.request().headers.size(), 3U);
}

// Beast counts its header limit anew for each call: fed line by line it would never be reached.
TEST(RequestReader, BoundsAHeaderThatComesLineByLine) {
  RequestReader reader(kLimits);
  std::string input = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 200 && reader.state() == RequestReader::State::header; ++i) {
    input += "X-Field: 12345678\r\n";
    input.erase(0, reader.feed(input));
  }
  EXPECT_EQ(reader.state(), RequestReader::State::failed);
  EXPECT_EQ(reader.failure().status, 431U);
}

}  // namespace
}  // namespace sovereign::server
