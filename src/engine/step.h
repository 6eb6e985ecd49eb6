// StepRunner: carries a Plan out on the model: copies of pages, plan to batch, forward pass, logits of the rows that
// asked for them.
// Owns model, caches and buffers. Threads: one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "backend/tap_backend.h"
#include "backend/trace_backend.h"
#include "engine/engine.h"
#include "engine/plan_choice.h"
#include "model/glm52.h"
#include "sched/plan.h"

namespace drawbridge {

/// Who looks at the ops; must outlive the runner. Null: nobody.
struct OpWatchers {
  OpObserver* observer = nullptr;
  OpTrace* trace = nullptr;
};

struct StepOptions {
  std::string model;
  std::string isa;
  int64_t n_threads = 0;
  bool pin_threads = false;
  Numerics numerics;
  std::optional<InputCodec> input_codec = InputCodec::kNone;  // of the numerics; nothing: auto_activation
  std::optional<float> kv_scale;                              // of EngineOptions
  int64_t page_size = 16;
  int64_t n_pages = 0;
  int64_t max_step_tokens = 512;
  int64_t max_logit_rows = 32;
  PlanChoice plans;
  std::string weights_cache;  // of EngineOptions
  OpWatchers watchers;
};

class StepRunner {
 public:
  static Result<std::unique_ptr<StepRunner>> create(const Glm52Config& config, const StepOptions& options);

  /// What the runner needs to know of a granted request; borrowed for the call.
  struct Request {
    std::span<const int32_t> tokens;  // all known tokens
    std::span<const int32_t> pages;
  };
  using Lookup = std::function<Request(RequestId)>;

  /// Carries out the plan's copies, then computes its grants. Logits [V] of the rows that they want, in grant order;
  /// valid until the next run.
  Result<View> run(const Plan& plan, const Lookup& lookup);

  struct Probe {
    int64_t n_tokens = 0;
    View logits;  // [1, V]
  };
  /// One step of one request through every layer, as a check that all of it works: of two tokens, where they fit, so
  /// that products of the rows that want logits are told from those of all rows.
  Result<Probe> probe();

  const Glm52Config& config() const { return config_; }
  const Glm52Weights& weights() const { return *weights_; }
  const Backend& backend() const { return *backend_; }
  const KvCache& cache() const { return *cache_; }
  const PlanChoice& plans() const { return plans_; }
  int64_t n_pages() const { return n_pages_; }
  /// What was done to the weights' order at start; empty: nothing.
  const std::string& packing() const { return packing_; }

 private:
  StepRunner(const Glm52Config& config, const StepOptions& options)
      : config_(config),
        page_size_(options.page_size),
        n_pages_(options.n_pages),
        max_step_tokens_(options.max_step_tokens),
        plans_(options.plans) {}

  Glm52Config config_;
  int64_t page_size_;
  int64_t n_pages_;
  int64_t max_step_tokens_;
  PlanChoice plans_;
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Glm52Weights> weights_;
  std::unique_ptr<KvCache> cache_;
  std::unique_ptr<Activations> activations_;
  std::string packing_;
};

/// The runner that make_engine gives its engine: numerics, caches and buffers as the options say, which must be valid.
Result<std::unique_ptr<StepRunner>> make_step_runner(const EngineOptions& options, const Glm52Config& config,
                                                     const OpWatchers& watchers);

}  // namespace drawbridge
