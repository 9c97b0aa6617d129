// The notes that go with a cached answer, as sections of result_codec.h.
//
//   quality   := retries:u32 readings:10×(present:u8 raw:f64 score:f64) vector:8×f64 (NaN: unmeasured)
//                state:4×f64 score? shortfalls:u32 (name value? minimum:f64)*
//                findings:u32 (kind offset:u64 length:u64)* judge_reason?
//   reasoning := stop:u8 levels:u32 tokens:u32 answer conclusion path:u32 id:u32* thoughts:u32 thought*
//                error
//   thought   := kind:u8 status:u8 parents:u32 id:u32* text conclusion tokens:u32 cluster:u32
//                likelihood? agreement? variety? total:f64 error
//   x?        := present:u8 x            readings and vector stand in the order of omega's enumerations
#pragma once

#include <memory>

#include "runtime/byte_codec.h"
#include "runtime/quality.h"
#include "runtime/reasoning/reasoner.h"

namespace sovereign::runtime {

void write_quality(ByteWriter& out, const Quality& quality);
// Null when it is no such note.
std::shared_ptr<const Quality> read_quality(ByteReader& in);

void write_reasoning(ByteWriter& out, const ReasoningOutcome& outcome);
std::shared_ptr<const ReasoningOutcome> read_reasoning(ByteReader& in);

}  // namespace sovereign::runtime
