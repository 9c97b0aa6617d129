#include "gateway/openai/preset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/url.h"

namespace sovereign::gateway {
namespace {

constexpr Dialect kPlain{};
constexpr Dialect kLmStudio{.top_k = "top_k", .repeat_penalty = "repeat_penalty", .always_said = true};
constexpr Dialect kOllama{.several_choices = false};
constexpr Dialect kVllm{.top_k = "top_k",
                        .top_k_off = -1,
                        .min_p = "min_p",
                        .repeat_penalty = "repetition_penalty",
                        .ignore_eos = "ignore_eos",
                        .template_arguments = "chat_template_kwargs",
                        .always_said = true};
constexpr Dialect kLlamaServer{.top_k = "top_k",
                               .top_k_off = 0,
                               .min_p = "min_p",
                               .typical_p = "typical_p",
                               .repeat_penalty = "repeat_penalty",
                               .repeat_last_n = "repeat_last_n",
                               .ignore_eos = "ignore_eos",
                               .grammar = "grammar",
                               .template_arguments = "chat_template_kwargs",
                               .unlimited_completions = true,
                               .always_said = true};

constexpr std::array kPresets = {
    PresetInfo{Preset::openai, "openai", "", Tier::pool, kPlain},
    PresetInfo{Preset::lmstudio, "lmstudio", "http://127.0.0.1:1234/v1", Tier::local, kLmStudio},
    PresetInfo{Preset::ollama, "ollama", "http://127.0.0.1:11434/v1", Tier::local, kOllama},
    PresetInfo{Preset::vllm, "vllm", "http://127.0.0.1:8000/v1", Tier::pool, kVllm},
    PresetInfo{Preset::sglang, "sglang", "http://127.0.0.1:30000/v1", Tier::pool, kVllm},
    PresetInfo{Preset::llama_server, "llama-server", "http://127.0.0.1:8080/v1", Tier::local, kLlamaServer},
};

// In the names of models that do not chat, as LM Studio, Ollama and their libraries have them.
constexpr std::array<std::string_view, 8> kOtherWork = {"embed",      "rerank",   "bge-",     "gte-",
                                                        "all-minilm", "e5-large", "e5-small", "whisper"};

}  // namespace

const PresetInfo& preset_info(Preset preset) {
  return *std::find_if(kPresets.begin(), kPresets.end(),
                       [&](const PresetInfo& info) { return info.preset == preset; });
}

const std::string& first_chat_model(const std::vector<std::string>& listed) {
  const auto may_chat = [](const std::string& name) {
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return std::none_of(kOtherWork.begin(), kOtherWork.end(),
                        [&](std::string_view word) { return lower.find(word) != std::string::npos; });
  };
  const auto found = std::find_if(listed.begin(), listed.end(), may_chat);
  return found != listed.end() ? *found : listed.front();
}

result<std::string> base_url(const RemoteConfig& config) {
  std::string text = config.url.empty() ? std::string(preset_info(config.preset).url) : config.url;
  if (text.empty()) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("backend '{}' needs a url: its preset has no default", config.name), "url");
  }
  const auto url = net::parse_url(text);
  if (!url) return fail(url.error());
  while (text.ends_with('/')) text.pop_back();
  if (url->target == "/") text += "/v1";
  return text;
}

}  // namespace sovereign::gateway
