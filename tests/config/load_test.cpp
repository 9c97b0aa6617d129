#include "config/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "config/key_table.h"
#include "samples.h"
#include "scratch.h"

namespace sovereign::config {
namespace {

using testing::HasSubstr;

class Load : public testing::Test {
 protected:
  // The environment is empty but for what a test puts there, so that this machine's files stay out of it.
  Inputs inputs() const { return {"", {{"XDG_CONFIG_HOME", scratch_.path().string()}}, {}}; }
  Inputs with_file(std::string_view content) const {
    Inputs in = inputs();
    in.file = scratch_.write("test.toml", content).string();
    return in;
  }
  std::string origin(const Loaded& loaded, std::string_view name) const {
    return loaded.origins[static_cast<std::size_t>(find_key(name) - all_keys().data())];
  }
  // The only error of a load that must fail.
  std::string error_of(const Inputs& in) const {
    const auto loaded = load(in);
    if (loaded) return "no error";
    return loaded.error().size() == 1 ? loaded.error().front().message
                                      : "several:\n" + join_messages(loaded.error());
  }

  Scratch scratch_;
};

TEST_F(Load, NothingGivenMeansDefaults) {
  const auto loaded = load(inputs());
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  EXPECT_TRUE(loaded->file.empty());
  for (const Key& key : all_keys()) {
    EXPECT_EQ(key.get(loaded->settings), key.get(Settings{})) << key.name;
    EXPECT_EQ(origin(*loaded, key.name), "default");
  }
}

TEST_F(Load, EachKeyFromTheFile) {
  for (const Key& key : all_keys()) {
    std::string text = fmt::format("{} = {}\n", key.name, to_toml(key, sample_value(key)));
    if (const auto partner = partner_of(key)) text += fmt::format("{} = {}\n", partner->name, partner->toml);
    const Inputs in = with_file(text);
    const auto loaded = load(in);
    ASSERT_TRUE(loaded) << key.name << ": " << join_messages(loaded.error());
    EXPECT_EQ(key.get(loaded->settings), sample_value(key)) << key.name;
    EXPECT_EQ(origin(*loaded, key.name), in.file + ":1");
  }
}

TEST_F(Load, EachKeyFromTheEnvironment) {
  for (const Key& key : all_keys()) {
    Inputs in = inputs();
    in.environment[environment_name(key.name)] = as_text(key, sample_value(key));
    if (const auto partner = partner_of(key)) in.environment[environment_name(partner->name)] = partner->text;
    const auto loaded = load(in);
    ASSERT_TRUE(loaded) << key.name << ": " << join_messages(loaded.error());
    EXPECT_EQ(key.get(loaded->settings), sample_value(key)) << key.name;
    EXPECT_EQ(origin(*loaded, key.name), "$" + environment_name(key.name));
  }
}

TEST_F(Load, EachKeyFromAFlag) {
  for (const Key& key : all_keys()) {
    Inputs in = inputs();
    in.flags.push_back({key.name, key.long_flag(), as_text(key, sample_value(key))});
    if (const auto partner = partner_of(key))
      in.flags.push_back({partner->name, partner->name, partner->text});
    const auto loaded = load(in);
    ASSERT_TRUE(loaded) << key.name << ": " << join_messages(loaded.error());
    EXPECT_EQ(key.get(loaded->settings), sample_value(key)) << key.name;
    EXPECT_EQ(origin(*loaded, key.name), key.long_flag());
  }
}

TEST_F(Load, FlagsWinOverEnvironmentOverFile) {
  Inputs in = with_file("[server]\nport = 1001\nhost = \"::1\"\nio_threads = 3\n");
  in.environment["SOVEREIGN_SERVER_PORT"] = "1002";
  in.environment["SOVEREIGN_SERVER_HOST"] = "127.0.0.2";
  in.flags.push_back({"server.port", "--port", "1003"});
  const auto loaded = load(in);
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  EXPECT_EQ(loaded->settings.server.port, 1003);
  EXPECT_EQ(loaded->settings.server.host, "127.0.0.2");
  EXPECT_EQ(loaded->settings.server.io_threads, 3U);
  EXPECT_EQ(origin(*loaded, "server.port"), "--port");
}

TEST_F(Load, SearchesForTheFile) {
  scratch_.write("sovereign/sovereign.toml", "server.port = 1001\n");
  const auto other = scratch_.write("other.toml", "server.port = 1002\n");
  const auto named = scratch_.write("named.toml", "server.port = 1003\n");
  Inputs in = inputs();
  EXPECT_EQ(load(in)->settings.server.port, 1001);
  in.environment["SOVEREIGN_CONFIG"] = other.string();
  EXPECT_EQ(load(in)->settings.server.port, 1002);
  in.file = named.string();
  EXPECT_EQ(load(in)->settings.server.port, 1003);
  EXPECT_EQ(load(in)->file, named);
}

TEST_F(Load, ANamedFileMustExist) {
  Inputs in = inputs();
  in.environment["SOVEREIGN_CONFIG"] = "/nowhere/at/all.toml";
  EXPECT_THAT(error_of(in), HasSubstr("/nowhere/at/all.toml: No such file"));
}

TEST_F(Load, UnknownKeysNameFileLineAndTheNearestKey) {
  const Inputs in = with_file("[server]\n\nprot = 9000\n");
  EXPECT_EQ(error_of(in), in.file + ":3: server.prot: unknown key; did you mean 'server.port'?");
}

TEST_F(Load, UnknownTablesAreUnknownKeys) {
  EXPECT_THAT(error_of(with_file("[servr]\nport = 9000\n")),
              HasSubstr(":2: servr.port: unknown key; did you mean "
                        "'server.port'?"));
  EXPECT_THAT(error_of(with_file("[zebra]\nstripes = 12\n")), HasSubstr("'sovereign config example'"));
}

TEST_F(Load, WrongTypesSayWhatIsExpected) {
  EXPECT_THAT(error_of(with_file("server.port = \"9000\"\n")),
              HasSubstr(":1: server.port: must be an integer (integer, 0 to 65535), not a string"));
  EXPECT_THAT(error_of(with_file("server.insecure = 1\n")), HasSubstr("must be a boolean"));
  EXPECT_THAT(error_of(with_file("server.host = true\n")), HasSubstr("must be a string"));
  EXPECT_THAT(error_of(with_file("server.cors_origins = \"*\"\n")), HasSubstr("must be an array of strings"));
  EXPECT_THAT(error_of(with_file("server.idle_timeout = 30\n")), HasSubstr("needs a unit, e.g. \"30s\""));
  EXPECT_THAT(error_of(with_file("server.max_body_bytes = 1.5\n")), HasSubstr("not a floating-point number"));
  EXPECT_THAT(error_of(with_file("server = 1\n")), HasSubstr("server: unknown key"));
}

TEST_F(Load, OutOfRangeSaysTheRange) {
  EXPECT_THAT(error_of(with_file("server.port = 70000\n")), HasSubstr("70000 is out of range (0 to 65535)"));
  EXPECT_THAT(error_of(with_file("server.idle_timeout = \"100h\"\n")),
              HasSubstr("100h is out of range (10ms to 24h)"));
  EXPECT_THAT(error_of(with_file("log.level = \"loud\"\n")), HasSubstr("'loud' is not one of trace, debug"));
  EXPECT_THAT(error_of(with_file("server.host = \"\"\n")), HasSubstr("must not be empty"));
}

TEST_F(Load, EnvironmentErrorsNameTheVariable) {
  Inputs in = inputs();
  in.environment["SOVEREIGN_SERVER_PORT"] = "many";
  EXPECT_EQ(error_of(in), "$SOVEREIGN_SERVER_PORT: server.port: 'many' is not an integer");
  in.environment = {{"SOVEREIGN_SERVER_PROT", "1"}};
  EXPECT_THAT(error_of(in),
              HasSubstr("$SOVEREIGN_SERVER_PROT: server.prot: unknown key; did you mean 'server.port'?"));
}

TEST_F(Load, OtherVariablesOfTheProgramAreNoSettings) {
  Inputs in = inputs();
  in.environment = {{"SOVEREIGN_SEVER_PORT", "1"}};
  EXPECT_THAT(error_of(in),
              HasSubstr("SOVEREIGN_SEVER_PORT: unknown variable; did you mean SOVEREIGN_SERVER_PORT?"));
  in.environment = {{"SOVEREIGN_SERVICE_HOST", "10.0.0.1"},
                    {"SOVEREIGN_PORT_8080_TCP", "tcp://10.0.0.1:8080"}};
  in.environment["SOVEREIGN_PORT"] = "tcp://10.0.0.1:8080";
  EXPECT_TRUE(load(in)) << "Kubernetes sets these";
  in.environment["SOVEREIGN_PORT"] = "9000";
  EXPECT_THAT(error_of(in), HasSubstr("SOVEREIGN_PORT: unknown variable; did you mean SOVEREIGN_"));
  EXPECT_THAT(error_of(in), HasSubstr("_PORT?"));
  in.environment.clear();
  in.environment["SOVEREIGN_API_KEY"] = "secret";
  in.environment["SOVEREIGN_TEST_MODEL"] = "/some/file";
  EXPECT_TRUE(load(in));
}

TEST_F(Load, FlagErrorsNameTheFlag) {
  Inputs in = inputs();
  in.flags.push_back({"engine.threads", "--threads", "-3"});
  EXPECT_EQ(error_of(in), "--threads: engine.threads: -3 is out of range (0 to 1024)");
}

TEST_F(Load, AllErrorsComeAtOnce) {
  Inputs in = with_file("[server]\nprot = 1\nhost = 2\n[log]\nlevel = \"loud\"\n");
  in.environment["SOVEREIGN_ENGINE_THREADS"] = "x";
  in.flags.push_back({"server.port", "--port", "-1"});
  const auto loaded = load(in);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().size(), 5U) << join_messages(loaded.error());
}

TEST_F(Load, AKeyPastedInPlaceOfItsHashIsNotRepeated) {
  const std::string message = error_of(with_file("server.api_key_hashes = [\"sk-very-secret\"]\n"));
  EXPECT_THAT(message, HasSubstr("entry 1 is not"));
  EXPECT_THAT(message, testing::Not(HasSubstr("sk-very-secret")));
}

TEST_F(Load, NumbersMayBeWrittenWithoutAPoint) {
  const auto loaded = load(with_file("[quality]\nmin_score = 1\n"));
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  EXPECT_EQ(loaded->settings.quality.gate.min_score, 1.0);
  EXPECT_THAT(error_of(with_file("[quality]\nmin_score = 1.5\n")),
              HasSubstr("1.5 is out of range (0.0 to 1.0)"));
  EXPECT_THAT(error_of(with_file("[quality]\nmin_score = \"high\"\n")), HasSubstr("must be a number"));
  EXPECT_THAT(error_of(with_file("[quality]\nmin_score = nan\n")), HasSubstr("out of range"));
}

TEST_F(Load, DimensionsAreChecked) {
  const auto loaded = load(with_file("[quality]\nmin_dimension = [\"truthfulness=0.5\", \"patience=1\"]\n"));
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  const auto& minimums = loaded->settings.quality.gate.min_dimension;
  EXPECT_EQ(minimums[static_cast<std::size_t>(omega::Dimension::truthfulness)], 0.5);
  EXPECT_EQ(minimums[static_cast<std::size_t>(omega::Dimension::patience)], 1.0);
  EXPECT_EQ(minimums[static_cast<std::size_t>(omega::Dimension::justice)], 0.0);
  for (const char* wrong : {"truth=0.5", "truthfulness", "truthfulness=2", "truthfulness=0.5x", "=1"}) {
    EXPECT_THAT(error_of(with_file(fmt::format("[quality]\nmin_dimension = [\"{}\"]\n", wrong))),
                HasSubstr("is not a dimension with a number"))
        << wrong;
  }
  EXPECT_THAT(error_of(with_file("[quality]\nrequired = [\"speed\"]\n")),
              HasSubstr("'speed' is not a dimension"));
}

TEST_F(Load, OriginsAreChecked) {
  EXPECT_TRUE(load(with_file("server.cors_origins = [\"*\"]\n")));
  EXPECT_THAT(error_of(with_file("server.cors_origins = [\"example.org\"]\n")), HasSubstr("not an origin"));
  EXPECT_THAT(error_of(with_file("server.cors_origins = [\"https://example.org/\"]\n")),
              HasSubstr("not an origin"));
}

TEST_F(Load, RelativePathsStartFromTheFilesFolder) {
  const Inputs in = with_file("model.path = \"models/a.gguf\"\nlog.file = \"../x.log\"\n");
  const auto loaded = load(in);
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  EXPECT_EQ(loaded->settings.model.path, (scratch_.path() / "models/a.gguf").string());
  EXPECT_EQ(loaded->settings.log.file, (scratch_.path().parent_path() / "x.log").string());
}

TEST_F(Load, AModelsNameStaysAName) {
  EXPECT_EQ(load(with_file("model.path = \"smollm2\"\n"))->settings.model.path, "smollm2");
}

TEST_F(Load, KeysThatContradictEachOther) {
  EXPECT_THAT(error_of(with_file("engine.context_tokens = 20000\n")), HasSubstr("engine.kv_cells = 16384"));
  EXPECT_THAT(error_of(with_file("engine.step_token_budget = 8\n")), HasSubstr("engine.max_sequences"));
  EXPECT_THAT(error_of(with_file("server.tls_key = \"/x\"\n")),
              HasSubstr("server.tls_certificate: is missing"));
  EXPECT_THAT(error_of(with_file("engine.max_sequences = 200\nengine.max_cached_prefixes = 200\n")),
              HasSubstr("at most 256"));
  EXPECT_THAT(error_of(with_file("routing.require_local = true\ncache.redis_url = \"redis://localhost\"\n")),
              HasSubstr("cache.redis_url"));
}

}  // namespace
}  // namespace sovereign::config
