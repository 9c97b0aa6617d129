// Server-sent events over sockets.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "server/http/test_server.h"

namespace sovereign::server {
namespace {

TEST(EventStream, ArrivesInOrderAndLeavesTheConnectionUsable) {
  TestServer test;
  RawClient client = test.client();
  for (int round = 0; round < 3; ++round) {
    client.send(post("/stream", "1000"));
    const RawAnswer answer = client.read();
    EXPECT_EQ(answer.header("Content-Type"), "text/event-stream; charset=utf-8");
    EXPECT_EQ(answer.header("Cache-Control"), "no-cache");
    EXPECT_TRUE(answer.complete);
    std::string expected;
    for (int i = 0; i < 1000; ++i) expected += "data: event " + std::to_string(i) + "\n\n";
    EXPECT_EQ(answer.body, expected);
  }
}

TEST(EventStream, APayloadWithLineBreaksStaysOneEvent) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/lines"));
  EXPECT_EQ(client.read().body, "data: one\ndata: two\ndata: three\n\ndata: four\n\n");
}

TEST(EventStream, AHandlerThatFailsCutsTheStreamVisibly) {
  TestServer test;
  RawClient client = test.client();
  client.send(get("/cut"));
  const RawAnswer answer = client.read();
  EXPECT_EQ(answer.body, "data: only this\n\n");
  EXPECT_FALSE(answer.complete);
}

TEST(EventStream, EndsWhenTheClientLeaves) {
  TestServer test;
  for (int i = 0; i < 20; ++i) {
    RawClient client = test.client();
    client.send(get("/forever"));
    std::string some;
    client.read_until("data: x", some);
  }
  wait_for([&] { return test.server->metrics().connections_open == 0; });
  EXPECT_EQ(test.disconnects, 20);
}

TEST(EventStream, HeadOfAStreamHasNoBody) {
  TestServer test;
  RawClient client = test.client();
  client.send("HEAD /lines HTTP/1.1\r\nHost: t\r\n\r\n" + get("/hello"));
  EXPECT_EQ(client.read(true).header("Transfer-Encoding"), "chunked");
  EXPECT_EQ(client.read().body, "hi");
}

TEST(EventStream, ManyClientsStreamAtOnce) {
  TestServer test;
  std::vector<RawClient> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(test.client());
  for (auto& client : clients) client.send(post("/stream", "100"));
  for (auto& client : clients) EXPECT_TRUE(client.read().complete);
}

}  // namespace
}  // namespace sovereign::server
