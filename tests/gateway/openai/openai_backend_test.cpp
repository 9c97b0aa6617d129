// The backend against servers that behave, and servers that do not.
#include "gateway/openai/openai_backend.h"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <cstdlib>
#include <future>
#include <mutex>
#include <set>
#include <thread>

#include "gateway/openai/answer_course.h"
#include "gateway/openai/scripts.h"
#include "gateway/recording_sink.h"
#include "net/event_loops.h"
#include "net/test_certificate.h"
#include "support/temporary_folder.h"

namespace sovereign::gateway {
namespace {

using std::chrono::milliseconds;
using testing::Peer;
using testing::RecordingSink;
using testing::ScriptedServer;

GenerateRequest hello() {
  GenerateRequest request;
  request.input.messages_json = R"([{"role":"user","content":"Hi"}])";
  return request;
}

class OpenAiBackendTest : public ::testing::Test {
 protected:
  RemoteConfig config_for(const ScriptedServer& server) {
    RemoteConfig config;
    config.name = "there";
    config.url = server.url("/v1");
    config.model = "m";
    return config;
  }
  std::shared_ptr<OpenAiBackend> connect(const RemoteConfig& config) {
    auto backend = OpenAiBackend::create(config, loops_);
    EXPECT_TRUE(backend) << backend.error().message;
    return backend.value_or(nullptr);
  }
  std::shared_ptr<RecordingSink> ask(OpenAiBackend& backend, GenerateRequest request = hello()) {
    auto sink = std::make_shared<RecordingSink>();
    const auto id = backend.generate(std::move(request), sink);
    EXPECT_TRUE(id) << id.error().message;
    if (id) sink->wait();
    return sink;
  }
  // Asks a server that plays this script, and gives why there was no answer.
  Failure failure_with(std::function<void(Peer&)> script, RemoteConfig base = {}) {
    const ScriptedServer server(std::move(script));
    RemoteConfig config = config_for(server);
    config.first_token_timeout = base.first_token_timeout;
    config.token_timeout = base.token_timeout;
    config.total_timeout = base.total_timeout;
    const auto backend = connect(config);
    const auto sink = ask(*backend);
    EXPECT_TRUE(sink->failure()) << sink->text();
    return sink->failure().value_or(Failure(ErrorCode::internal, "none"));
  }
  ProbeReport probe(OpenAiBackend& backend) {
    std::promise<ProbeReport> promise;
    backend.probe([&](const ProbeReport& report) { promise.set_value(report); });
    return promise.get_future().get();
  }

  // The end is told before the connection is back in the pool: waits for the loop to have done that too.
  void settle() {
    std::promise<void> done;
    boost::asio::post(loops_.first().executor(), [&] { done.set_value(); });
    done.get_future().wait();
  }

