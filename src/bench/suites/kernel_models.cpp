#include "bench/suites/kernel_models.h"

#include <fmt/format.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace sovereign::bench {
namespace {

namespace fs = std::filesystem;

struct Free {
  void operator()(ggml_context* context) const { ggml_free(context); }
  void operator()(gguf_context* context) const { gguf_free(context); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr std::uint32_t kHeadInputs = 64;
// Rows that are drawn and quantized; longer matrices repeat them.
constexpr std::int64_t kDistinctRows = 256;
constexpr std::int64_t kDistinctRowsOfLarge = 32;
constexpr std::uint32_t kLargeWidth = 2048;

result<fs::path> put_in_place(const fs::path& part, const fs::path& to) {
  std::error_code ec;
  fs::rename(part, to, ec);
  if (ec) return fail(ErrorCode::internal, fmt::format("cannot write {}: {}", to.string(), ec.message()));
  return to;
}

result<ggml_type> k_type(const std::string& name) {
  for (const ggml_type type : {GGML_TYPE_Q4_K, GGML_TYPE_Q5_K, GGML_TYPE_Q6_K}) {
    std::string known = ggml_type_name(type);
    std::transform(known.begin(), known.end(), known.begin(), [](char c) { return c == 'q' ? 'Q' : c; });
    if (known == name) return type;
  }
  return fail(ErrorCode::invalid_argument, fmt::format("{} is not a K type", name), "type");
}

class MadeUpFile {
 public:
  MadeUpFile(gguf_context* like, const MadeUpShape& shape, ggml_type type, std::int64_t vocabulary)
      : shape_(shape),
        type_(type),
        vocabulary_(vocabulary),
        file_(gguf_init_empty()),
        tensors_(ggml_init({(16 + shape.layers * 16) * ggml_tensor_overhead(), nullptr, true})) {
    gguf_set_kv(file_.get(), like);
    gguf_set_val_str(file_.get(), "general.name", "made up");
    const auto set = [this](const char* key, std::uint32_t value) {
      gguf_set_val_u32(file_.get(), key, value);
    };
    set("llama.block_count", shape.layers);
    set("llama.embedding_length", shape.width);
    set("llama.feed_forward_length", shape.inner);
    set("llama.attention.head_count", shape.heads);
    set("llama.attention.head_count_kv", shape.key_heads);
    set("llama.rope.dimension_count", kHeadInputs);
  }

  bool write(const fs::path& path) {
    const std::int64_t width = shape_.width;
    const std::int64_t keys = std::int64_t{shape_.key_heads} * kHeadInputs;
    matrix("token_embd.weight", GGML_TYPE_Q6_K, width, vocabulary_);
    ones("output_norm.weight", width);
    for (std::uint32_t layer = 0; layer < shape_.layers; ++layer) {
      const auto name = [layer](const char* part) { return fmt::format("blk.{}.{}.weight", layer, part); };
      ones(name("attn_norm"), width);
      matrix(name("attn_q"), type_, width, width);
      matrix(name("attn_k"), type_, width, keys);
      matrix(name("attn_v"), type_, width, keys);
      matrix(name("attn_output"), type_, width, width);
      ones(name("ffn_norm"), width);
      matrix(name("ffn_gate"), type_, width, shape_.inner);
      matrix(name("ffn_up"), type_, width, shape_.inner);
      matrix(name("ffn_down"), type_, shape_.inner, width);
    }
    return gguf_write_to_file(file_.get(), path.c_str(), false);
  }

 private:
  void add(const std::string& name, ggml_tensor* tensor, std::vector<std::byte> bytes) {
    ggml_set_name(tensor, name.c_str());
    data_.push_back(std::move(bytes));
    tensor->data = data_.back().data();
    gguf_add_tensor(file_.get(), tensor);
  }

  void ones(const std::string& name, std::int64_t count) {
    const std::vector<float> values(static_cast<std::size_t>(count), 1.0F);
    const auto* bytes = reinterpret_cast<const std::byte*>(values.data());
    add(name, ggml_new_tensor_1d(tensors_.get(), GGML_TYPE_F32, count),
        {bytes, bytes + values.size() * sizeof(float)});
  }

  void matrix(const std::string& name, ggml_type type, std::int64_t inputs, std::int64_t rows) {
    const std::int64_t drawn =
        std::min(rows, shape_.width < kLargeWidth ? kDistinctRows : kDistinctRowsOfLarge);
    // Outputs as large as inputs.
    std::normal_distribution<float> normal(0, 1 / std::sqrt(static_cast<float>(inputs)));
    std::vector<float> weights(static_cast<std::size_t>(inputs * drawn));
    for (float& weight : weights) weight = normal(random_);
    const std::size_t row = ggml_row_size(type, inputs);
    std::vector<std::byte> bytes(row * static_cast<std::size_t>(rows));
    ggml_quantize_chunk(type, weights.data(), bytes.data(), 0, drawn, inputs, nullptr);
    for (std::int64_t at = drawn; at < rows; at += drawn) {
      const auto count = static_cast<std::size_t>(std::min(drawn, rows - at));
      std::copy_n(bytes.data(), row * count, bytes.data() + row * static_cast<std::size_t>(at));
    }
    add(name, ggml_new_tensor_2d(tensors_.get(), type, inputs, rows), std::move(bytes));
  }

  const MadeUpShape shape_;
  const ggml_type type_;
  const std::int64_t vocabulary_;
  std::mt19937_64 random_{1};
  Owned<gguf_context> file_;
  Owned<ggml_context> tensors_;
  std::vector<std::vector<std::byte>> data_;
};

}  // namespace

std::uint64_t MadeUpShape::parameters(std::uint32_t vocabulary) const {
  const std::uint64_t keys = std::uint64_t{key_heads} * kHeadInputs;
  const std::uint64_t layer = width * (2 * std::uint64_t{width} + 2 * keys + 3 * std::uint64_t{inner});
  return layers * layer + std::uint64_t{vocabulary} * width;
}

result<fs::path> requantized(const fs::path& from, const fs::path& folder, const std::string& type) {
  std::error_code ec;
  const auto bytes = fs::file_size(from, ec);
  if (ec) return fail(ErrorCode::not_found, fmt::format("cannot read {}", from.string()), from.string());
  fs::path to = folder / fmt::format("{}-{}-{}.gguf", from.stem().string(), bytes, type);
  if (fs::exists(to, ec)) return to;
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  llama_model_quantize_params params = llama_model_quantize_default_params();
  params.ftype = type == "Q8_0" ? LLAMA_FTYPE_MOSTLY_Q8_0 : LLAMA_FTYPE_MOSTLY_Q4_0;
  params.allow_requantize = true;
  const fs::path part = to.string() + ".part";
  if (llama_model_quantize(from.c_str(), part.c_str(), &params) != 0) {
    return fail(ErrorCode::unsupported,
                fmt::format("llama.cpp cannot quantize {} to {}", from.string(), type));
  }
  return put_in_place(part, to);
}

result<fs::path> made_up_model(const fs::path& like, const fs::path& folder, const std::string& type,
                               const MadeUpShape& shape) {
  const auto quantized = k_type(type);
  if (!quantized) return fail(quantized.error());
  std::error_code ec;
  fs::path to = folder / fmt::format("made-up-{}x{}-{}.gguf", shape.layers, shape.width, type);
  if (fs::exists(to, ec)) return to;
  const Owned<gguf_context> model(gguf_init_from_file(like.c_str(), {true, nullptr}));
  if (model == nullptr)
    return fail(ErrorCode::unsupported, fmt::format("{} is not a GGUF file", like.string()), like.string());
  const auto tokens = gguf_find_key(model.get(), "tokenizer.ggml.tokens");
  if (tokens < 0)
    return fail(ErrorCode::unsupported, fmt::format("{} has no vocabulary", like.string()), like.string());
  const auto vocabulary = static_cast<std::int64_t>(gguf_get_arr_n(model.get(), tokens));
  const fs::path part = to.string() + ".part";
  if (!MadeUpFile(model.get(), shape, *quantized, vocabulary).write(part))
    return fail(ErrorCode::internal, fmt::format("cannot write {}", part.string()), part.string());
  return put_in_place(part, to);
}

}  // namespace sovereign::bench
