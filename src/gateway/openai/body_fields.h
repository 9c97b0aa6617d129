// What the bodies of requests to OpenAI's API have in common. Pure.
#pragma once

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/sampling_params.h"
#include "gateway/openai/preset.h"

namespace sovereign::gateway {

// A JSON object but for its beginning, which is put in front later.
class BodyFields {
 public:
  void text(std::string_view name, std::string_view value);
  void value(std::string_view name, const boost::json::value& value);
  // `value` is JSON already.
  void raw(std::string_view name, std::string_view value);
  std::string take() { return std::move(out_) + '}'; }

 private:
  std::string out_;
};

// `max_tokens` 0: none.
void add_limits(std::uint32_t max_tokens, const std::vector<std::string>& stop, BodyFields& body);
void add_sampling(const engine::SamplingParams& sampling, bool ignore_eos, const Dialect& dialect,
                  BodyFields& body);
// The answer is asked for as a stream, with usage.
void add_streaming(BodyFields& body);

// With the model's name, which may become known later, in front.
std::string complete_body(std::string_view model, std::string_view rest);

}  // namespace sovereign::gateway
