// StatsCollector: watches a model compute and adds up what goes into its matrices and caches. The MTP layer is not run
// and not seen.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "backend/tap_backend.h"
#include "model/calibration_stats.h"
#include "model/glm52_weights.h"
#include "model/kv_cache.h"

namespace drawbridge {

class StatsCollector : public OpObserver {
 public:
  /// Learns which matrix and cache belongs to which module and layer; once, before the first step. All must outlive it.
  void bind(const Glm52Config& config, const Glm52Weights& weights, const KvCache& cache);

  void on_linear(const View& x, const Matrix& w) override;
  void on_kv_write(const PagedView& cache, const View& x) override;
  void on_moe(const View& x, const View& expert, std::span<const MlpMatrices> experts, Backend& ops) override;

  /// What was seen so far. An expert without a row gets the mean over the rows of its layer's other experts.
  /// Error: a value that is not finite; names its module.
  Result<CalibrationStats> stats(int64_t n_tokens) const;

 private:
  struct Module {
    std::string name;
    std::vector<double> squares;  // [K] sums of x^2
    int64_t n_rows = 0;
  };
  struct LayerCache {
    int64_t layer = 0;
    size_t kv_b = 0;     // its module; of a latent cache only
    int64_t latent = 0;  // columns that go into kv_b; 0: an index cache
    float amax = 0;      // NaN sticks
  };
  /// The same matrix of a layer's experts.
  using Siblings = std::vector<size_t>;

  size_t add_module(const std::string& name, const Matrix& w);
  void bind_layer(const LayerWeights& w, int64_t layer, int64_t kv_lora);
  void bind_mlp(const MlpMatrices& w, const std::string& prefix);
  void bind_experts(std::span<const MlpMatrices> experts, const std::string& prefix);
  void add_rows(size_t module, const View& x);
  Module pooled(const Siblings& siblings) const;

  std::vector<Module> modules_;
  std::unordered_map<const void*, size_t> module_of_;   // a matrix's data -> module
  std::unordered_map<const void*, LayerCache> caches_;  // a cache's data
  std::vector<Siblings> experts_;
  std::vector<size_t> kv_b_;  // [n_layers] module
};

}  // namespace drawbridge
