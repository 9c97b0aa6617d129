// A request that a server elsewhere is asked in its client's own words: a text completion, embeddings.
#pragma once

#include <string>

#include "gateway/api_route.h"

namespace sovereign::gateway {

// Immutable once asked; shared by all who are asked in turn.
struct Relay {
  ApiRoute route = ApiRoute::completions;
  // The body's JSON without its "model", which is each server's own: from the comma or brace behind that on.
  std::string rest;
  bool stream = false;  // the answer is wanted as events
};

}  // namespace sovereign::gateway
