// A backend that asks for several chats in one call, before servers that behave and servers that do not.
#include <gtest/gtest.h>

#include <boost/asio/post.hpp>
#include <boost/json/parse.hpp>
#include <condition_variable>
#include <future>
#include <mutex>

#include "gateway/openai/openai_backend.h"
#include "gateway/openai/scripts.h"
#include "gateway/recording_sink.h"
#include "net/event_loops.h"

namespace sovereign::gateway {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using testing::Peer;
using testing::RecordingSink;
using testing::ScriptedServer;

GenerateRequest question(const std::string& text) {
  GenerateRequest request;
  request.input.messages_json = R"([{"role":"user","content":")" + text + R"("}])";
  request.max_tokens = 16;
  request.sampling.temperature = 0;
  return request;
}

bool is_batch(const std::string& request) { return request.starts_with("POST /v1/completions "); }

// The questions in a batch's prompts, by their number.
std::vector<std::string> questions_of(const std::string& request) {
  std::vector<std::string> questions;
  const auto body = boost::json::parse(request.substr(request.find("\r\n\r\n") + 4));
  for (const auto& prompt : body.at("prompt").as_array()) {
    const std::string text(prompt.as_string());
    const auto begin = text.find("user\n") + 5;
    questions.push_back(text.substr(begin, text.find("<|im_end|>") - begin));
  }
  return questions;
}

std::string piece(std::size_t prompt, const std::string& text) {
  return testing::chunk_of(fmt::format(R"({{"choices":[{{"index":{},"text":"{}"}}]}})", prompt, text));
}
std::string last_piece(std::size_t prompt) {
  return testing::chunk_of(fmt::format(
      R"({{"choices":[{{"index":{},"text":"","finish_reason":"stop"}}],"usage":{{"prompt_tokens":{},"completion_tokens":3}}}})",
      prompt, 10 + prompt));
}
// "re: QUESTION" to each, last prompt first.
std::string answers_to(const std::string& request) {
  const auto questions = questions_of(request);
  std::string stream = testing::stream_head();
  for (std::size_t prompt = questions.size(); prompt-- > 0;) stream += piece(prompt, "re: ");
  for (std::size_t prompt = questions.size(); prompt-- > 0;) {
    stream += piece(prompt, questions[prompt]) + last_piece(prompt);
  }
  return stream + testing::stream_tail();
}

// What servers saw, in order. Thread-safe.
class Seen {
 public:
  void add(std::string request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    changed_.notify_all();
  }
  // Waits until there are so many.
  std::vector<std::string> first(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> requests_;
};

class OpenAiBatch : public ::testing::Test {
 protected:
  RemoteConfig config_for(const ScriptedServer& server) {
    RemoteConfig config;
    config.name = "there";
    config.url = server.url("/v1");
    config.model = "m";
    config.batch_size = 8;
    config.batch_wait = hours(1);
    config.batch_template = "chatml";
    return config;
  }
  std::shared_ptr<OpenAiBackend> connect(const RemoteConfig& config) {
    auto backend = OpenAiBackend::create(config, loops_);
    EXPECT_TRUE(backend) << backend.error().message;
    return backend.value_or(nullptr);
  }
  struct Asked {
    std::uint64_t id = 0;
    std::shared_ptr<RecordingSink> sink = std::make_shared<RecordingSink>();
  };
  static Asked ask(OpenAiBackend& backend, GenerateRequest request) {
    Asked asked;
    const auto id = backend.generate(std::move(request), asked.sink);
    EXPECT_TRUE(id) << id.error().message;
    asked.id = id.value_or(0);
    return asked;
  }
  static std::vector<Asked> ask_many(OpenAiBackend& backend, int count) {
    std::vector<Asked> all;
    for (int i = 0; i < count; ++i) all.push_back(ask(backend, question(fmt::format("Q{}", i))));
    return all;
  }
  // Answers everything.
  std::function<void(Peer&)> answering() {
    return [this](Peer& peer) {
      for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
        seen_.add(request);
        peer.write(is_batch(request) ? answers_to(request) : testing::whole_stream());
      }
    };
  }
  // What has been posted to the loop has run.
  void settle() {
    std::promise<void> done;
    boost::asio::post(loops_.first().executor(), [&] { done.set_value(); });
    done.get_future().wait();
  }
  // Two queries in one call to a server that plays this script.
  std::vector<Asked> two_with(std::function<void(Peer&)> script) {
    const ScriptedServer server(std::move(script));
    RemoteConfig config = config_for(server);
    config.batch_size = 2;
    const auto backend = connect(config);
    auto asked = ask_many(*backend, 2);
    for (const auto& each : asked) each.sink->wait();
    return asked;
  }

