// A pipeline with a cache and a scripted model, whose jobs run at once: the scripted model is no engine that
// others wait for.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "runtime/recording_client.h"
#include "runtime/scripted_backend.h"
#include "runtime/standard_pipeline.h"

namespace sovereign::testing {

using ClientPtr = std::shared_ptr<RecordingClient>;

class PipelineFixture : public ::testing::Test {
 protected:
  explicit PipelineFixture(std::vector<std::string> words)
      : backend_(std::make_shared<ScriptedBackend>(std::move(words))) {}

  // For make_pipeline(), with the cache.
  runtime::PipelineParts parts() {
    runtime::PipelineParts parts{clock_, [](const std::function<void()>& job) { job(); }};
    parts.cache = &cache_;
    return parts;
  }
  ClientPtr ask(runtime::SovereignQuery query) {
    auto client = std::make_shared<RecordingClient>();
    pipeline_->start(std::move(query), backend_, client);
    return client;
  }
  ClientPtr ask_to_end(runtime::SovereignQuery query) {
    auto client = ask(std::move(query));
    backend_->run_to_end();
    return client;
  }

  SteadyClock clock_;
  cache::ResponseCache cache_{{}};
  std::shared_ptr<ScriptedBackend> backend_;
  std::shared_ptr<const runtime::Pipeline> pipeline_;  // the test makes it
};

}  // namespace sovereign::testing
