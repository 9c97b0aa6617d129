#include "engine/llama_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <llama.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/test_model.h"
#include "kernels/ggml_weights.h"
#include "support/resident_file_bytes.h"
#include "support/temporary_folder.h"

namespace sovereign::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class LlamaModelFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "llama_model_test_XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& content) const {
    std::ofstream(folder_ / "model.gguf", std::ios::binary) << content;
    return folder_ / "model.gguf";
  }
  // The real model's first bytes.
  fs::path cut_model(std::uint64_t bytes) const {
    std::string content(bytes, '\0');
    std::ifstream(test_model_path(), std::ios::binary)
        .read(content.data(), static_cast<std::streamsize>(bytes));
    return write(content);
  }
  static void expect_refused(const fs::path& path, ErrorCode code, const std::string& words) {
    const auto model = LlamaModel::load(path, 0);
    ASSERT_FALSE(model.has_value());
    EXPECT_EQ(model.error().code, code) << model.error().message;
    EXPECT_THAT(model.error().message, HasSubstr(words));
    EXPECT_THAT(model.error().message, HasSubstr(path.string()));
    EXPECT_EQ(model.error().where, path.string());
    EXPECT_FALSE(LlamaModel::inspect(path).has_value());
  }

  fs::path folder_;
};

TEST_F(LlamaModelFileTest, SaysWhatIsWrongWithAFile) {
  expect_refused(folder_ / "none.gguf", ErrorCode::not_found, "does not exist");
  expect_refused(folder_, ErrorCode::invalid_argument, "is a directory");
  expect_refused(write(""), ErrorCode::corrupt, "is empty");
  expect_refused(write("GGU"), ErrorCode::corrupt, "is not a GGUF");
  expect_refused(write(std::string(5000, 'x')), ErrorCode::corrupt, "is not a GGUF");
  expect_refused(write("GGUF"), ErrorCode::corrupt, "is cut short");
  expect_refused(write(std::string("GGUF\x63\0\0\0", 8) + std::string(64, '\0')), ErrorCode::unsupported,
                 "version 99");
  expect_refused(write(std::string("GGUF\0\0\0\x03", 8) + std::string(64, '\0')), ErrorCode::unsupported,
                 "byte order");
  expect_refused(write(std::string("GGUF\x03\0\0\0", 8) + std::string(64, '\xFF')), ErrorCode::corrupt,
                 "damaged");
}