  Seen seen_;
  net::EventLoops loops_{1};
};

TEST_F(OpenAiBatch, AFullBatchGoesOutAtOnceInOneRequest) {
  const ScriptedServer server(answering());
  const auto backend = connect(config_for(server));
  const auto asked = ask_many(*backend, 8);
  for (std::size_t i = 0; i < asked.size(); ++i) {
    asked[i].sink->wait();
    EXPECT_EQ(asked[i].sink->text(), fmt::format("re: Q{}", i)) << "each its own";
    EXPECT_EQ(asked[i].sink->finish(), engine::FinishReason::stop);
    ASSERT_TRUE(asked[i].sink->summary());
    EXPECT_EQ(asked[i].sink->summary()->prompt_tokens, 10 + i);
    EXPECT_EQ(asked[i].sink->summary()->completion_tokens, 3U);
  }
  const auto seen = seen_.first(1);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(questions_of(seen[0]).size(), 8U);
  ASSERT_TRUE(backend->batch_figures());
  EXPECT_EQ(backend->batch_figures()->batches, 1U);
  EXPECT_EQ(backend->batch_figures()->prompts, 8U);
}

TEST_F(OpenAiBatch, WhatIsThereGoesOutWhenItHasWaitedLongEnough) {
  const ScriptedServer server(answering());
  RemoteConfig config = config_for(server);
  config.batch_wait = milliseconds(50);
  const auto backend = connect(config);
  const auto began = SteadyClock().now();
  const auto asked = ask_many(*backend, 2);
  for (const auto& each : asked) each.sink->wait();
  EXPECT_GE(SteadyClock().now() - began, milliseconds(50));
  EXPECT_EQ(asked[1].sink->text(), "re: Q1");
  EXPECT_EQ(questions_of(seen_.first(1)[0]), (std::vector<std::string>{"Q0", "Q1"}));
}

TEST_F(OpenAiBatch, WhatCannotShareACallDoesNot) {
  const ScriptedServer server(answering());
  const auto backend = connect(config_for(server));
  const auto waits = ask(*backend, question("Q"));
  auto with_tools = question("Q");
  with_tools.input.tools_json = R"([{"type":"function","function":{"name":"f"}}])";
  // At once, although the window stays open for an hour; so does what a prompt cannot say safely.
  for (const auto& request : {with_tools, question("<|im_start|>system")}) {
    const auto alone = ask(*backend, request);
    alone.sink->wait();
    EXPECT_EQ(alone.sink->message().content, "Hello world");
  }
  for (const auto& request : seen_.first(2)) EXPECT_TRUE(request.starts_with("POST /v1/chat/completions "));
  EXPECT_FALSE(waits.sink->has_ended());
}

TEST_F(OpenAiBatch, ThoseThatAreSampledInAnotherWayShareAnotherCall) {
  const ScriptedServer server(answering());
  RemoteConfig config = config_for(server);
  config.batch_size = 2;
  const auto backend = connect(config);
  auto longer = question("long");
  longer.max_tokens = 99;
  std::vector<Asked> asked;
  for (const auto& request : {question("a"), longer, longer, question("b")}) {
    asked.push_back(ask(*backend, request));
  }
  for (const auto& each : asked) each.sink->wait();
  for (const auto& request : seen_.first(2)) {
    const bool is_longer = request.find(R"("max_tokens":99)") != std::string::npos;
    EXPECT_EQ(questions_of(request),
              is_longer ? (std::vector<std::string>{"long", "long"}) : (std::vector<std::string>{"a", "b"}));
  }
}

TEST_F(OpenAiBatch, WhoLeavesWhileWaitingIsNotAskedFor) {
  const ScriptedServer server(answering());
  RemoteConfig config = config_for(server);
  config.batch_size = 2;
  const auto backend = connect(config);
  const auto left = ask(*backend, question("left"));
  backend->cancel(left.id);
  left.sink->wait();
  EXPECT_EQ(left.sink->finish(), engine::FinishReason::cancelled);
  EXPECT_EQ(server.accepted(), 0);
  ask_many(*backend, 2).back().sink->wait();
  EXPECT_EQ(questions_of(seen_.first(1)[0]), (std::vector<std::string>{"Q0", "Q1"}));
}

TEST_F(OpenAiBatch, WhoLeavesLeavesTheOthersAloneAndTheLastClosesTheConnection) {
  std::promise<void> go_on;
  std::promise<void> closed;
  const ScriptedServer server([&](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + piece(0, "a") + piece(1, "b") + piece(2, "c"));
    go_on.get_future().wait();
    peer.write(piece(0, "a") + piece(1, "b"));
    peer.wait_for_close();
    closed.set_value();
  });
  RemoteConfig config = config_for(server);
  config.batch_size = 3;
  const auto backend = connect(config);
  const auto asked = ask_many(*backend, 3);
  asked[2].sink->wait_for_text("c");
  backend->cancel(asked[0].id);
  asked[0].sink->wait();
  EXPECT_EQ(asked[0].sink->finish(), engine::FinishReason::cancelled);
  EXPECT_EQ(asked[0].sink->text(), "a");
  go_on.set_value();
  asked[1].sink->wait_for_text("bb");
  EXPECT_FALSE(asked[1].sink->has_ended());
  backend->cancel(asked[1].id);
  asked[1].sink->wait();
  EXPECT_FALSE(asked[2].sink->has_ended());
  backend->cancel(asked[2].id);
  closed.get_future().wait();
  asked[2].sink->wait();
  EXPECT_EQ(asked[2].sink->finish(), engine::FinishReason::cancelled);
}

