// OpBench: times an op of the serving path with plans that are forced upon it, and holds its outputs against each other
// and against the scalar reference.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "backend/plan_source.h"
#include "tune/product_ops.h"
#include "tune/search.h"

namespace drawbridge {

/// Plans as they are set, default ones for the rest; remembers what was asked.
class ForcedPlans : public PlanSource {
 public:
  TilePlan find(const ProductKey& key, int64_t n_tokens) override;
  void force(const ProductKey& key, const TilePlan& plan) { forced_[key] = plan; }
  void clear() { forced_.clear(); }
  /// Products asked for since the last call.
  std::vector<ProductKey> take_asked();

 private:
  std::map<ProductKey, TilePlan> forced_;
  std::set<ProductKey> asked_;
};

class OpBench {
 public:
  /// `cpu` as the engine has it. `should_stop` ends a measurement between two calls. `n_routed`: experts that tokens
  /// choose among; the others go with every token.
  static Result<std::unique_ptr<OpBench>> create(CpuOptions cpu, int64_t n_routed, std::function<bool()> should_stop);

  /// Calls that look up the same products as one op; calls that look nothing up are left out.
  std::vector<ProductOp> group(const std::vector<ProductCall>& calls, int64_t n_step_tokens);
  /// Starts with an op and a number of tokens: random inputs, the default's output, its largest error on sampled rows
  /// against the reference, relative to the largest value. Error: the output is far from the reference, or stopped.
  Result<double> start(const ProductOp& op, int64_t n_tokens);
  /// Times plans of one of its products in turn, the weights of another layer each time.
  Result<std::vector<std::optional<double>>> time(const ProductKey& key, std::span<const TilePlan> plans);
  /// The plan of a product from here on, until the next start.
  void keep(const ProductKey& key, const TilePlan& plan) { plans_->force(key, plan); }

 private:
  OpBench(int64_t n_routed, std::function<bool()> should_stop)
      : n_routed_(n_routed), should_stop_(std::move(should_stop)) {}

  void draw_inputs(const ProductCall& call, int64_t n_tokens);
  void run(Backend& backend, const ProductCall& call, int64_t from, int64_t n, std::vector<float>& y);
  double seconds_of(const ProductCall& call);
  Result<double> error_of(const ProductCall& call);

  int64_t n_routed_;
  std::function<bool()> should_stop_;
  std::shared_ptr<ForcedPlans> plans_ = std::make_shared<ForcedPlans>();
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<Backend> reference_;

  const ProductOp* op_ = nullptr;
  int64_t n_tokens_ = 0;
  std::vector<float> x_, weight_;
  std::vector<int32_t> expert_;
  std::vector<float> y_, wanted_;  // wanted_: of the first call with default plans
};

}  // namespace drawbridge