  net::EventLoops loops_{1};
};

TEST_F(OpenAiBackendTest, AStreamBecomesDeltas) {
  std::string seen;
  const ScriptedServer server([&](Peer& peer) {
    seen = peer.read_request();
    peer.write(testing::whole_stream());
    peer.wait_for_close();
  });
  const auto backend = connect(config_for(server));
  const auto sink = ask(*backend);
  ASSERT_TRUE(sink->summary());
  EXPECT_EQ(sink->text(), "Hello world");
  EXPECT_EQ(sink->deltas(), 3U);
  EXPECT_EQ(sink->finish(), engine::FinishReason::stop);
  EXPECT_EQ(sink->summary()->prompt_tokens, 9U);
  EXPECT_EQ(sink->summary()->completion_tokens, 2U);
  EXPECT_EQ(sink->summary()->cached_prompt_tokens, 4U);
  EXPECT_GT(sink->summary()->ttft, Duration::zero());
  EXPECT_TRUE(seen.starts_with("POST /v1/chat/completions HTTP/1.1\r\n")) << seen;
  EXPECT_EQ(seen.find("Authorization"), std::string::npos);
  const auto body = boost::json::parse(seen.substr(seen.find("\r\n\r\n") + 4));
  EXPECT_EQ(body.at("model"), "m");
  EXPECT_EQ(body.at("stream"), true);
}

// Who asks from a loop is answered there, over connections that are kept there.
TEST_F(OpenAiBackendTest, AQueryStaysOnItsLoop) {
  const ScriptedServer server(testing::answer_well);
  net::EventLoops loops(2);
  const auto backend = OpenAiBackend::create(config_for(server), loops);
  ASSERT_TRUE(backend);
  const auto ask_on = [&](std::size_t loop) {
    auto sink = std::make_shared<RecordingSink>();
    std::promise<std::thread::id> thread;
    boost::asio::post(loops.at(loop).context(), [&] {
      EXPECT_TRUE((*backend)->generate(hello(), sink));
      EXPECT_FALSE(sink->summary()) << "nothing is told within generate()";
      thread.set_value(std::this_thread::get_id());
    });
    const auto asked_on = thread.get_future().get();
    sink->wait();
    EXPECT_EQ(sink->text(), "Hello world");
    EXPECT_EQ(sink->threads(), std::set{asked_on});
    // The end is told before the connection is back in its pool.
    std::promise<void> settled;
    boost::asio::post(loops.at(loop).context(), [&] { settled.set_value(); });
    settled.get_future().wait();
    return asked_on;
  };
  const auto first = ask_on(0);
  const auto second = ask_on(1);
  EXPECT_NE(first, second);
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(ask_on(0), first);
  EXPECT_EQ(ask_on(1), second);
  EXPECT_EQ(server.accepted(), 2);
  EXPECT_EQ(ask(**backend)->threads(), std::set{first}) << "other threads' queries are the first loop's";
}

TEST_F(OpenAiBackendTest, ConnectionsAreKept) {
  const ScriptedServer server(testing::answer_well);
  const auto backend = connect(config_for(server));
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(ask(*backend)->text(), "Hello world");
    settle();
  }
  EXPECT_EQ(server.accepted(), 1);
}

TEST_F(OpenAiBackendTest, TheFirstListedModelIsTakenWhenNoneIsNamed) {
  std::atomic<bool> asked_for_it{false};
  const ScriptedServer server([&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (request.starts_with("GET /v1/models ")) {
        peer.write(testing::ok(R"({"data":[{"id":"listed"}]})"));
      } else {
        asked_for_it = request.find(R"("model":"listed")") != std::string::npos;
        peer.write(testing::whole_stream());
      }
    }
  });
  RemoteConfig config = config_for(server);
  config.model.clear();
  const auto backend = connect(config);
  EXPECT_EQ(ask(*backend)->text(), "Hello world");
  EXPECT_TRUE(asked_for_it);
}

// LM Studio and Ollama change the model under a running server.
TEST_F(OpenAiBackendTest, AModelThatWasLearnedAndIsGoneIsReplacedByWhatIsThere) {
  testing::ChangingModel there("before");
  const ScriptedServer server(there.script());
  RemoteConfig config = config_for(server);
  config.model.clear();
  const auto backend = connect(config);
  EXPECT_EQ(ask(*backend)->text(), "Hello world");
  there.change_to("after");
  EXPECT_EQ(ask(*backend)->text(), "Hello world") << "a 404 makes it look again";
  EXPECT_EQ(there.refused(), 1);
  there.change_to("later");
  EXPECT_EQ(probe(*backend).model, "later");
  EXPECT_EQ(ask(*backend)->text(), "Hello world");
  EXPECT_EQ(there.refused(), 1) << "the probe had seen it";
  // One that is configured is never replaced.
  config.model = "configured";
  const auto fixed = connect(config);
  EXPECT_EQ(probe(*fixed).model, "configured");
  EXPECT_EQ(ask(*fixed)->failure()->reason, "backend_not_found");
  EXPECT_EQ(there.refused(), 2);
}

// Answers were kept under the backend's name: those of a model that was gone were found for ever.
TEST_F(OpenAiBackendTest, ItsIdentityFollowsTheModelThatItHas) {
  testing::ChangingModel there("before");
  const ScriptedServer server(there.script());
  RemoteConfig config = config_for(server);
  config.model.clear();
  const auto backend = connect(config);
  EXPECT_FALSE(backend->identity_of("").settled);
  EXPECT_EQ(backend->identity_of("").model, "there");
  EXPECT_EQ(ask(*backend)->answered_by(), "before") << "whoever asked could not know";
  EXPECT_TRUE(backend->identity_of("").settled);
  EXPECT_EQ(backend->identity_of("").digest, backend->identity_of("before").digest);
  there.change_to("after");
  EXPECT_EQ(ask(*backend)->answered_by(), "after");
  EXPECT_EQ(backend->identity_of("").digest, backend->identity_of("after").digest);
  config.model = "after";
  const auto fixed = connect(config);
  EXPECT_TRUE(fixed->identity().settled);
  EXPECT_EQ(ask(*fixed)->answered_by(), "") << "nothing else was expected";
}

