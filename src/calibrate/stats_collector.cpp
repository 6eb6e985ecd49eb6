#include "calibrate/stats_collector.h"

#include <algorithm>
#include <cmath>

namespace drawbridge {
namespace {

/// Largest |x|; NaN when there is one.
float amax_of(const View& x, float amax) {
  for (int64_t t = 0; t < x.dim(0); ++t) {
    for (const float value : std::span(x.row(t), static_cast<size_t>(x.cols()))) {
      const float magnitude = std::fabs(value);
      if (!(magnitude <= amax) && !std::isnan(amax)) amax = magnitude;
    }
  }
  return amax;
}

/// For each expert the rows of the step that chose it.
std::vector<std::vector<int32_t>> rows_by_expert(const View& expert, size_t n_experts) {
  std::vector<std::vector<int32_t>> rows(n_experts);
  for (int64_t t = 0; t < expert.dim(0); ++t) {
    const auto* chosen = expert.as<int32_t>() + t * expert.stride[0];
    for (int64_t k = 0; k < expert.cols(); ++k)
      rows.at(static_cast<size_t>(chosen[k])).push_back(static_cast<int32_t>(t));
  }
  return rows;
}

/// [rows, cols] in `storage`.
View make_room(std::vector<float>& storage, int64_t rows, int64_t cols) {
  storage.resize(static_cast<size_t>(rows * cols));
  return dense_view(storage.data(), DType::kF32, {rows, cols});
}

}  // namespace

void StatsCollector::bind(const Glm52Config& config, const Glm52Weights& weights, const KvCache& cache) {
  for (int64_t i = 0; i < config.n_layers; ++i) {
    bind_layer(weights.layer[static_cast<size_t>(i)], i, config.kv_lora);
    const KvView& kv = cache.layers()[static_cast<size_t>(i)];
    caches_[kv.latent.data] = {i, kv_b_.back(), config.kv_lora, 0};
    if (config.is_full(i)) caches_[kv.index.data] = {i, 0, 0, 0};
  }
  add_module("lm_head", weights.lm_head);
}

size_t StatsCollector::add_module(const std::string& name, const Matrix& w) {
  modules_.push_back({name, std::vector<double>(static_cast<size_t>(w.k)), 0});
  module_of_[w.data] = modules_.size() - 1;
  return modules_.size() - 1;
}

void StatsCollector::bind_layer(const LayerWeights& w, int64_t layer, int64_t kv_lora) {
  const std::string prefix = fmt::format("model.layers.{}.", layer), attn = prefix + "self_attn.";
  add_module(attn + "q_a_proj", w.attn.q_a);
  add_module(attn + "q_b_proj", w.attn.q_b);
  add_module(attn + "kv_a_proj_with_mqa", w.attn.kv_a);
  add_module(attn + "o_proj", w.attn.o);
  // Attention is absorbed, so no op multiplies by kv_b_proj; what would go into it is what goes into the cache.
  modules_.push_back({attn + "kv_b_proj", std::vector<double>(static_cast<size_t>(kv_lora)), 0});
  kv_b_.push_back(modules_.size() - 1);
  if (w.attn.indexer) {
    add_module(attn + "indexer.wq_b", w.attn.indexer->q_b);
    add_module(attn + "indexer.wk", w.attn.indexer->k);
    add_module(attn + "indexer.weights_proj", w.attn.indexer->head);
  }
  if (const auto* mlp = std::get_if<MlpMatrices>(&w.mlp)) return bind_mlp(*mlp, prefix + "mlp.");
  const auto& moe = std::get<MoeWeights>(w.mlp);
  add_module(prefix + "mlp.gate", moe.router);
  if (moe.shared) bind_mlp(*moe.shared, prefix + "mlp.shared_experts.");
  bind_experts(moe.routed(), prefix + "mlp.experts.");
}

void StatsCollector::bind_mlp(const MlpMatrices& w, const std::string& prefix) {
  add_module(prefix + "gate_proj", w.gate);
  add_module(prefix + "up_proj", w.up);
  add_module(prefix + "down_proj", w.down);
}

void StatsCollector::bind_experts(std::span<const MlpMatrices> experts, const std::string& prefix) {
  Siblings gate, up, down;
  for (size_t e = 0; e < experts.size(); ++e) {
    const size_t first = modules_.size();
    bind_mlp(experts[e], fmt::format("{}{}.", prefix, e));
    gate.push_back(first);
    up.push_back(first + 1);
    down.push_back(first + 2);
  }
  for (Siblings& siblings : {std::ref(gate), std::ref(up), std::ref(down)}) experts_.push_back(std::move(siblings));
}

void StatsCollector::add_rows(size_t module, const View& x) {
  Module& m = modules_[module];
  DB_CHECK(x.rank == 2 && x.cols() == static_cast<int64_t>(m.squares.size()));
  for (int64_t t = 0; t < x.dim(0); ++t) {
    const float* const row = x.row(t);
    for (size_t i = 0; i < m.squares.size(); ++i) m.squares[i] += static_cast<double>(row[i]) * row[i];
  }
  m.n_rows += x.dim(0);
}

void StatsCollector::on_linear(const View& x, const Matrix& w) {
  add_rows(module_of_.at(w.data), x);
}

void StatsCollector::on_kv_write(const PagedView& cache, const View& x) {
  LayerCache& own = caches_.at(cache.data);
  own.amax = amax_of(x, own.amax);
  if (own.latent > 0) add_rows(own.kv_b, slice_cols(x, 0, own.latent));
}

void StatsCollector::on_moe(const View& x, const View& expert, std::span<const MlpMatrices> experts, Backend& ops) {
  const auto rows = rows_by_expert(expert, experts.size());
  std::vector<float> input_room, gate_room, up_room;
  for (size_t e = 0; e < experts.size(); ++e) {
    const auto n = static_cast<int64_t>(rows[e].size());
    if (n == 0) continue;
    const MlpMatrices& w = experts[e];
    const View input = make_room(input_room, n, w.gate.k);
    const View gate = make_room(gate_room, n, w.gate.n), up = make_room(up_room, n, w.up.n);
    ops.gather_rows(input, x, rows[e]);
    ops.linear(gate, input, w.gate);
    ops.linear(up, input, w.up);
    ops.swiglu(gate, gate, up);
    ops.synchronize();
    on_linear(input, w.gate);
    on_linear(input, w.up);
    on_linear(gate, w.down);
  }
}

StatsCollector::Module StatsCollector::pooled(const Siblings& siblings) const {
  Module all{"", std::vector<double>(modules_[siblings.front()].squares.size()), 0};
  for (const size_t module : siblings) {
    all.n_rows += modules_[module].n_rows;
    for (size_t i = 0; i < all.squares.size(); ++i) all.squares[i] += modules_[module].squares[i];
  }
  return all;
}

Result<CalibrationStats> StatsCollector::stats(int64_t n_tokens) const {
  CalibrationStats stats;
  stats.n_tokens = n_tokens;
  Status fault;
  const auto add = [&](const std::string& name, const Module& seen) {
    std::vector<float>& mean = stats.input_mean_square[name];
    for (const double sum : seen.squares) mean.push_back(static_cast<float>(sum / static_cast<double>(seen.n_rows)));
    const auto bad = std::find_if(mean.begin(), mean.end(), [](float value) { return !std::isfinite(value); });
    if (bad == mean.end() || !fault.ok()) return;
    fault = fail(Code::kCorrupt, "{}: input column {}: wanted finite values, found a mean square of {}", name,
                 bad - mean.begin(), *bad);
  };
  for (const Module& module : modules_) {
    stats.n_rows[module.name] = module.n_rows;
    if (module.n_rows > 0) add(module.name, module);
  }
  for (const Siblings& siblings : experts_) {
    const auto is_unseen = [&](size_t module) { return modules_[module].n_rows == 0; };
    if (std::none_of(siblings.begin(), siblings.end(), is_unseen)) continue;
    const Module all = pooled(siblings);
    for (const size_t module : siblings) {
      if (is_unseen(module)) add(modules_[module].name, all);
    }
  }
  for (const auto& [data, cache] : caches_) {
    (cache.latent > 0 ? stats.latent_amax : stats.index_amax)[static_cast<int>(cache.layer)] = cache.amax;
    if (std::isfinite(cache.amax) || !fault.ok()) continue;
    fault = fail(Code::kCorrupt, "model.layers.{}.self_attn: cached values: wanted finite ones, found {}", cache.layer,
                 cache.amax);
  }
  DB_TRY(fault);
  return stats;
}

}  // namespace drawbridge
