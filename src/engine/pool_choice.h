// Which engine of a pool takes a request: a pure decision.
//
// The one with the least to do; among those that have about as little, the one that this prompt's beginning
// prefers (rendezvous hashing), whose KV cache may hold it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/token.h"

namespace sovereign::engine {

// Of a prompt's beginning; none for prompts too short to be worth finding again.
std::optional<std::uint64_t> beginning_of(std::span<const Token> prompt);

// `running`: choices that each engine has, of at most `capacity`. None: the request's `choices` fit nowhere,
// and wait. An engine with nothing to do takes any number.
std::optional<std::size_t> choose_engine(std::span<const std::uint32_t> running, std::uint32_t capacity,
                                         std::uint32_t choices, std::optional<std::uint64_t> beginning);

}  // namespace sovereign::engine