TEST_F(OpenAiBackendTest, AnotherOfItsModelsIsAskedForByName) {
  std::mutex mutex;
  std::string seen;
  const ScriptedServer server([&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      const std::lock_guard lock(mutex);
      seen = request;
      const bool there = request.find(R"("model":"coder")") != std::string::npos;
      peer.write(there ? testing::whole_stream() : testing::status_answer("404 Not Found", "{}"));
    }
  });
  const auto backend = connect(config_for(server));
  auto request = hello();
  request.model = "coder";
  EXPECT_EQ(ask(*backend, request)->text(), "Hello world");
  // Answers of two models are two answers: caches and receipts tell them apart.
  EXPECT_EQ(backend->identity_of("coder").model, "coder");
  EXPECT_NE(backend->identity_of("coder").digest, backend->identity().digest);
  EXPECT_EQ(backend->identity_of("").digest, backend->identity().digest);
  request.model = "writer";
  const auto sink = ask(*backend, request);
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->code, ErrorCode::not_found) << "the server may be well";
}

TEST_F(OpenAiBackendTest, TheKeyGoesIntoTheHeaderAndNowhereElse) {
  ::setenv("SOVEREIGN_TEST_BACKEND_KEY", "sk-secret-7", 1);
  std::string seen;
  const ScriptedServer server([&](Peer& peer) {
    seen = peer.read_request();
    peer.write(testing::status_answer("401 Unauthorized", R"({"error":{"message":"bad key"}})"));
  });
  RemoteConfig config = config_for(server);
  config.api_key_env = "SOVEREIGN_TEST_BACKEND_KEY";
  const auto backend = connect(config);
  const auto sink = ask(*backend);
  EXPECT_NE(seen.find("Authorization: Bearer sk-secret-7\r\n"), std::string::npos);
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->code, ErrorCode::unavailable) << "the client's request was fine";
  EXPECT_EQ(sink->failure()->message.find("sk-secret"), std::string::npos);
  config.api_key_env = "SOVEREIGN_TEST_NO_SUCH_KEY";
  EXPECT_FALSE(OpenAiBackend::create(config, loops_));
}

TEST_F(OpenAiBackendTest, AnAnswerThatIsNotStreamedIsTakenToo) {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(testing::status_answer(
        "200 OK", R"({"choices":[{"index":0,"message":{"content":"Whole."},"finish_reason":"length"}]})"));
  });
  const auto backend = connect(config_for(server));
  const auto sink = ask(*backend);
  EXPECT_EQ(sink->text(), "Whole.");
  EXPECT_EQ(sink->finish(), engine::FinishReason::length);
}

TEST_F(OpenAiBackendTest, ToolCallsComeThroughWhole) {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(
        testing::stream_head() +
        testing::chunk_of(
            R"({"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}}]})") +
        testing::finish_event("tool_calls") + testing::stream_tail());
    peer.wait_for_close();
  });
  const auto backend = connect(config_for(server));
  auto request = hello();
  request.input.tools_json = R"([{"type":"function","function":{"name":"f"}}])";
  const auto message = ask(*backend, request)->message();
  ASSERT_EQ(message.tool_calls.size(), 1U);
  EXPECT_EQ(message.tool_calls[0].name, "f");
  EXPECT_EQ(message.tool_calls[0].arguments, "{}");
}

TEST_F(OpenAiBackendTest, OverTlsWithACertificateThatIsTrusted) {
  const testing::TestCertificate certificate = testing::make_test_certificate();
  auto context = testing::server_context(certificate);
  const ScriptedServer server(testing::answer_well, &context);
  const testing::TemporaryFolder folder;
  testing::write_file(folder.path() / "ca.pem", certificate.certificate_pem);
  RemoteConfig config = config_for(server);
  config.ca_file = (folder.path() / "ca.pem").string();
  EXPECT_EQ(ask(*connect(config))->text(), "Hello world");
  config.ca_file.clear();
  const auto distrusted = ask(*connect(config));
  ASSERT_TRUE(distrusted->failure());
  EXPECT_EQ(distrusted->failure()->code, ErrorCode::unavailable);
}