TEST_F(OpenAiBatch, WhatBreaksOffEndsEachAsFarAsItCame) {
  const ScriptedServer server([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + piece(0, "whole") + last_piece(0) + piece(1, "ha"));
  });
  RemoteConfig config = config_for(server);
  config.batch_size = 4;
  const auto backend = connect(config);
  const auto asked = ask_many(*backend, 4);
  for (const auto& each : asked) each.sink->wait();
  EXPECT_EQ(asked[0].sink->text(), "whole");
  EXPECT_TRUE(asked[0].sink->summary()) << "it had come to its end";
  int new_to_breakers = 0;
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_TRUE(asked[i].sink->failure()) << i;
    EXPECT_EQ(asked[i].sink->begun(), i == 1) << "what has not begun can be asked of the next backend";
    if (!asked[i].sink->repeats()) ++new_to_breakers;
  }
  EXPECT_FALSE(asked[0].sink->repeats());
  EXPECT_EQ(new_to_breakers, 1) << "one call failed, not three";
}

TEST_F(OpenAiBatch, GarbageFailsThemAll) {
  const auto all_corrupt = [&](const std::string& event) {
    for (const auto& each : two_with([&](Peer& peer) {
           peer.read_request();
           peer.write(testing::stream_head() + testing::chunk_of(event));
           peer.wait_for_close();
         })) {
      ASSERT_TRUE(each.sink->failure()) << event;
      EXPECT_EQ(each.sink->failure()->code, ErrorCode::corrupt) << event;
      EXPECT_FALSE(each.sink->begun()) << event;
    }
  };
  all_corrupt("{{{");
  all_corrupt(R"({"choices":[{"index":2,"text":"whose?"}]})");
  all_corrupt(R"({"choices":[{"text":"whose?"}]})");
  const auto page = two_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::ok("<html>It works!</html>", "Content-Type: text/html\r\n"));
  });
  EXPECT_EQ(page[1].sink->failure()->code, ErrorCode::corrupt);
}

TEST_F(OpenAiBatch, AnEndWithoutAnEndOfTheAnswerIsNone) {
  const auto asked = two_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() + piece(0, "a") + last_piece(0) + piece(1, "b") +
               testing::stream_tail());
    peer.wait_for_close();
  });
  EXPECT_TRUE(asked[0].sink->summary());
  ASSERT_TRUE(asked[1].sink->failure());
  EXPECT_EQ(asked[1].sink->failure()->reason, "backend_broke_off");
}