TEST_F(LlamaModelFileTest, TellsHowMuchOfACutFileIsThere) {
  const std::uint64_t whole = fs::file_size(test_model_path());
  expect_refused(cut_model(40'000'000), ErrorCode::corrupt, "is cut short: 40000000 of ");
  expect_refused(cut_model(whole - 1000), ErrorCode::corrupt, "is cut short");
  expect_refused(cut_model(10'000), ErrorCode::corrupt, "incomplete header (10000 bytes)");
}

TEST(LlamaModelTest, InspectSaysTheSameAsLoad) {
  const auto info = LlamaModel::inspect(test_model_path());
  ASSERT_TRUE(info.has_value()) << info.error().message;
  const ModelInfo& loaded = test_model()->info();
  EXPECT_EQ(info->architecture, "llama");
  EXPECT_EQ(info->quantization, "Q4_1");
  EXPECT_EQ(info->vocabulary_size, 49152U);
  EXPECT_EQ(info->layers, 30U);
  EXPECT_EQ(info->embedding_size, 576U);
  EXPECT_GT(info->parameters, 130'000'000U);
  EXPECT_GT(info->train_context_tokens, 0U);
  EXPECT_TRUE(info->has_chat_template);
  EXPECT_TRUE(info->can_generate);
  EXPECT_FALSE(info->can_embed);
  EXPECT_TRUE(info->can_share_prefix);
  EXPECT_EQ(loaded.name, info->name);
  EXPECT_EQ(loaded.description, info->description);
  EXPECT_EQ(loaded.parameters, info->parameters);
  EXPECT_EQ(loaded.vocabulary_size, info->vocabulary_size);
}

// Weights in panels are copies: that the file's pages are given back keeps memory from doubling.
TEST(LlamaModelTest, WithOurKernelsWeightsAreInMemoryOnce) {
  if (kernels::fast_kernels() == nullptr || !kernels::can_offer()) GTEST_SKIP() << "no panels";
  // Of its own: other tests have the file mapped.
  const sovereign::testing::TemporaryFolder folder;
  const std::string file = folder.file("model.gguf");
  std::filesystem::copy_file(test_model_path(), file);
  const std::size_t whole = std::filesystem::file_size(file);
  const std::size_t before = kernels::panel_bytes_in_use();
  const auto ours = LlamaModel::load(file, 0);
  ASSERT_TRUE(ours) << ours.error().message;
  EXPECT_GT(kernels::panel_bytes_in_use() - before, whole / 2);
  EXPECT_LT(sovereign::testing::resident_file_bytes(file), whole / 10);
  const auto stock = LlamaModel::load(file, 0, Kernels::stock);
  ASSERT_TRUE(stock) << stock.error().message;
  EXPECT_GT(sovereign::testing::resident_file_bytes(file), whole / 2);
}

TEST(LlamaModelTest, PiecesOfATextMakeTheText) {
  const auto model = test_model();
  for (const std::string text :
       {"", "Hello, world!", " leading and trailing ", "a\n\n\tb", "naïve Ελλάς 日本 😀", "<|im_start|>"}) {
    std::string joined;
    for (const Token token : model->tokenize(text, false, false)) joined += model->piece(token, false);
    EXPECT_EQ(joined, text);
  }
}

TEST(LlamaModelTest, InvalidUtf8IsReplacedNotRefused) {
  const auto model = test_model();
  EXPECT_EQ(model->tokenize("a\xFF"
                            "b",
                            false, false),
            model->tokenize("a\xEF\xBF\xBD"
                            "b",
                            false, false));
}

// The default model's vocabulary with another one's split into words, for which llama.cpp has only
// std::regex.
std::shared_ptr<const LlamaModel> vocabulary_split_by_regex(
    const sovereign::testing::TemporaryFolder& folder) {
  const std::string file = folder.file("tekken.gguf");
  fs::copy_file(test_model_path(), file);
  std::fstream model(file, std::ios::binary | std::ios::in | std::ios::out);
  std::string header(100'000, '\0');
  model.read(header.data(), static_cast<std::streamsize>(header.size()));
  const std::size_t at = header.find("smollm", header.find("tokenizer.ggml.pre"));
  if (at == std::string::npos) throw std::runtime_error("the default model is another than this test knows");
  model.seekp(static_cast<std::streamoff>(at));
  model << "tekken" << std::flush;
  auto loaded = LlamaModel::load_vocabulary(file);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  return *loaded;
}

// llama.cpp's split calls itself for each character of a word: 40,000 letters ended the program.
TEST(LlamaModelTest, AWordOfAnyLengthIsTokenized) {
#if defined(__SANITIZE_THREAD__)
  constexpr std::size_t kBytes = 10'000;  // that sanitizer ends a program whose stack holds 65,536 calls
#else
  constexpr std::size_t kBytes = 300'000;
#endif
  const sovereign::testing::TemporaryFolder folder;
  const auto model = vocabulary_split_by_regex(folder);
  for (const std::string unit : {"a", "日", " ", "Ab", "+"}) {
    std::string text;
    while (text.size() < kBytes) text += unit;
    std::string joined;
    std::thread([&] {  // as in the server: not on the first thread, whose stack may grow
      for (const Token token : model->tokenize(text, false, false)) joined += model->piece(token, false);
    })
        .join();
    EXPECT_TRUE(joined == text) << "'" << unit << "' again and again";
  }
}

TEST(LlamaModelTest, AWordThatFitsAStackOfItsOwnIsTokenizedAsEver) {
  const sovereign::testing::TemporaryFolder folder;
  const auto model = vocabulary_split_by_regex(folder);
  const std::string text = "before " + std::string(5000, 'x') + " after";
  std::vector<Token> expected(text.size());
  const auto count = llama_tokenize(model->vocab(), text.data(), static_cast<std::int32_t>(text.size()),
                                    expected.data(), static_cast<std::int32_t>(expected.size()), true, true);
  ASSERT_GT(count, 0);
  expected.resize(static_cast<std::size_t>(count));
  EXPECT_EQ(model->tokenize(text, true, true), expected);
}

TEST(LlamaModelTest, ControlTokensComeFromTextOnlyWhenAsked) {
  const auto model = test_model();
  const auto special = model->tokenize("<|im_end|>", false, true);
  ASSERT_EQ(special.size(), 1U);
  EXPECT_GT(model->tokenize("<|im_end|>", false, false).size(), 1U);
  EXPECT_EQ(model->piece(special[0], false), "");
  EXPECT_EQ(model->piece(special[0], true), "<|im_end|>");
  EXPECT_TRUE(model->is_end_of_generation(special[0]));
  EXPECT_TRUE(model->is_end_of_generation(model->end_of_generation()));
  EXPECT_EQ(model->piece(-1, true), "");
  EXPECT_EQ(model->piece(49152, true), "");
}

TEST(LlamaModelTest, IsSafeFromManyThreads) {
  const auto model = test_model();
  const auto expected = model->tokenize("The same from every thread.", true, true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        EXPECT_EQ(model->tokenize("The same from every thread.", true, true), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace sovereign::engine
