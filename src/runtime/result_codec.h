// A result as the value of a cache entry: what was answered, without whom, when and how fast.
//
//   value   := "SVA" version:u8  section*
//   section := tag:u8 size:u32 body      (little-endian; a reader passes over tags that it does not know)
//   tag 1   choice: finish:u8 content reasoning_content calls:u32 (id name arguments)*
//   tag 2   usage: prompt:u64 completion:u64 cached:u64 prompt_ms:f64 predicted_ms:f64 reasoning:u64
//   tag 3   log-probabilities of the choice before it: tokens:u32 (chosen top:u32 candidate*)*
//   tag 4   quality of the choice before it (note_codec.h)
//   tag 5   seed:u32
//   tag 6   reasoning (note_codec.h)
//   text    := size:u32 bytes            candidate := token:i32 logprob:f32 text
//
// Id, model and timings are not in it: the key already says which model, and the rest, a receipt too, is the
// asker's own.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "runtime/result.h"

namespace sovereign::runtime {

std::string encode_result(const SovereignResult& result);

// Fills choices, usage, seed and reasoning. Errors: corrupt (not such a value, or of another version).
result<void> decode_result(std::string_view value, SovereignResult& result);

}  // namespace sovereign::runtime
