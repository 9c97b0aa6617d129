#include "bench/peer_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "net/scripted_server.h"

namespace sovereign::bench {
namespace {

using std::chrono::milliseconds;

PeerCommand shell(const std::string& script) { return {"/bin/sh", {"-c", script}, {}}; }

TEST(PeerProcess, AToolsOutputComesBack) {
  const auto output = run_tool(shell("echo out; echo err >&2"), milliseconds(10'000));
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "out\n");
}

TEST(PeerProcess, AToolThatFailsHangsOrIsNotThere) {
  EXPECT_EQ(run_tool(shell("exit 3"), milliseconds(10'000)).error().code, ErrorCode::unavailable);
  EXPECT_EQ(run_tool(shell("exec sleep 100"), milliseconds(50)).error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(run_tool({"/nonexistent", {}, {}}, milliseconds(50)).error().code, ErrorCode::not_found);
}

TEST(PeerProcess, IsEndedWithTheObject) {
  pid_t id = 0;
  {
    auto process = PeerProcess::start(shell("exec sleep 100"));
    ASSERT_TRUE(process);
    id = process->id();
    PeerProcess moved = std::move(*process);
    EXPECT_TRUE(moved.alive());
  }
  EXPECT_EQ(::kill(id, 0), -1);
}

TEST(PeerProcess, ReadyWhenItsUrlAnswers) {
  testing::ScriptedServer server([](testing::Peer& peer) {
    peer.read_request();
    peer.write(peer.index() == 0 ? "HTTP/1.1 503 Loading\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                                 : testing::ok("ok", "Connection: close\r\n"));
  });
  auto process = PeerProcess::start(shell("exec sleep 100"));
  ASSERT_TRUE(process);
  EXPECT_TRUE(process->wait_until_ready(server.url("/health"), milliseconds(20'000)));
  EXPECT_EQ(server.accepted(), 2);
}

TEST(PeerProcess, OneThatEndsIsNotWaitedFor) {
  const auto port = free_port();
  ASSERT_TRUE(port);
  auto process = PeerProcess::start(shell("exit 1"));
  ASSERT_TRUE(process);
  const auto ready =
      process->wait_until_ready("http://127.0.0.1:" + std::to_string(*port) + "/", milliseconds(60'000));
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, ErrorCode::unavailable);
}

}  // namespace
}  // namespace sovereign::bench
