#include "engine/gguf_file.h"

#include <fmt/format.h>
#include <gguf.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <system_error>

#include "engine/llama_log.h"

namespace sovereign::engine {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPreambleBytes = 24;  // magic, version, tensor count, key count
constexpr std::uint32_t kOldestVersion = 2;

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
struct GgufFreer {
  void operator()(gguf_context* gguf) const { gguf_free(gguf); }
};
using Gguf = std::unique_ptr<gguf_context, GgufFreer>;

tl::unexpected<Error> bad_file(ErrorCode code, const fs::path& path, std::string_view what) {
  return fail(code, fmt::format("model file {} {}", path.string(), what), path.string());
}

// Size of a file that exists, can be read and begins like a GGUF of a version that we know.
result<std::uint64_t> check_preamble(const fs::path& path) {
  std::error_code ec;
  const fs::file_status status = fs::status(path, ec);
  if (status.type() == fs::file_type::not_found) {
    return bad_file(ErrorCode::not_found, path, "does not exist");
  }
  if (status.type() == fs::file_type::directory) {
    return bad_file(ErrorCode::invalid_argument, path, "is a directory: name the .gguf file in it");
  }
  const std::unique_ptr<std::FILE, FileCloser> file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    const int why = errno;
    const bool denied = why == EACCES || why == EPERM;
    return bad_file(denied ? ErrorCode::permission_denied : ErrorCode::internal, path,
                    fmt::format("cannot be opened: {}", std::generic_category().message(why)));
  }
  const std::uint64_t size = fs::file_size(path, ec);
  if (ec) return bad_file(ErrorCode::invalid_argument, path, "is not a regular file");
  if (size == 0) return bad_file(ErrorCode::corrupt, path, "is empty");

  std::array<unsigned char, kPreambleBytes> preamble{};
  const std::size_t got = std::fread(preamble.data(), 1, preamble.size(), file.get());
  if (got < 4 || std::memcmp(preamble.data(), "GGUF", 4) != 0) {
    return bad_file(ErrorCode::corrupt, path, "is not a GGUF: it does not begin with that word");
  }
  if (got < preamble.size()) {
    return bad_file(ErrorCode::corrupt, path, fmt::format("is cut short: {} bytes, not even a header", size));
  }
  std::uint32_t version = 0;
  std::memcpy(&version, &preamble[4], sizeof version);
  if ((version & 0xFFFFU) == 0) {
    return bad_file(ErrorCode::unsupported, path, "is a GGUF in the other byte order");
  }
  if (version < kOldestVersion || version > GGUF_VERSION) {
    return bad_file(
        ErrorCode::unsupported, path,
        fmt::format("is GGUF version {}; this build reads {} to {}", version, kOldestVersion, GGUF_VERSION));
  }
  return size;
}

std::optional<std::int64_t> find(const gguf_context* gguf, const std::string& key, gguf_type type) {
  const std::int64_t id = gguf_find_key(gguf, key.c_str());
  if (id < 0 || gguf_get_kv_type(gguf, id) != type) return std::nullopt;
  return id;
}

std::string text(const gguf_context* gguf, const std::string& key) {
  const auto id = find(gguf, key, GGUF_TYPE_STRING);
  return id ? gguf_get_val_str(gguf, *id) : std::string();
}

std::uint32_t number(const gguf_context* gguf, const std::string& key) {
  if (const auto id = find(gguf, key, GGUF_TYPE_UINT32)) return gguf_get_val_u32(gguf, *id);
  if (const auto id = find(gguf, key, GGUF_TYPE_INT32)) {
    return static_cast<std::uint32_t>(std::max(0, gguf_get_val_i32(gguf, *id)));
  }
  if (const auto id = find(gguf, key, GGUF_TYPE_UINT16)) return gguf_get_val_u16(gguf, *id);
  return 0;
}

std::string parameters_text(std::uint64_t parameters) {
  const auto count = static_cast<double>(parameters);
  return count < 1e9 ? fmt::format("{:.0f}M", count / 1e6) : fmt::format("{:.1f}B", count / 1e9);
}