TEST_F(OpenAiBackendTest, AConnectionThatDiedMeanwhileIsReplacedOnce) {
  std::atomic<int> dropped{0};
  const ScriptedServer server([&](Peer& peer) {
    if (peer.index() > 0) return testing::answer_well(peer);
    peer.read_request();
    peer.write(testing::whole_stream());
    if (!peer.read_request().empty()) ++dropped;  // before a byte of an answer
  });
  const auto backend = connect(config_for(server));
  EXPECT_EQ(ask(*backend)->text(), "Hello world");
  settle();
  EXPECT_EQ(ask(*backend)->text(), "Hello world");
  EXPECT_EQ(dropped, 1);
  EXPECT_EQ(server.accepted(), 2);
}

TEST_F(OpenAiBackendTest, ANewConnectionThatDiesIsNotRepeated) {
  std::atomic<int> requests{0};
  const auto failure = failure_with([&](Peer& peer) {
    peer.read_request();
    ++requests;
    peer.reset();
  });
  EXPECT_EQ(failure.code, ErrorCode::unavailable);
  EXPECT_EQ(requests, 1);
}

TEST_F(OpenAiBackendTest, NobodyThere) {
  std::string url;
  {
    const ScriptedServer gone([](Peer&) {});
    url = gone.url("/v1");
  }
  RemoteConfig config;
  config.name = "gone";
  config.url = url;
  config.model = "m";
  const auto sink = ask(*connect(config));
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->code, ErrorCode::unavailable);
  EXPECT_NE(sink->failure()->message.find("gone"), std::string::npos);
}

TEST_F(OpenAiBackendTest, SilenceBeforeTheFirstTokenHasALimit) {
  RemoteConfig config;
  config.first_token_timeout = milliseconds(50);
  const auto never = failure_with([](Peer& peer) { peer.read_request(), peer.wait_for_close(); }, config);
  EXPECT_EQ(never.code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(never.reason, "backend_timeout");
  // Headers, a role, even comments: none of them is a token.
  const auto busy = failure_with(
      [](Peer& peer) {
        peer.read_request();
        peer.write(testing::stream_head());
        peer.write(testing::chunk_of(R"({"choices":[{"index":0,"delta":{"role":"assistant"}}]})"));
        peer.wait_for_close();
      },
      config);
  EXPECT_EQ(busy.code, ErrorCode::deadline_exceeded);
  // However many come: each began the time anew.
  for (const auto pause : {milliseconds(10), milliseconds(0)}) {
    config.total_timeout = std::chrono::seconds(20);
    const auto chatty = failure_with(
        [pause](Peer& peer) {
          peer.read_request();
          peer.write(testing::stream_head());
          while (peer.write(testing::chunk_of(R"({"choices":[{"index":0,"delta":{"role":"assistant"}}]})"))) {
            std::this_thread::sleep_for(pause);
          }
        },
        config);
    EXPECT_EQ(chatty.code, ErrorCode::deadline_exceeded);
    EXPECT_NE(chatty.message.find("sent no token"), std::string::npos) << chatty.message;
  }
}

TEST_F(OpenAiBackendTest, SilenceEndsSoonerWhereAnotherCanBeAsked) {
  const ScriptedServer server([](Peer& peer) { peer.read_request(), peer.wait_for_close(); });
  const auto backend = connect(config_for(server));
  auto request = hello();
  request.deadline = SteadyClock().now() + std::chrono::hours(1);
  request.first_token_by = SteadyClock().now() + milliseconds(50);
  const auto sink = ask(*backend, request);
  ASSERT_TRUE(sink->failure());
  EXPECT_EQ(sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(sink->failure()->reason, "backend_timeout");
}

TEST_F(OpenAiBackendTest, SilenceInMidStreamHasALimit) {
  RemoteConfig config;
  config.token_timeout = milliseconds(50);
  const auto failure = failure_with(
      [](Peer& peer) {
        peer.read_request();
        peer.write(testing::stream_head() + testing::content_event("Hel"));
        peer.wait_for_close();
      },
      config);
  EXPECT_EQ(failure.code, ErrorCode::deadline_exceeded);
  EXPECT_NE(failure.message.find("further token"), std::string::npos) << failure.message;
}

TEST_F(OpenAiBackendTest, ASlowDripHasALimitInAll) {
  RemoteConfig config;
  config.total_timeout = milliseconds(80);
  const auto failure = failure_with(
      [](Peer& peer) {
        peer.read_request();
        peer.write(testing::stream_head());
        // A token at a time for as long as anybody listens.
        while (peer.write(testing::content_event("x"))) {
        }
      },
      config);
  EXPECT_EQ(failure.code, ErrorCode::deadline_exceeded) << failure.message;
}

// It does not heed max_tokens, and whoever asked keeps what comes.
TEST_F(OpenAiBackendTest, AnAnswerWithoutEndHasALimitInBytes) {
  std::atomic<std::size_t> sent{0};
  const auto failure = failure_with([&](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head());
    const std::string much(512 * 1024, 'x');
    while (peer.write(testing::content_event(much))) sent += much.size();
  });
  EXPECT_EQ(failure.code, ErrorCode::corrupt);
  EXPECT_NE(failure.message.find("larger than"), std::string::npos) << failure.message;
  EXPECT_GE(sent, kMaxAnswerBytes);
  EXPECT_LT(sent, 2 * kMaxAnswerBytes);
}

TEST_F(OpenAiBackendTest, DyingInMidStreamIsNoEnd) {
  for (const bool reset : {false, true}) {
    const auto failure = failure_with([reset](Peer& peer) {
      peer.read_request();
      peer.write(testing::stream_head() + testing::content_event("Hel"));
      if (reset) peer.reset();
    });
    EXPECT_TRUE(failure.code == ErrorCode::unavailable || failure.code == ErrorCode::corrupt)
        << failure.message;
  }
  // Even with HTTP's own end in order.
  const auto polite = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::content_event("Hel") + "0\r\n\r\n");
    peer.wait_for_close();
  });
  EXPECT_EQ(polite.reason, "backend_broke_off");
}