TEST_F(OpenAiBatch, OneThatTheServerAbortsLeavesTheOtherAlone) {
  const auto asked = two_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::stream_head() +
               testing::chunk_of(R"({"choices":[{"index":0,"text":"","finish_reason":"abort"}]})") +
               piece(1, "b") + last_piece(1) + testing::stream_tail());
    peer.wait_for_close();
  });
  EXPECT_TRUE(asked[0].sink->failure());
  EXPECT_FALSE(asked[0].sink->begun());
  EXPECT_EQ(asked[1].sink->text(), "b");
}

TEST_F(OpenAiBatch, AnAnswerThatIsNotStreamedIsTakenToo) {
  const auto asked = two_with([](Peer& peer) {
    peer.read_request();
    peer.write(testing::status_answer(
        "200 OK",
        R"({"choices":[{"index":1,"text":"b","finish_reason":"stop"},{"index":0,"text":"a","finish_reason":"length"}]})"));
  });
  EXPECT_EQ(asked[0].sink->text(), "a");
  EXPECT_EQ(asked[0].sink->finish(), engine::FinishReason::length);
  EXPECT_EQ(asked[1].sink->text(), "b");
}

TEST_F(OpenAiBatch, WhoHasLittleTimeIsNotKeptWaiting) {
  const ScriptedServer server(answering());
  const auto backend = connect(config_for(server));
  auto hurried = question("now");
  hurried.deadline = SteadyClock().now() + std::chrono::seconds(5);
  const auto first = ask(*backend, question("first"));
  const auto second = ask(*backend, hurried);
  second.sink->wait();
  EXPECT_EQ(second.sink->text(), "re: now") << "the window would have been open for an hour";
  first.sink->wait();
  EXPECT_EQ(first.sink->text(), "re: first") << "it went along";
  auto next_waits = question("next");
  next_waits.first_token_by = SteadyClock().now() + std::chrono::seconds(5);
  const auto third = ask(*backend, next_waits);
  third.sink->wait();
  EXPECT_EQ(third.sink->text(), "re: next");
}

TEST_F(OpenAiBatch, WhoseTimeIsOverLeavesTheOthersAlone) {
  std::promise<void> over;
  const ScriptedServer server([&](Peer& peer) {
    const auto request = peer.read_request();
    over.get_future().wait();
    peer.write(answers_to(request));
    peer.wait_for_close();
  });
  RemoteConfig config = config_for(server);
  config.batch_size = 2;
  const auto backend = connect(config);
  const auto patient = ask(*backend, question("patient"));
  auto hurried = question("hurried");
  hurried.deadline = SteadyClock().now() + milliseconds(500);
  const auto first = ask(*backend, hurried);
  first.sink->wait();
  EXPECT_EQ(first.sink->finish(), engine::FinishReason::deadline);
  over.set_value();
  patient.sink->wait();
  EXPECT_EQ(patient.sink->text(), "re: patient");
}

// One prompt that is too long made the server refuse all eight.
TEST_F(OpenAiBatch, WhatIsRefusedTogetherIsAskedOneByOne) {
  const auto script = [this](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      seen_.add(request);
      const bool bad = is_batch(request) || request.find("Q1") != std::string::npos;
      peer.write(bad ? testing::status_answer("400 Bad Request", R"({"error":{"message":"too long"}})")
                     : testing::whole_stream());
    }
  };
  const ScriptedServer server(script);
  RemoteConfig config = config_for(server);
  config.batch_size = 3;
  const auto backend = connect(config);
  const auto asked = ask_many(*backend, 3);
  for (const auto& each : asked) each.sink->wait();
  EXPECT_EQ(asked[0].sink->text(), "Hello world");
  EXPECT_EQ(asked[2].sink->text(), "Hello world");
  ASSERT_TRUE(asked[1].sink->failure());
  EXPECT_EQ(asked[1].sink->failure()->code, ErrorCode::invalid_argument);
  EXPECT_EQ(seen_.first(4).size(), 4U);
  EXPECT_EQ(backend->batch_figures()->refused, 1U);
}

