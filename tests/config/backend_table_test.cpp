#include "config/backend_table.h"

#include <gmock/gmock.h>

#include "config/load.h"
#include "scratch.h"

namespace sovereign::config {
namespace {

using ::testing::HasSubstr;

class Backends : public ::testing::Test {
 protected:
  all_or_errors<Loaded> load_text(const std::string& text) {
    Inputs inputs;
    inputs.file = scratch_.write("sovereign.toml", text).string();
    return load(inputs);
  }
  std::string errors_of(const std::string& text) {
    const auto loaded = load_text(text);
    return loaded ? "(loaded)" : join_messages(loaded.error());
  }

  Scratch scratch_;
};

TEST_F(Backends, ComeFromTheFileInItsOrder) {
  const auto loaded = load_text(
      "[backends.rack]\npreset = \"vllm\"\nmodel = \"big\"\ntoken_timeout = \"5s\"\napi_key_file = \"key\"\n"
      "[backends.desk]\npreset = \"ollama\"\ntier = \"edge\"\naliases = [\"gpt-4\"]\n");
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  const auto& backends = loaded->settings.backends;
  ASSERT_EQ(backends.size(), 2U);
  EXPECT_EQ(backends[0].name, "rack");
  EXPECT_EQ(backends[0].preset, gateway::Preset::vllm);
  EXPECT_EQ(backends[0].model, "big");
  EXPECT_EQ(backends[0].token_timeout, std::chrono::seconds(5));
  EXPECT_EQ(backends[0].api_key_file, (scratch_.path() / "key").string()) << "from the file's folder";
  EXPECT_EQ(backends[1].tier, gateway::Tier::edge);
  EXPECT_EQ(backends[1].aliases, std::vector<std::string>{"gpt-4"});
  EXPECT_EQ(backends[1].max_concurrency, gateway::RemoteConfig{}.max_concurrency);
}

TEST_F(Backends, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"vllm\"\nmodle = \"x\"\n"),
              HasSubstr("toml:3: backends.a.modle: unknown key; did you mean 'backends.a.model'?"));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"gpt\"\n"), HasSubstr("not one of openai, lmstudio"));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"openai\"\n"), HasSubstr("backends.a.url: is missing"));
  EXPECT_THAT(errors_of("[backends.pool]\npreset = \"vllm\"\n"), HasSubstr("means a tier"));
  EXPECT_THAT(errors_of("[backends.\"a b\"]\npreset = \"vllm\"\n"), HasSubstr("may hold letters"));
  EXPECT_THAT(errors_of("[backends.a]\nurl = \"rack:8000\"\n"), HasSubstr("is not an address"));
  EXPECT_THAT(errors_of("[routing]\nlocal_from = 80\n"), HasSubstr("more than routing.pool_from"));
  EXPECT_THAT(errors_of("[routing]\nedge_fallback = [\"moon\"]\n"), HasSubstr("edge, local, pool"));
}

TEST_F(Backends, BatchesNeedATemplateThatIsKnown) {
  const auto loaded = load_text(
      "[backends.a]\npreset = \"vllm\"\nbatch_size = 8\nbatch_wait = \"20ms\"\nbatch_template = "
      "\"llama3\"\n");
  ASSERT_TRUE(loaded) << join_messages(loaded.error());
  EXPECT_EQ(loaded->settings.backends[0].batch_size, 8U);
  EXPECT_EQ(loaded->settings.backends[0].batch_wait, std::chrono::milliseconds(20));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"vllm\"\nbatch_size = 8\n"),
              HasSubstr("backends.a.batch_template: is missing"));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"vllm\"\nbatch_template = \"chatgpt\"\n"),
              HasSubstr("toml:3: backends.a.batch_template: 'chatgpt' is not one of"));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"vllm\"\nbatch_size = 0\n"), HasSubstr("toml:3"));
  EXPECT_THAT(errors_of("[backends.a]\npreset = \"vllm\"\nbatch_size = 65\n"), HasSubstr("toml:3"));
}

TEST_F(Backends, CredentialsInAnAddressAreRefusedAndNotRepeated) {
  const auto errors = errors_of("[backends.a]\nurl = \"https://me:s3cret@rack/v1\"\n");
  EXPECT_THAT(errors, HasSubstr("api_key_env"));
  EXPECT_THAT(errors, ::testing::Not(HasSubstr("s3cret")));
}

TEST_F(Backends, TheEnvironmentHasNoNamesForThem) {
  Inputs inputs;
  inputs.environment["SOVEREIGN_BACKENDS_A_URL"] = "http://a";
  const auto loaded = load(inputs);
  ASSERT_FALSE(loaded);
  EXPECT_THAT(join_messages(loaded.error()), HasSubstr("configuration file only"));
}

}  // namespace
}  // namespace sovereign::config