TEST_F(OpenAiBackendTest, DoneWithoutAnEndIsNoAnswer) {
  for (const std::string& said : {std::string(), testing::content_event("Hel")}) {
    const auto failure = failure_with([&](Peer& peer) {
      peer.read_request();
      peer.write(testing::stream_head() + said + testing::stream_tail());
      peer.wait_for_close();
    });
    EXPECT_EQ(failure.code, ErrorCode::unavailable);
    EXPECT_EQ(failure.reason, "backend_broke_off");
  }
}

TEST_F(OpenAiBackendTest, GarbageIsNoAnswer) {
  const auto not_http = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write("SSH-2.0-OpenSSH_9.2\r\n");
  });
  EXPECT_EQ(not_http.code, ErrorCode::corrupt);
  const auto not_json = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::chunk_of("\x01\x02{{{"));
    peer.wait_for_close();
  });
  EXPECT_EQ(not_json.code, ErrorCode::corrupt);
  const auto a_page = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::ok("<html>It works!</html>", "Content-Type: text/html\r\n"));
  });
  EXPECT_EQ(a_page.code, ErrorCode::corrupt);
  const auto endless_event = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head());
    const std::string piece(64 * 1024, 'x');
    while (peer.write(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece))) {
    }
  });
  EXPECT_EQ(endless_event.code, ErrorCode::corrupt) << "not 'overloaded', which only 429 says";
  const auto endless_header = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write("HTTP/1.1 200 OK\r\nX-Endless: ");
    const std::string piece(64 * 1024, 'x');
    while (peer.write(piece)) {
    }
  });
  EXPECT_EQ(endless_header.code, ErrorCode::corrupt);
}

TEST_F(OpenAiBackendTest, StatusesMeanWhatTheySay) {
  const auto with = [&](std::string status, std::string headers = {}) {
    return failure_with([=](Peer& peer) {
      peer.read_request();
      peer.write(testing::status_answer(
          status, R"({"error":{"message":"the reason","code":"context_length_exceeded"}})", headers));
    });
  };
  const auto bad = with("400 Bad Request");
  EXPECT_EQ(bad.code, ErrorCode::invalid_argument);
  EXPECT_EQ(bad.message, "the reason");
  EXPECT_EQ(bad.reason, "context_length_exceeded");
  const auto busy = with("429 Too Many Requests", "Retry-After: 7\r\n");
  EXPECT_EQ(busy.code, ErrorCode::resource_exhausted);
  EXPECT_EQ(busy.retry_after, std::chrono::seconds(7));
  EXPECT_EQ(with("404 Not Found").code, ErrorCode::unavailable);
  EXPECT_EQ(with("500 Oops").code, ErrorCode::unavailable);
  EXPECT_EQ(with("503 Loading").code, ErrorCode::unavailable);
}

