// The program as a user runs it: exit codes, messages, outputs. It is a child process throughout.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <iterator>

#include "base/sha256.h"
#include "base/subprocess.h"
#include "scratch.h"

namespace sovereign {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

class Cli : public testing::Test {
 protected:
  // Nothing of this machine's configuration and models reaches the program.
  SubprocessOutput run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), SOVEREIGN_PROGRAM);
    return run_raw(arguments);
  }
  // `script` finds the program in $S, the test's folder in $D and the test model in $M.
  SubprocessOutput shell(const std::string& script) { return run_raw({"bash", "-c", script}); }

  std::string test_model() const {
    const char* path = std::getenv("SOVEREIGN_TEST_MODEL");
    return path == nullptr ? "" : path;
  }

  Scratch scratch_;

 private:
  SubprocessOutput run_raw(const std::vector<std::string>& arguments) {
    SubprocessOptions options;
    options.environment = {{"XDG_CONFIG_HOME", (scratch_.path() / "config").string()},
                           {"XDG_CACHE_HOME", (scratch_.path() / "cache").string()},
                           {"S", SOVEREIGN_PROGRAM},
                           {"D", scratch_.path().string()},
                           {"M", test_model()}};
    const auto output = run_subprocess(arguments, options);
    EXPECT_TRUE(output) << output.error().message;
    return output.value_or(SubprocessOutput{});
  }
};

// Tests that load a model; they fail, rather than skip, when there is none.
class CliWithModel : public Cli {
 protected:
  void SetUp() override { ASSERT_FALSE(test_model().empty()) << "set SOVEREIGN_TEST_MODEL to a GGUF file"; }
};

json::value parse_json(const std::string& text) {
  std::error_code error;
  json::value value = json::parse(text, error);
  EXPECT_FALSE(error) << error.message() << " in: " << text;
  return value;
}

TEST_F(Cli, HelpIsThereForEveryCommand) {
  for (const char* command : {"",
                              "serve",
                              "ask",
                              "model",
                              "model list",
                              "model info",
                              "model fetch",
                              "model path",
                              "doctor",
                              "config",
                              "config example",
                              "config check",
                              "config show",
                              "key",
                              "key new",
                              "key hash",
                              "keys",
                              "keys new",
                              "keys show",
                              "keys export",
                              "verify",
                              "canary",
                              "canary status",
                              "canary promote",
                              "canary rollback",
                              "canary restart",
                              "completion",
                              "man",
                              "version"}) {
    const auto output = shell(fmt::format("\"$S\" {} --help", command));
    EXPECT_EQ(output.exit_code, 0) << command;
    EXPECT_THAT(output.text, HasSubstr("Usage:")) << command;
  }
}

TEST_F(Cli, WrongUsageExitsWithTwo) {
  for (const char* arguments : {"", "--no-such-flag", "frobnicate", "serve --prot 9000", "serve --port",
                                "ask --temperature 9 hello", "completion tcsh", "config"}) {
    const auto output = shell(fmt::format("\"$S\" {}", arguments));
    EXPECT_EQ(output.exit_code, 2) << arguments << ": " << output.text;
  }
}

TEST_F(Cli, WrongSettingsExitWithTwoAndNameTheFlag) {
  const auto output = run({"serve", "--port", "99999"});
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_EQ(output.text, "--port: server.port: 99999 is out of range (0 to 65535)\n");
}

TEST_F(Cli, WrongConfigurationNamesFileAndLine) {
  const auto file = scratch_.write("bad.toml", "[server]\nprot = 1\n");
  const auto output = run({"serve", "--config", file.string()});
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_EQ(output.text, file.string() + ":2: server.prot: unknown key; did you mean 'server.port'?\n");
}

TEST_F(Cli, RefusesToBeReachableWithoutKeys) {
  const auto output = run({"serve", "--host", "0.0.0.0"});
  EXPECT_EQ(output.exit_code, 2) << output.text;
  EXPECT_THAT(output.text, HasSubstr("insecure"));
}

