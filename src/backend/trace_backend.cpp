#include "backend/trace_backend.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace drawbridge {
namespace {

/// Counts the keys that rows of a step look at, each once.
class KeyCounter {
 public:
  KeyCounter(const PagedView& cache, const RowMap& map)
      : cache_(cache), map_(map), is_seen_(static_cast<size_t>(cache.n_slots())) {}

  void add(int64_t row, int64_t pos) {
    const auto slot = static_cast<size_t>(slot_of(map_, cache_.page_size, row, pos));
    ++reads_.n_pairs;
    if (!is_seen_[slot]) ++reads_.n_distinct;
    is_seen_[slot] = true;
  }
  const KeyReads& reads() const { return reads_; }

 private:
  const PagedView& cache_;
  const RowMap& map_;
  std::vector<bool> is_seen_;
  KeyReads reads_;
};

KeyReads scored_keys(const PagedView& cache, const RowMap& map, std::span<const int32_t> pos, int64_t topk) {
  KeyCounter keys(cache, map);
  for (size_t t = 0; t < pos.size(); ++t) {
    for (int64_t k = 0; pos[t] >= topk && k <= pos[t]; ++k) keys.add(static_cast<int64_t>(t), k);
  }
  return keys.reads();
}

KeyReads selected_keys(const PagedView& cache, const RowMap& map, const View& selected) {
  KeyCounter keys(cache, map);
  for (int64_t t = 0; t < selected.dim(0); ++t) {
    const auto* const row = selected.as<int32_t>() + t * selected.stride[0];
    for (int64_t k = 0; k < selected.cols() && row[k] >= 0; ++k) keys.add(t, row[k]);
  }
  return keys.reads();
}

/// "512+576 x 2048 mxfp4", or more than one format: all of them have as many columns.
std::string weights_text(std::span<const Matrix* const> weights) {
  std::vector<int64_t> rows;
  std::vector<std::string_view> formats;
  for (const Matrix* w : weights) {
    rows.push_back(w->n);
    const std::string_view name = weight_format_name(w->format);
    if (std::find(formats.begin(), formats.end(), name) == formats.end()) formats.push_back(name);
  }
  return fmt::format("{} x {} {}", fmt::join(rows, "+"), weights[0]->k, fmt::join(formats, "/"));
}

/// Each expert that any row of `expert` i32 [T, K] names, once.
std::vector<MlpMatrices> chosen_experts(const View& expert, std::span<const MlpMatrices> experts) {
  std::vector<int32_t> chosen;
  for (int64_t t = 0; t < expert.dim(0); ++t) {
    const auto* const row = expert.as<int32_t>() + t * expert.stride[0];
    chosen.insert(chosen.end(), row, row + expert.cols());
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  std::vector<MlpMatrices> matrices;
  for (const int32_t e : chosen) matrices.push_back(experts[static_cast<size_t>(e)]);
  return matrices;
}

}  // namespace

void OpTotals::add(std::span<const OpCost> costs, int64_t duration_ns) {
  ++n_calls;
  nanoseconds += duration_ns;
  for (const OpCost& cost : costs) {
    weight_bytes += cost.weight_bytes;
    bytes += cost.bytes();
    operations[static_cast<size_t>(cost.arithmetic)] += cost.operations;
  }
}

void OpTrace::start() {
  *this = OpTrace();
  is_on_ = true;
  started_ = last_step_ = Clock::now();
}

std::vector<OpTotals> OpTrace::ops() const {
  std::vector<OpTotals> totals;
  for (const auto& [key, op] : ops_) totals.push_back(op);
  std::stable_sort(totals.begin(), totals.end(),
                   [](const OpTotals& a, const OpTotals& b) { return a.nanoseconds > b.nanoseconds; });
  return totals;
}

class TraceBackend : public Backend {
 public:
  TraceBackend(std::unique_ptr<Backend> backend, OpTrace& trace) : ops_(std::move(backend)), trace_(trace) {}