TEST_F(OpenAiBackendTest, AnErrorEventIsAFailure) {
  const auto failure = failure_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::content_event("Hel") +
               testing::chunk_of(R"({"error":{"message":"CUDA out of memory"}})"));
    peer.wait_for_close();
  });
  EXPECT_NE(failure.message.find("CUDA out of memory"), std::string::npos);
}

TEST_F(OpenAiBackendTest, CancellingClosesTheConnection) {
  std::promise<void> closed;
  const ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + testing::content_event("Hel"));
    peer.wait_for_close();
    closed.set_value();
  });
  const auto backend = connect(config_for(server));
  const auto sink = std::make_shared<RecordingSink>();
  const auto id = backend->generate(hello(), sink);
  ASSERT_TRUE(id);
  sink->wait_for_text("Hel");
  backend->cancel(*id);
  closed.get_future().wait();
  sink->wait();
  EXPECT_EQ(sink->finish(), engine::FinishReason::cancelled);
  backend->cancel(*id);  // again: ignored
  backend->cancel(12345);
}

TEST_F(OpenAiBackendTest, ADeadlineOfTheRequestIsNotTheBackendsFault) {
  const ScriptedServer server([](Peer& peer) { peer.read_request(), peer.wait_for_close(); });
  const auto backend = connect(config_for(server));
  auto request = hello();
  request.deadline = SteadyClock().now() + milliseconds(50);
  const auto sink = ask(*backend, request);
  EXPECT_FALSE(sink->failure());
  EXPECT_EQ(sink->finish(), engine::FinishReason::deadline);
}

TEST_F(OpenAiBackendTest, DestroyingItEndsWhatIsUnderWay) {
  const ScriptedServer server([](Peer& peer) { peer.read_request(), peer.wait_for_close(); });
  auto backend = connect(config_for(server));
  const auto sink = std::make_shared<RecordingSink>();
  ASSERT_TRUE(backend->generate(hello(), sink));
  backend.reset();
  sink->wait();
  EXPECT_EQ(sink->finish(), engine::FinishReason::cancelled);
}

TEST_F(OpenAiBackendTest, ProbesTellHowItIs) {
  const ScriptedServer server(testing::answer_well);
  const auto report = probe(*connect(config_for(server)));
  EXPECT_EQ(report.outcome, ProbeOutcome::well);
  EXPECT_EQ(report.models, (std::vector<std::string>{"listed", "other"}));
  const ScriptedServer loading([](Peer& peer) {
    peer.read_request();
    peer.write(testing::status_answer("503 Service Unavailable", R"({"error":{"message":"Loading model"}})"));
  });
  EXPECT_EQ(probe(*connect(config_for(loading))).outcome, ProbeOutcome::loading);
  const ScriptedServer broken([](Peer& peer) { peer.read_request(), peer.reset(); });
  EXPECT_EQ(probe(*connect(config_for(broken))).outcome, ProbeOutcome::failed);
}

// Some servers have no list of models, and answer all the same: five probes opened their breakers.
TEST_F(OpenAiBackendTest, AServerThatListsNothingIsAliveWhereItsModelIsKnown) {
  const auto outcome_of = [&](const char* status, const char* model) {
    const ScriptedServer server([=](Peer& peer) {
      peer.read_request();
      peer.write(testing::status_answer(status, "{}"));
    });
    RemoteConfig config = config_for(server);
    config.model = model;
    return probe(*connect(config)).outcome;
  };
  for (const char* status : {"404 Not Found", "405 Method Not Allowed", "429 Too Many Requests"}) {
    EXPECT_EQ(outcome_of(status, "m"), ProbeOutcome::well) << status;
    EXPECT_EQ(outcome_of(status, ""), ProbeOutcome::failed) << status << ": what would it be asked for?";
  }
  EXPECT_EQ(outcome_of("401 Unauthorized", "m"), ProbeOutcome::failed);
  EXPECT_EQ(outcome_of("500 Oops", "m"), ProbeOutcome::failed);
}

TEST_F(OpenAiBackendTest, ManyAtOnce) {
  const ScriptedServer server(testing::answer_well);
  const auto backend = connect(config_for(server));
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < 64; ++i) {
    sinks.push_back(std::make_shared<RecordingSink>());
    ASSERT_TRUE(backend->generate(hello(), sinks.back()));
  }
  for (const auto& sink : sinks) {
    sink->wait();
    EXPECT_EQ(sink->text(), "Hello world");
  }
}

}  // namespace
}  // namespace sovereign::gateway
