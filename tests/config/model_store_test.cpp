#include "config/model_store.h"

#include <gmock/gmock.h>

#include "config/default_model.h"
#include "scratch.h"

namespace sovereign::config {
namespace {

TEST(ModelStore, IsUnderTheCacheDirectory) {
  EXPECT_EQ(ModelStore::of({{"XDG_CACHE_HOME", "/c"}, {"HOME", "/h"}}).folder(), "/c/sovereign/models");
  EXPECT_EQ(ModelStore::of({{"HOME", "/h"}}).folder(), "/h/.cache/sovereign/models");
  EXPECT_EQ(ModelStore::of({{"XDG_CACHE_HOME", "relative"}, {"HOME", "/h"}}).folder(),
            "/h/.cache/sovereign/models");
  EXPECT_EQ(ModelStore::of({}).folder(), "/var/cache/sovereign/models");
}

TEST(ModelStore, ListsGgufFilesByName) {
  const Scratch scratch;
  scratch.write("b.gguf", "12345");
  scratch.write("a.Q4_0.gguf", "1");
  scratch.write("notes.txt", "1");
  std::filesystem::create_directory(scratch.path() / "folder.gguf");
  const auto models = ModelStore(scratch.path()).list();
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0].name, "a.Q4_0");
  EXPECT_EQ(models[1].name, "b");
  EXPECT_EQ(models[1].bytes, 5U);
}

TEST(ModelStore, AMissingFolderHasNone) { EXPECT_TRUE(ModelStore("/nowhere/at/all").list().empty()); }

TEST(ModelStore, ResolvesNamesAndPaths) {
  const Scratch scratch;
  const auto file = scratch.write("b.gguf", "1");
  const ModelStore store(scratch.path());
  EXPECT_EQ(store.resolve("b").value(), file);
  EXPECT_EQ(store.resolve("b.gguf").value(), file);
  EXPECT_EQ(store.resolve(file.string()).value(), file);
}

TEST(ModelStore, SaysWhatToDoWhenThereIsNone) {
  const Scratch scratch;
  const ModelStore store(scratch.path());
  EXPECT_THAT(store.resolve("").error().message, testing::HasSubstr("sovereign model fetch"));
  EXPECT_THAT(store.resolve("c").error().message, testing::HasSubstr("sovereign model list"));
  EXPECT_THAT(store.resolve("./c.gguf").error().message, testing::HasSubstr("no model file at ./c.gguf"));
  EXPECT_EQ(store.resolve("").error().code, ErrorCode::not_found);
}

TEST(ModelStore, EmptyMeansTheDefaultModel) {
  const Scratch scratch;
  const auto file = scratch.write(std::string(default_model().file_name()), "1");
  EXPECT_EQ(ModelStore(scratch.path()).resolve("").value(), file);
}

TEST(DefaultModel, IsPinned) {
  EXPECT_EQ(default_model().sha256.size(), 64U);
  EXPECT_EQ(default_model().package_sha256.size(), 64U);
  EXPECT_TRUE(default_model().file_name().ends_with(".gguf"));
}

}  // namespace
}  // namespace sovereign::config