ModelInfo describe(const gguf_context* gguf, const fs::path& path) {
  ModelInfo info;
  info.architecture = text(gguf, "general.architecture");
  const std::string prefix = info.architecture + ".";
  info.name = text(gguf, "general.name");
  if (info.name.empty()) info.name = path.stem().string();
  // llama.cpp puts brackets with a remark around a type that it only guesses.
  if (gguf_find_key(gguf, "general.file_type") >= 0) {
    info.quantization = llama_ftype_name(static_cast<llama_ftype>(number(gguf, "general.file_type")));
  }
  for (std::int64_t i = 0; i < gguf_get_n_tensors(gguf); ++i) {
    info.bytes += gguf_get_tensor_size(gguf, i);
    const std::int64_t* sizes = gguf_get_tensor_ne(gguf, i);
    std::uint64_t elements = 1;
    for (int d = 0; d < GGML_MAX_DIMS; ++d) elements *= static_cast<std::uint64_t>(sizes[d]);
    info.parameters += elements;
  }
  info.train_context_tokens = number(gguf, prefix + "context_length");
  info.embedding_size = number(gguf, prefix + "embedding_length");
  info.layers = number(gguf, prefix + "block_count");
  const std::uint32_t heads = std::max(1U, number(gguf, prefix + "attention.head_count"));
  // Some models list the heads of each layer; all of them bound that.
  const std::uint32_t kv_heads = number(gguf, prefix + "attention.head_count_kv");
  const auto width = [&](const char* of) {
    const std::uint32_t given = number(gguf, prefix + of);
    return std::uint64_t{given != 0 ? given : info.embedding_size / heads};
  };
  constexpr std::uint64_t kHalf = 2;  // bytes
  info.kv_bytes_per_token = kHalf * info.layers * (kv_heads != 0 ? kv_heads : heads) *
                            (width("attention.key_length") + width("attention.value_length"));
  if (const auto tokens = find(gguf, "tokenizer.ggml.tokens", GGUF_TYPE_ARRAY)) {
    info.vocabulary_size = static_cast<std::uint32_t>(gguf_get_arr_n(gguf, *tokens));
  }
  info.has_chat_template = !text(gguf, "tokenizer.chat_template").empty();
  const std::uint32_t pooling = number(gguf, prefix + "pooling_type");
  info.can_embed = pooling != LLAMA_POOLING_TYPE_NONE && pooling != LLAMA_POOLING_TYPE_RANK;
  const auto causal = find(gguf, prefix + "attention.causal", GGUF_TYPE_BOOL);
  info.can_generate = info.architecture != "t5encoder" && (!causal || gguf_get_val_bool(gguf, *causal));
  info.can_share_prefix = gguf_find_key(gguf, (prefix + "ssm.state_size").c_str()) < 0 &&
                          gguf_find_key(gguf, (prefix + "wkv.head_size").c_str()) < 0;
  info.description =
      fmt::format("{} {} {}", info.architecture, parameters_text(info.parameters), info.quantization);
  return info;
}

}  // namespace

result<ModelInfo> read_gguf_info(const fs::path& path) {
  start_llama();
  const auto size = check_preamble(path);
  if (!size) return fail(size.error());
  try {
    const Gguf gguf(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = nullptr}));
    if (!gguf) {
      return bad_file(ErrorCode::corrupt, path,
                      fmt::format("has a damaged or incomplete header ({} bytes); fetch it again", *size));
    }
    std::uint64_t needed = gguf_get_data_offset(gguf.get());
    for (std::int64_t i = 0; i < gguf_get_n_tensors(gguf.get()); ++i) {
      needed = std::max(needed, gguf_get_data_offset(gguf.get()) + gguf_get_tensor_offset(gguf.get(), i) +
                                    gguf_get_tensor_size(gguf.get(), i));
    }
    if (*size < needed) {
      return bad_file(ErrorCode::corrupt, path,
                      fmt::format("is cut short: {} of {} bytes; fetch it again", *size, needed));
    }
    // llama.cpp would load the other parts too, which no digest, estimate or release of pages here sees.
    if (const std::uint32_t parts = number(gguf.get(), "split.count"); parts > 1) {
      return bad_file(
          ErrorCode::unsupported, path,
          fmt::format("is one of {} parts of a model (its key split.count says so); make one file of "
                      "them: llama-gguf-split --merge FIRST_PART MODEL.gguf",
                      parts));
    }
    ModelInfo info = describe(gguf.get(), path);
    if (info.architecture.empty() || gguf_get_n_tensors(gguf.get()) == 0) {
      return bad_file(ErrorCode::unsupported, path, "is a GGUF without a model in it");
    }
    return info;
  } catch (const std::exception& error) {
    return bad_file(ErrorCode::corrupt, path, fmt::format("cannot be read: {}", error.what()));
  }
}

}  // namespace sovereign::engine