  std::string describe() const override { return ops_->describe(); }
  const Numerics& numerics() const override { return ops_->numerics(); }
  Result<Buffer> allocate(int64_t bytes) override { return ops_->allocate(bytes); }
  Status status() override { return ops_->status(); }
  bool prefers_panels(WeightFormat format) const override { return ops_->prefers_panels(format); }
  ParallelCounts parallel_counts() const override { return ops_->parallel_counts(); }

  void embed(View x, const Matrix& table, std::span<const int32_t> token) override {
    traced(
        "embed", &table, [&] { ops_->embed(x, table, token); }, [&] { return embed_cost(x.dim(0), table); });
  }
  void rms_norm(View y, View x, std::span<const float> w, float eps) override {
    traced(
        "rms_norm", nullptr, [&] { ops_->rms_norm(y, x, w, eps); }, [&] { return rms_norm_cost(x.rows(), x.cols()); });
  }
  void add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) override {
    traced(
        "add_rms_norm", nullptr, [&] { ops_->add_rms_norm(y, resid, x, w, eps); },
        [&] { return add_rms_norm_cost(x.rows(), x.cols()); });
  }
  void layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) override {
    traced(
        "layer_norm", nullptr, [&] { ops_->layer_norm(y, x, w, b, eps); },
        [&] { return layer_norm_cost(x.rows(), x.cols()); });
  }
  void linear(View y, View x, const Matrix& w) override {
    traced(
        "linear", &w, [&] { ops_->linear(y, x, w); },
        [&] { return linear_cost(x.dim(0), w, product_arithmetic(w.format, numerics())); });
  }
  void linear_f32(View y, View x, const Matrix& w) override {
    traced(
        "linear_f32", &w, [&] { ops_->linear_f32(y, x, w); },
        [&] { return linear_cost(x.dim(0), w, Arithmetic::kF32); });
  }
  void norm_linear(View y, const NormInput& input, std::span<const Product> products) override {
    std::vector<const Matrix*> weights;
    for (const Product& p : products) {
      if (p.w != nullptr) weights.push_back(p.w);
    }
    traced(
        "norm_linear", weights, [&] { ops_->norm_linear(y, input, products); },
        [&] { return norm_linear_costs(y, input, products); });
  }
  void linear_heads(View y, View x, const Matrix& w) override {
    traced(
        "linear_heads", &w, [&] { ops_->linear_heads(y, x, w); },
        [&] {
          Numerics unquantized = numerics();
          unquantized.input_codec = InputCodec::kNone;
          return linear_heads_cost(x.dim(0), x.dim(1), w, product_arithmetic(w.format, unquantized));
        });
  }
  void rope(View x, std::span<const int32_t> pos, float theta) override {
    traced(
        "rope", nullptr, [&] { ops_->rope(x, pos, theta); }, [&] { return rope_cost(x.rows(), x.cols()); });
  }
  void kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) override {
    traced(
        "kv_write", nullptr, [&] { ops_->kv_write(cache, slot, x); },
        [&] { return kv_write_cost(x.dim(0), cache.format); });
  }
  void index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                  std::span<const int32_t> pos) override {
    traced(
        "index_topk", nullptr, [&] { ops_->index_topk(selected, q, head_weight, cache, map, pos); },
        [&] {
          return index_topk_cost(q.dim(0), q.dim(1), selected.cols(), cache.format,
                                 scored_keys(cache, map, pos, selected.cols()));
        });
  }
  void mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map, View selected,
                     float scale) override {
    traced(
        "mla_attention", nullptr, [&] { ops_->mla_attention(o, q_latent, q_rope, cache, map, selected, scale); },
        [&] {
          return mla_attention_cost(o.dim(0), o.dim(1), o.dim(2), cache.format, selected_keys(cache, map, selected));
        });
  }
  void route(View expert, View weight, View logit, std::span<const float> bias, const RouterOptions& options) override {
    traced(
        "route", nullptr, [&] { ops_->route(expert, weight, logit, bias, options); },
        [&] { return route_cost(logit.dim(0), logit.cols(), expert.cols()); });
  }
  void moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) override {
    const Matrix* const first = experts.empty() ? nullptr : &experts[0].gate;
    traced(
        "moe", first, [&] { ops_->moe(y, x, expert, weight, experts); },
        [&] {
          return moe_cost(x.dim(0), expert.cols(), chosen_experts(expert, experts),
                          product_arithmetic(first->format, numerics()));
        });
  }
  void swiglu(View y, View gate, View up) override {
    traced(
        "swiglu", nullptr, [&] { ops_->swiglu(y, gate, up); }, [&] { return swiglu_cost(y.dim(0), y.cols()); });
  }
  void add(View y, View x) override {
    traced(
        "add", nullptr, [&] { ops_->add(y, x); }, [&] { return add_cost(y.rows(), y.cols()); });
  }
  void copy(View y, View x) override {
    traced(
        "copy", nullptr, [&] { ops_->copy(y, x); }, [&] { return copy_cost(y.rows(), y.cols()); });
  }
  void fill(View y, float value) override {
    traced(
        "fill", nullptr, [&] { ops_->fill(y, value); }, [&] { return fill_cost(y.rows(), y.cols()); });
  }
  void gather_rows(View y, View x, std::span<const int32_t> row) override {
    traced(
        "gather_rows", nullptr, [&] { ops_->gather_rows(y, x, row); }, [&] { return copy_cost(y.rows(), y.cols()); });
  }
  void copy_bytes(void* to, const void* from, int64_t bytes) override { ops_->copy_bytes(to, from, bytes); }
  void all_reduce(View x) override { ops_->all_reduce(x); }
  void synchronize() override {
    ops_->synchronize();
    if (!trace_.is_on_) return;
    ++trace_.n_steps_;
    trace_.last_step_ = OpTrace::Clock::now();
  }

 private:
  std::vector<OpCost> norm_linear_costs(const View& y, const NormInput& input, std::span<const Product> products) {
    const int64_t n = y.rows();
    std::vector<OpCost> costs = {input.adds() ? add_rms_norm_cost(n, y.cols()) : rms_norm_cost(n, y.cols())};
    for (const Product& p : products) {
      if (p.w == nullptr) continue;
      costs.push_back(linear_cost(n, *p.w, p.in_f32 ? Arithmetic::kF32 : product_arithmetic(p.w->format, numerics())));
    }
    return costs;
  }

  /// Runs op(); while the trace is on, times it and adds it to the row of `name` and `weights` with what costs() says.
  template <typename Op, typename Costs>
  void traced(std::string_view name, std::span<const Matrix* const> weights, const Op& op, const Costs& costs) {
    if (!trace_.is_on_) return op();
    const ParallelCounts before = ops_->parallel_counts();
    const auto start = OpTrace::Clock::now();
    op();
    ops_->synchronize();
    const auto end = OpTrace::Clock::now();
    const ParallelCounts after = ops_->parallel_counts();
    trace_.parallel_.n_regions += after.n_regions - before.n_regions;
    trace_.parallel_.wait_ns += after.wait_ns - before.wait_ns;
    row_of(name, weights).add(costs(), std::chrono::nanoseconds(end - start).count());
    trace_.counting_ += OpTrace::Clock::now() - end;
  }
  /// Of an op with one matrix, or none (null), and one cost.
  template <typename Op, typename Cost>
  void traced(std::string_view name, const Matrix* weights, const Op& op, const Cost& cost) {
    const std::span<const Matrix* const> all(&weights, weights == nullptr ? 0 : 1);
    traced(name, all, op, [&] { return std::array{cost()}; });
  }

  OpTotals& row_of(std::string_view name, std::span<const Matrix* const> weights) {
    OpTrace::Key key{name, WeightFormat(), 0, 0};
    for (const Matrix* w : weights) key = {name, weights[0]->format, std::get<2>(key) + w->n, w->k};
    const auto [row, is_new] = trace_.ops_.try_emplace(key);
    if (is_new) {
      row->second.op = name;
      if (!weights.empty()) row->second.weights = weights_text(weights);
    }
    return row->second;
  }

  std::unique_ptr<Backend> ops_;
  OpTrace& trace_;
};

std::unique_ptr<Backend> make_trace_backend(std::unique_ptr<Backend> backend, OpTrace& trace) {
  return std::make_unique<TraceBackend>(std::move(backend), trace);
}

}  // namespace drawbridge
