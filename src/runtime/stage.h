// One step of a query's way through the pipeline.
//
// enter() works on the run and then says how it goes on, exactly once: run->proceed(), run->answer() or
// run->refuse(). It may say so later and from another thread; until then it keeps the run alive. enter()
// itself is called on a worker thread and may take as long as its computation does, but must not wait for
// a model.
#pragma once

#include <memory>
#include <string_view>

namespace sovereign::runtime {

class QueryRun;
using QueryRunPtr = std::shared_ptr<QueryRun>;

// Immutable once the pipeline runs, or thread-safe: many queries are in one stage at once.
class Stage {
 public:
  virtual ~Stage() = default;
  // Short and stable: in every result's timings. A literal.
  virtual std::string_view name() const = 0;
  // Whether an answer that was found, or made for somebody else's query, comes here too.
  virtual bool takes_found_answers() const { return false; }
  virtual void enter(const QueryRunPtr& run) = 0;
};

}  // namespace sovereign::runtime
