// ScalarBackend: the readable reference of every op, summing in double. The oracle of the SIMD kernels, not fast.
// Activations are f32 in memory; numerics say to which grid each op's output is rounded.
#pragma once

#include "backend/cpu/cpu_backend.h"

namespace drawbridge {

class ScalarBackend : public CpuBackend {
 public:
  using CpuBackend::CpuBackend;

  std::string describe() const override { return "cpu scalar, double accumulation" + describe_inputs() + ", 1 thread"; }

  void embed(View x, const Matrix& table, std::span<const int32_t> token) override;
  void rms_norm(View y, View x, std::span<const float> w, float eps) override;
  void layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) override;
  void linear(View y, View x, const Matrix& w) override;
  void linear_f32(View y, View x, const Matrix& w) override;
  void linear_heads(View y, View x, const Matrix& w) override;
  void rope(View x, std::span<const int32_t> pos, float theta) override;
  void kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) override;
  void index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                  std::span<const int32_t> pos) override;
  void mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map, View selected,
                     float scale) override;
  void route(View expert, View weight, View logit, std::span<const float> bias, const RouterOptions& options) override;
  void moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) override;
  void swiglu(View y, View gate, View up) override;
  void add(View y, View x) override;

 private:
  /// Rounds or quantizes a row as the numerics want it for weights of this format.
  void prepare_input(WeightFormat format, InputCodec codec, std::span<float> row) const;
  /// A cached row, and the queries [H, width] of row t, each made of one or two parts, as the numerics want them.
  void read_key(const KvFormat& format, const void* row, float* out) const;
  std::vector<float> read_queries(const KvFormat& format, std::span<const View> parts, int64_t t) const;
  /// `exact`: neither input nor output is rounded.
  void matmul(View y, View x, const Matrix& w, bool exact, InputCodec codec) const;
};

}  // namespace drawbridge
