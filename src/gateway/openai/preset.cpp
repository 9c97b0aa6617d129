#include "gateway/openai/preset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "net/url.h"

namespace sovereign::gateway {
namespace {

constexpr Dialect kPlain{};
constexpr Dialect kLmStudio{.top_k = "top_k", .repeat_penalty = "repeat_penalty"};
constexpr Dialect kOllama{.several_choices = false};
constexpr Dialect kVllm{.top_k = "top_k",
                        .min_p = "min_p",
                        .repeat_penalty = "repetition_penalty",
                        .ignore_eos = "ignore_eos",
                        .template_arguments = "chat_template_kwargs"};
constexpr Dialect kLlamaServer{.top_k = "top_k",
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

}  // namespace

const PresetInfo& preset_info(Preset preset) {
  return *std::find_if(kPresets.begin(), kPresets.end(),
                       [&](const PresetInfo& info) { return info.preset == preset; });
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