TEST_F(Cli, AMissingModelIsOneLine) {
  const auto output = run({"serve", "--port", "0", "--model", "./none.gguf"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_EQ(output.text, "sovereign: no model file at ./none.gguf\n");
  const auto unnamed = run({"ask", "hello"});
  EXPECT_EQ(unnamed.exit_code, 1);
  EXPECT_THAT(unnamed.text, HasSubstr("sovereign model fetch"));
}

TEST_F(Cli, AFileThatIsNoModelIsOneLine) {
  const auto file = scratch_.write("text.gguf", std::string(10'000, 'x'));
  for (const char* command :
       {"serve --port 0 --log-level error --model", "ask --log-level error hello --model", "model info"}) {
    const auto output = shell(fmt::format("\"$S\" {} \"$D/text.gguf\"", command));
    EXPECT_EQ(output.exit_code, 1) << command;
    EXPECT_THAT(output.text, StartsWith("sovereign: ")) << command;
    EXPECT_THAT(output.text, HasSubstr("GGUF")) << command;
    EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'), 1) << output.text;
  }
}

TEST_F(CliWithModel, ATruncatedModelIsOneLine) {
  const auto output = shell(
      "head -c 5000000 \"$M\" > \"$D/cut.gguf\"; \"$S\" serve --port 0 --log-level error --model "
      "\"$D/cut.gguf\"");
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, StartsWith("sovereign: "));
  EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'), 1) << output.text;
}

TEST_F(CliWithModel, ServesUntilTerminated) {
  const auto output = shell(R"(
    "$S" serve --port 0 --port-file "$D/port" --model "$M" --alias tiny 2> "$D/log" &
    pid=$!
    until grep -qs 'ready: http' "$D/log"; do kill -0 $pid || break; sleep 0.05; done
    port=$(cat "$D/port")
    "$S" ask --url "http://127.0.0.1:$port" --json --max-tokens 4 --seed 1 'Say hi.' < /dev/null
    "$S" serve --port "$port" --model "$M"; echo "taken=$?"
    kill -HUP $pid
    until grep -qs 'configuration reloaded' "$D/log"; do kill -0 $pid || break; sleep 0.05; done
    kill -TERM $pid; wait $pid; echo "exit=$?"; ls "$D/port" 2>&1; cat "$D/log")");
  const std::string first_line = output.text.substr(0, output.text.find('\n'));
  const json::value answer = parse_json(first_line);
  ASSERT_TRUE(answer.is_object()) << output.text;
  EXPECT_EQ(answer.at("model"), "tiny");
  EXPECT_EQ(answer.at("finish_reason"), "length");
  EXPECT_EQ(answer.at("usage").at("completion_tokens"), 4);
  EXPECT_THAT(output.text, HasSubstr("taken=1"));
  EXPECT_THAT(output.text, HasSubstr("exit=0"));
  EXPECT_THAT(output.text, HasSubstr("No such file"));
  EXPECT_THAT(output.text, HasSubstr("configuration reloaded: nothing changed"));
}

TEST_F(CliWithModel, AsksAServerToThinkFirst) {
  const auto output = shell(R"(
    "$S" serve --port 0 --port-file "$D/port" --model "$M" 2> "$D/log" &
    pid=$!
    until grep -qs 'ready: http' "$D/log"; do kill -0 $pid || break; sleep 0.05; done
    port=$(cat "$D/port")
    "$S" ask --url "http://127.0.0.1:$port" --json --reason 1 --max-tokens 6 --seed 1 Why? < /dev/null
    kill -TERM $pid; wait $pid; echo "exit=$?")");
  const json::value answer = parse_json(output.text.substr(0, output.text.find('\n')));
  ASSERT_TRUE(answer.is_object()) << output.text;
  EXPECT_FALSE(answer.at("answer").as_string().empty());
  EXPECT_EQ(answer.at("finish_reason"), "length");
  EXPECT_FALSE(answer.at("reasoning").at("thoughts").as_array().empty());
  EXPECT_THAT(output.text, HasSubstr("exit=0"));
}

TEST_F(CliWithModel, FinishesWhatIsUnderWayWhenTerminated) {
  const auto output = shell(R"(
    "$S" serve --port 0 --port-file "$D/port" --model "$M" --server.drain_timeout 200s 2> "$D/log" &
    pid=$!
    until grep -qs 'ready: http' "$D/log"; do kill -0 $pid || break; sleep 0.05; done
    url=http://127.0.0.1:$(cat "$D/port")
    for i in 1 2 3; do
      "$S" ask --url "$url" --json --max-tokens 8 "Tell me about the number $i." < /dev/null > "$D/answer$i" 2>&1 &
      asked[i]=$!
    done
    until curl --noproxy '*' -s "$url/metrics" | grep -q '^sovereign_engine_requests_accepted_total 3'; do
      kill -0 $pid || break; sleep 0.02
    done
    kill -TERM $pid; wait $pid; echo "exit=$?"
    for i in 1 2 3; do wait ${asked[i]}; echo "asked=$?"; cat "$D/answer$i"; done)");
  EXPECT_THAT(output.text, StartsWith("exit=0\n"));
  std::size_t answers = 0;
  for (std::size_t at = 0; (at = output.text.find("asked=0\n{", at)) != std::string::npos; ++at) ++answers;
  EXPECT_EQ(answers, 3U) << output.text;
}

TEST_F(CliWithModel, TwoSignalsEndItAtOnceOrDrained) {
  const auto output = shell(R"(
    "$S" serve --port 0 --model "$M" 2> "$D/log" &
    pid=$!
    until grep -qs 'ready: http' "$D/log"; do kill -0 $pid || break; sleep 0.05; done
    kill -INT $pid; kill -INT $pid 2>/dev/null; wait $pid; echo "exit=$?")");
  // Idle, it may be gone before the second signal is seen.
  EXPECT_THAT(output.text, testing::AnyOf(HasSubstr("exit=0"), HasSubstr("exit=1")));
}

TEST_F(CliWithModel, AsksInProcess) {
  const auto output = run({"ask", "--model", test_model(), "--log-level", "error", "--json", "--max-tokens",
                           "5", "--temperature", "0", "What", "is", "water?"});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  const json::value answer = parse_json(output.text);
  EXPECT_FALSE(answer.at("answer").as_string().empty());
  EXPECT_EQ(answer.at("usage").at("completion_tokens"), 5);
  EXPECT_GT(answer.at("timings").at("total_ms").to_number<double>(), 0);
}

TEST_F(CliWithModel, PipedInputIsTheQuestion) {
  const std::string flags = "--model \"$M\" --log-level error --json --max-tokens 3 --temperature 0";
  const auto piped = shell("echo 'What is water?' | \"$S\" ask " + flags);
  const auto given = shell("\"$S\" ask " + flags + " 'What is water?' < /dev/null");
  EXPECT_EQ(parse_json(piped.text).at("answer"), parse_json(given.text).at("answer"));
  const auto both = shell("echo 'What is water?' | \"$S\" ask " + flags + " 'Answer this:'");
  EXPECT_GT(parse_json(both.text).at("usage").at("prompt_tokens").to_number<int>(),
            parse_json(given.text).at("usage").at("prompt_tokens").to_number<int>());
}

TEST_F(CliWithModel, StreamsTheSameTextItWouldPrintAtOnce) {
  const std::string flags =
      "--model \"$M\" --log-level error --max-tokens 12 --temperature 0 'What is water?' < /dev/null";
  const auto streamed = shell("\"$S\" ask " + flags);
  EXPECT_EQ(streamed.exit_code, 0);
  EXPECT_EQ(streamed.text, shell("\"$S\" ask --no-stream " + flags).text);
}

TEST_F(Cli, NothingToAskIsAnError) {
  const auto output = shell("\"$S\" ask < /dev/null");
  EXPECT_EQ(output.exit_code, 2);
  EXPECT_THAT(output.text, HasSubstr("nothing to ask"));
}

TEST_F(Cli, AServerThatIsNotThereIsOneLine) {
  const auto output = run({"ask", "--url", "http://127.0.0.1:1", "hello"});
  EXPECT_EQ(output.exit_code, 1);
  EXPECT_THAT(output.text, StartsWith("sovereign: "));
  EXPECT_EQ(std::count(output.text.begin(), output.text.end(), '\n'), 1) << output.text;
}

TEST_F(Cli, ConfigExampleChecksClean) {
  const auto output =
      shell("\"$S\" config example > \"$D/e.toml\" && \"$S\" config check --config \"$D/e.toml\"");
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, StartsWith("ok: "));
}

TEST_F(Cli, ConfigShowSaysWhereAValueCameFrom) {
  const auto output = shell("SOVEREIGN_ENGINE_THREADS=3 \"$S\" config show --port 9000 --json");
  const json::value shown = parse_json(output.text);
  EXPECT_EQ(shown.at("server.port").at("value"), "9000");
  EXPECT_EQ(shown.at("server.port").at("origin"), "--port");
  EXPECT_EQ(shown.at("engine.threads").at("origin"), "$SOVEREIGN_ENGINE_THREADS");
  EXPECT_EQ(shown.at("server.host").at("origin"), "default");
}

TEST_F(Cli, BooleanAndListFlags) {
  const json::value shown =
      parse_json(run({"config", "show", "--json", "--insecure", "--engine.prefix_sharing=false",
                      "--cors-origin", "https://a.b", "--cors-origin", "https://c.d"})
                     .text);
  EXPECT_EQ(shown.at("server.insecure").at("value"), "true");
  EXPECT_EQ(shown.at("engine.prefix_sharing").at("value"), "false");
  EXPECT_EQ(shown.at("server.cors_origins").at("value"), R"(["https://a.b", "https://c.d"])");
}

TEST_F(Cli, KeysAndTheirHashesMatch) {
  const auto made = shell("\"$S\" key new 2>/dev/null");
  const std::string key = made.text.substr(6, made.text.find('\n') - 6);
  EXPECT_THAT(key, StartsWith("sk-sov-"));
  EXPECT_THAT(made.text, HasSubstr("hash: sha256:" + sha256_hex(key)));
  const auto hashed = shell(fmt::format("echo '{}' | \"$S\" key hash", key));
  EXPECT_EQ(hashed.text, "sha256:" + sha256_hex(key) + "\n");
  EXPECT_NE(shell("\"$S\" key new 2>/dev/null").text, made.text);
  EXPECT_EQ(shell("\"$S\" key hash < /dev/null").exit_code, 2);
}

TEST_F(Cli, JsonOutputsAreJson) {
  const json::value version = parse_json(run({"version", "--json"}).text);
  EXPECT_FALSE(version.at("version").as_string().empty());
  EXPECT_TRUE(parse_json(run({"model", "list", "--json"}).text).as_array().empty());
  const auto doctor = run({"doctor", "--json", "--port", "0"});
  EXPECT_EQ(doctor.exit_code, 1) << "there is no model: " << doctor.text;
  const json::value report = parse_json(doctor.text);
  EXPECT_EQ(report.at("ok"), false);
  EXPECT_GE(report.at("findings").as_array().size(), 9U);
}

TEST_F(CliWithModel, DoctorFindsThisMachineFit) {
  const auto output = run({"doctor", "--port", "0", "--model", test_model()});
  EXPECT_EQ(output.exit_code, 0) << output.text;
  EXPECT_THAT(output.text, Not(HasSubstr("fail ")));
}

TEST_F(CliWithModel, ModelInfoHasTheFilesHash) {
  const json::value info = parse_json(run({"model", "info", "--json", test_model()}).text);
  EXPECT_EQ(info.at("sha256").as_string(), to_hex(*sha256_file(test_model())));
  EXPECT_GT(info.at("layers").to_number<int>(), 0);
}

TEST_F(Cli, ModelPathFindsAModelOfTheStore) {
  const auto file = scratch_.write("cache/sovereign/models/some.gguf", "x");
  EXPECT_EQ(run({"model", "path", "some"}).text, file.string() + "\n");
  EXPECT_EQ(run({"model", "path", "other"}).exit_code, 1);
}

TEST_F(Cli, CheckedInDocumentsAreTheGeneratedOnes) {
  const fs::path root = SOVEREIGN_SOURCE_DIR;
  EXPECT_EQ(run({"man"}).text, content_of(root / "packaging/man/sovereign.1"));
  EXPECT_EQ(run({"completion", "bash"}).text, content_of(root / "packaging/completions/sovereign.bash"));
  EXPECT_EQ(run({"completion", "zsh"}).text, content_of(root / "packaging/completions/_sovereign"));
  EXPECT_EQ(run({"completion", "fish"}).text, content_of(root / "packaging/completions/sovereign.fish"));
}

TEST_F(Cli, BashCompletes) {
  const std::string complete = R"(
    source <("$S" completion bash)
    try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _sovereign 2>/dev/null; echo "${COMPREPLY[*]}"; }
  )";
  EXPECT_EQ(shell(complete + "try sovereign mod").text, "model\n");
  EXPECT_EQ(shell(complete + "try sovereign model in").text, "info\n");
  EXPECT_EQ(shell(complete + "try sovereign serve --log-f").text, "--log-format --log-file\n");
  EXPECT_EQ(shell(complete + "try sovereign serve --log-format ''").text, "text json\n");
  EXPECT_EQ(shell(complete + "try sovereign completion z").text, "zsh\n");
}

TEST_F(Cli, OtherShellsAcceptTheirScripts) {
  for (const char* name : {"zsh", "fish"}) {
    if (shell(fmt::format("command -v {}", name)).exit_code != 0) continue;
    const auto output = shell(fmt::format("\"$S\" completion {0} > \"$D/{0}\" && {0} -n \"$D/{0}\"", name));
    EXPECT_EQ(output.exit_code, 0) << output.text;
    EXPECT_EQ(output.text, "") << name;
  }
}

}  // namespace
}  // namespace sovereign
