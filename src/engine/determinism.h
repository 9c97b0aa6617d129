// Whether a model's rows come out the same to the bit whatever else is in the batch: what
// engine.deterministic promises, checked before it does (docs/speculation.md says when it holds).
#pragma once

#include "base/result.h"
#include "engine/engine_config.h"

namespace sovereign::engine {

class Decoder;
class LlamaModel;

// What can be told without computing: CPU, build, settings, and the types of the model's matrices. Errors:
// unsupported, with what stands in the way and what to do; the key in `where`.
result<void> check_determinism(const LlamaModel& model, const EngineConfig& config);

// Computes one short text alone and in one piece, then cut up and next to others, and compares bits. The
// decoder is empty, and is again afterwards. Takes about the time of 250 prompt tokens. Errors: unsupported
// (the bits differ), and the decoder's.
result<void> probe_determinism(Decoder& decoder, const LlamaModel& model, const EngineConfig& config);

}  // namespace sovereign::engine
