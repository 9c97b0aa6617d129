#include "bench/suites/quality.h"

#include "bench/suites/quality_parts.h"
#include "bench/workload.h"
#include "engine/llama_model.h"

namespace sovereign::bench {
namespace {

constexpr std::size_t kAnswerTokens = 500;

}  // namespace

result<Report> run_quality_suite(const QualityOptions& options, const Progress& progress) {
  auto model = engine::LlamaModel::load(options.model, 0);
  if (!model) return fail(std::move(model.error()));
  Report report;
  report.name = options.smoke ? "quality-smoke" : "quality";
  report.environment = read_environment(options.date);

  if (auto done = measure_projection(options, progress, report); !done) return fail(std::move(done.error()));

  PromptMaker maker([&](std::string_view text) { return (*model)->tokenize(text, false, false).size(); },
                    options.seed);
  const auto answer = maker.exact(kAnswerTokens);
  if (!answer) return fail(answer.error());
  const auto document = maker.exact(kAnswerTokens);
  if (!document) return fail(document.error());
  measure_assessment(options, *answer, *document, kAnswerTokens, report);

  if (auto done = measure_likelihood(options, *model, progress, report); !done)
    return fail(std::move(done.error()));
  if (auto done = measure_branches(options, *model, progress, report); !done)
    return fail(std::move(done.error()));
  return report;
}

}  // namespace sovereign::bench
