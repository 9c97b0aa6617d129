// The parts of the benchmark of quality; each adds its figures to the report.
#pragma once

#include <memory>
#include <string>

#include "bench/suites/quality.h"

namespace sovereign::engine {
class LlamaModel;
}

namespace sovereign::bench {

result<void> measure_projection(const QualityOptions& options, const Progress& progress, Report& report);

// `answer` and `document` are texts of `tokens` tokens.
void measure_assessment(const QualityOptions& options, const std::string& answer, const std::string& document,
                        std::size_t tokens, Report& report);

// What the evidence of likelihood costs while tokens are chosen.
result<void> measure_likelihood(const QualityOptions& options,
                                const std::shared_ptr<const engine::LlamaModel>& model,
                                const Progress& progress, Report& report);

result<void> measure_branches(const QualityOptions& options,
                              const std::shared_ptr<const engine::LlamaModel>& model,
                              const Progress& progress, Report& report);

}  // namespace sovereign::bench
