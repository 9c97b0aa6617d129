// Keys and cross-origin rules, as a client meets them.
#include <gmock/gmock.h>

#include <string>

#include "base/sha256.h"
#include "server/http/test_server.h"

namespace sovereign::server {
namespace {

using testing::HasSubstr;

ServerConfig with_keys() {
  ServerConfig config = TestServer::config();
  config.api_key_hashes = {"sha256:" + sha256_hex("first"), "SHA256:" + sha256_hex("second")};
  config.cors_origins = {"https://app.example"};
  return config;
}

TEST(Access, NeedsOneOfTheKeys) {
  TestServer test(with_keys());
  for (const char* key : {"Bearer first", "Bearer second", "bearer second"}) {
    RawClient client = test.client();
    client.send(post("/echo", "x", std::string("Authorization: ") + key + "\r\n"));
    EXPECT_EQ(client.read().status, 200U) << key;
  }
  for (const char* key :
       {"Bearer third", "Bearer", "Bearer ", "Basic first", "first", "Bearer first,second"}) {
    RawClient client = test.client();
    client.send(post("/echo", "x", std::string("Authorization: ") + key + "\r\n"));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, 401U) << key;
    EXPECT_EQ(answer.header("WWW-Authenticate"), "Bearer realm=\"sovereign\"");
    EXPECT_THAT(answer.body, HasSubstr(R"("code":"invalid_api_key")"));
  }
}

// Rate limits and canaries tell clients apart by it.
TEST(Access, AClientIsTheSameHoweverItSpellsItsHeader) {
  TestServer test(with_keys());
  for (const char* spelling : {"Bearer first", "bearer first", "BEARER    first"}) {
    RawClient client = test.client();
    client.send(post("/echo", "x", std::string("Authorization: ") + spelling + "\r\n"));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.header("X-Key-Digest"), sha256_hex("first")) << spelling;
    EXPECT_EQ(answer.header("X-Peer"), "127.0.0.1");
  }
  TestServer open(TestServer::config());
  RawClient stranger = open.client();
  stranger.send(post("/echo", "x", "Authorization: Bearer first\r\n"));
  EXPECT_EQ(stranger.read().header("X-Key-Digest"), "") << "nobody checked it";
}

// A key that leaked could not be taken back without a restart.
TEST(Access, KeysChangeUnderOpenConnections) {
  TestServer test(with_keys());
  RawClient client = test.client();
  const std::string first = post("/echo", "x", "Authorization: Bearer first\r\n");
  client.send(first);
  EXPECT_EQ(client.read().status, 200U);
  ServerConfig next = with_keys();
  next.api_key_hashes.erase(next.api_key_hashes.begin());
  const auto keys = AccessKeys::read(next);
  ASSERT_TRUE(keys);
  test.server->set_keys(*keys);
  client.send(first);
  EXPECT_EQ(client.read().status, 401U);
  RawClient second = test.client();
  second.send(post("/echo", "x", "Authorization: Bearer second\r\n"));
  EXPECT_EQ(second.read().status, 200U);
}

TEST(Access, OpenRoutesNeedNoneAndUnknownPathsTellStrangersNothing) {
  TestServer test(with_keys());
  RawClient client = test.client();
  client.send(get("/hello") + get("/unknown") + get("/unknown", "Authorization: Bearer first\r\n"));
  EXPECT_EQ(client.read().status, 200U);
  EXPECT_EQ(client.read().status, 401U);
  EXPECT_EQ(client.read().status, 404U);
}

// A stranger must not make us take in a body.
TEST(Access, IsCheckedBeforeTheBodyIsRead) {
  TestServer test(with_keys());
  RawClient client = test.client();
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read().status, 401U);
}

TEST(CrossOrigin, PreflightNeedsNoKey) {
  TestServer test(with_keys());
  RawClient client = test.client();
  client.send(
      "OPTIONS /echo HTTP/1.1\r\nHost: t\r\nOrigin: https://app.example\r\n"
      "Access-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: authorization,x-stainless-os\r\n\r\n");
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.status, 204U);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(answer.header("Access-Control-Allow-Methods"), "POST, OPTIONS");
  EXPECT_EQ(answer.header("Access-Control-Allow-Headers"), "authorization,x-stainless-os");
  EXPECT_EQ(answer.header("Vary"), "Origin");
  EXPECT_EQ(answer.header("Content-Length"), "");
}

TEST(CrossOrigin, ErrorsAndStreamsCarryTheHeaders) {
  TestServer test(with_keys());
  RawClient client = test.client();
  const std::string origin = "Origin: https://app.example\r\n";
  client.send(get("/unknown", origin) + post("/stream", "1", origin));
  for (const unsigned status : {401U, 200U}) {
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.status, status);
    EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "https://app.example");
  }
  client.send("POST /echo HTTP/1.1\r\nHost: t\r\n" + origin + "Content-Length: 99999999\r\n\r\n");
  EXPECT_EQ(client.read().header("Access-Control-Allow-Origin"), "https://app.example");
}

TEST(CrossOrigin, ForeignOriginsGetNothing) {
  TestServer test(with_keys());
  RawClient client = test.client();
  client.send(get("/hello", "Origin: https://evil.example\r\n"));
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "");
  EXPECT_EQ(answer.header("Vary"), "Origin");
}

TEST(CrossOrigin, AnyOriginAndOff) {
  ServerConfig config = TestServer::config();
  config.cors_origins = {"*"};
  TestServer any(config);
  RawClient client = any.client();
  client.send(get("/hello", "Origin: https://else.example\r\n"));
  EXPECT_EQ(client.read().header("Access-Control-Allow-Origin"), "*");
  TestServer off;
  RawClient plain = off.client();
  plain.send(get("/hello", "Origin: https://else.example\r\n"));
  EXPECT_EQ(plain.read().header("Access-Control-Allow-Origin"), "");
}

TEST(Options, SayWhatAPathTakes) {
  TestServer test;
  RawClient client = test.client();
  client.send("OPTIONS /hello HTTP/1.1\r\nHost: t\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n");
  EXPECT_EQ(client.read().header("Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(client.read().status, 204U);
}

}  // namespace
}  // namespace sovereign::server