// A prompt that was too long broke off the answers that had begun beside it, each time.
TEST_F(OpenAiBatch, WhatIsTooLongForTheServerSpoilsOneBatchAtMost) {
  const std::string too_long(2000, 'x');
  const auto script = [&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      seen_.add(request);
      const bool bad = request.find(too_long) != std::string::npos;
      peer.write(bad ? testing::status_answer(
                           "400 Bad Request",
                           R"({"error":{"code":400,"message":"no","type":"exceed_context_size_error"}})")
                 : is_batch(request) ? answers_to(request)
                                     : testing::whole_stream());
    }
  };
  const ScriptedServer server(script);
  RemoteConfig config = config_for(server);
  config.batch_size = 2;
  const auto backend = connect(config);
  for (const char* short_one : {"first", "second"}) {
    const auto good = ask(*backend, question(short_one));
    const auto bad = ask(*backend, question(too_long));
    bad.sink->wait();
    ASSERT_TRUE(bad.sink->failure());
    EXPECT_EQ(bad.sink->failure()->reason, kContextLengthExceeded) << "another backend may hold it";
    if (short_one == std::string("second")) ask(*backend, question("third")).sink->wait();
    good.sink->wait();
    EXPECT_TRUE(good.sink->summary());
  }
  EXPECT_EQ(backend->batch_figures()->refused, 1U);
  EXPECT_EQ(backend->batch_figures()->batches, 2U);
}

TEST_F(OpenAiBatch, ARefusalInMidStreamEndsOnlyWhatHadBegun) {
  const ScriptedServer server([](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      if (!is_batch(request)) {
        peer.write(testing::whole_stream());
        continue;
      }
      peer.write(testing::stream_head() + piece(0, "a") +
                 testing::chunk_of(R"({"error":{"code":400,"message":"too long"}})"));
    }
  });
  RemoteConfig config = config_for(server);
  config.batch_size = 2;
  const auto backend = connect(config);
  const auto asked = ask_many(*backend, 2);
  for (const auto& each : asked) each.sink->wait();
  ASSERT_TRUE(asked[0].sink->failure());
  EXPECT_EQ(asked[0].sink->failure()->code, ErrorCode::unavailable) << "not its own fault";
  EXPECT_EQ(asked[1].sink->text(), "Hello world");
}

TEST_F(OpenAiBatch, WhileTheServerIsBusyTheNextBatchFills) {
  std::promise<void> go_on;
  const auto released = go_on.get_future().share();
  const ScriptedServer server([&](Peer& peer) {
    for (auto request = peer.read_request(); !request.empty(); request = peer.read_request()) {
      seen_.add(request);
      released.wait();
      peer.write(answers_to(request));
    }
  });
  RemoteConfig config = config_for(server);
  config.batch_wait = milliseconds(0);
  config.max_concurrency = 1;
  const auto backend = connect(config);
  const auto first = ask(*backend, question("first"));
  seen_.first(1);
  const auto rest = ask_many(*backend, 4);
  auto late = question("late");
  late.deadline = SteadyClock().now() + milliseconds(50);
  const auto expired = ask(*backend, late);
  expired.sink->wait();
  ASSERT_TRUE(expired.sink->failure());
  EXPECT_EQ(expired.sink->failure()->code, ErrorCode::deadline_exceeded);
  EXPECT_TRUE(expired.sink->failure()->blameless) << "the server was not asked";
  go_on.set_value();
  first.sink->wait();
  for (const auto& each : rest) each.sink->wait();
  const auto seen = seen_.first(2);
  ASSERT_EQ(seen.size(), 2U) << "one call for four";
  EXPECT_EQ(questions_of(seen[1]), (std::vector<std::string>{"Q0", "Q1", "Q2", "Q3"}));
}

TEST_F(OpenAiBatch, DestroyingTheBackendEndsWhatWaits) {
  const ScriptedServer server(answering());
  auto backend = connect(config_for(server));
  const auto asked = ask_many(*backend, 3);
  backend.reset();
  for (const auto& each : asked) {
    each.sink->wait();
    EXPECT_EQ(each.sink->finish(), engine::FinishReason::cancelled);
  }
}

TEST_F(OpenAiBatch, ATemplateThatIsNotKnownIsAnError) {
  RemoteConfig config;
  config.url = "http://127.0.0.1:9/v1";
  config.batch_size = 2;
  EXPECT_FALSE(OpenAiBackend::create(config, loops_));
}

}  // namespace
}  // namespace sovereign::gateway
