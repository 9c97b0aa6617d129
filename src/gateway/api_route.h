// The routes of OpenAI's API that backends may have.
#pragma once

#include <cstddef>
#include <string_view>

namespace sovereign::gateway {

enum class ApiRoute { chat, completions, embeddings };
inline constexpr std::size_t kApiRoutes = 3;

// Behind a backend's base address.
constexpr std::string_view path_of(ApiRoute route) {
  switch (route) {
    case ApiRoute::chat: return "/chat/completions";
    case ApiRoute::completions: return "/completions";
    case ApiRoute::embeddings: return "/embeddings";
  }
  return "/chat/completions";
}

// A failure's reason: the server answers, and has no such route (or says that it cannot serve it).
inline constexpr std::string_view kRouteMissing = "route_not_supported";

}  // namespace sovereign::gateway
