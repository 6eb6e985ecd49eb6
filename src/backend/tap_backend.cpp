#include "backend/tap_backend.h"

namespace drawbridge {
namespace {

class TapBackend : public Backend {
 public:
  TapBackend(std::unique_ptr<Backend> backend, OpObserver& observer) : ops_(std::move(backend)), observer_(observer) {}

  std::string describe() const override { return ops_->describe(); }
  const Numerics& numerics() const override { return ops_->numerics(); }
  Result<Buffer> allocate(int64_t bytes) override { return ops_->allocate(bytes); }
  bool prefers_panels(WeightFormat format) const override { return ops_->prefers_panels(format); }
  Status status() override { return ops_->status(); }
  ParallelCounts parallel_counts() const override { return ops_->parallel_counts(); }

  void embed(View x, const Matrix& table, std::span<const int32_t> token) override { ops_->embed(x, table, token); }
  void rms_norm(View y, View x, std::span<const float> w, float eps) override { ops_->rms_norm(y, x, w, eps); }
  void add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) override {
    ops_->add_rms_norm(y, resid, x, w, eps);
  }
  void layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) override {
    ops_->layer_norm(y, x, w, b, eps);
  }
  void linear(View y, View x, const Matrix& w) override {
    ops_->linear(y, x, w);
    ops_->synchronize();
    observer_.on_linear(x, w);
  }
  void linear_f32(View y, View x, const Matrix& w) override {
    ops_->linear_f32(y, x, w);
    ops_->synchronize();
    observer_.on_linear(x, w);
  }
  void linear_heads(View y, View x, const Matrix& w) override {
    ops_->linear_heads(y, x, w);
    ops_->synchronize();
    observer_.on_linear_heads(x, w);
  }
  void rope(View x, std::span<const int32_t> pos, float theta) override { ops_->rope(x, pos, theta); }
  void kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) override {
    ops_->kv_write(cache, slot, x);
    ops_->synchronize();
    observer_.on_kv_write(cache, x);
  }
  void index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                  std::span<const int32_t> pos) override {
    ops_->index_topk(selected, q, head_weight, cache, map, pos);
    ops_->synchronize();
    observer_.on_index_topk(selected, pos);
  }
  void mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map, View selected,
                     float scale) override {
    ops_->mla_attention(o, q_latent, q_rope, cache, map, selected, scale);
  }
  void route(View expert, View weight, View logit, std::span<const float> bias, const RouterOptions& options) override {
    ops_->route(expert, weight, logit, bias, options);
    ops_->synchronize();
    observer_.on_route(slice_cols(expert, 0, options.experts_per_token));
  }
  void moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) override {
    ops_->moe(y, x, expert, weight, experts);
    ops_->synchronize();
    observer_.on_moe(x, expert, experts, *ops_);
  }
  void swiglu(View y, View gate, View up) override { ops_->swiglu(y, gate, up); }
  void add(View y, View x) override { ops_->add(y, x); }
  void copy(View y, View x) override { ops_->copy(y, x); }
  void fill(View y, float value) override { ops_->fill(y, value); }
  void copy_bytes(void* to, const void* from, int64_t bytes) override { ops_->copy_bytes(to, from, bytes); }
  void gather_rows(View y, View x, std::span<const int32_t> row) override { ops_->gather_rows(y, x, row); }
  void all_reduce(View x) override { ops_->all_reduce(x); }
  void synchronize() override { ops_->synchronize(); }

 private:
  std::unique_ptr<Backend> ops_;
  OpObserver& observer_;
};

}  // namespace

std::unique_ptr<Backend> make_tap_backend(std::unique_ptr<Backend> backend, OpObserver& observer) {
  return std::make_unique<TapBackend>(std::move(backend), observer);
}

}  // namespace drawbridge
