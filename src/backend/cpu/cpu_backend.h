// CpuBackend: what every CPU backend has in common: host memory and the ops that only move values.
#pragma once

#include "backend/backend.h"

namespace drawbridge {

class CpuBackend : public Backend {
 public:
  explicit CpuBackend(const Numerics& numerics) : numerics_(numerics) {}

  const Numerics& numerics() const override { return numerics_; }
  Result<Buffer> allocate(int64_t bytes) override;
  Status status() override { return Status(); }

  void copy(View y, View x) override;
  void fill(View y, float value) override;
  void copy_bytes(void* to, const void* from, int64_t bytes) override;
  void gather_rows(View y, View x, std::span<const int32_t> row) override;
  void all_reduce(View) override {}
  void synchronize() override {}

 protected:
  /// For describe(): which inputs are quantized; nothing when none are.
  std::string describe_inputs() const;
  bool rounds_output() const { return numerics_.activation == DType::kBF16; }
  float round_output(float value) const { return rounds_output() ? round_to_bf16(value) : value; }
  /// The grid of the inputs of a product with weights of this format, and where there is none, whether they are rounded
  /// to bf16.
  InputCodec input_codec(WeightFormat format) const { return codec_for_weights(numerics_.input_codec, format); }
  bool rounds_input(WeightFormat format) const { return numerics_.round_gemm_input && format != WeightFormat::kF32; }
  /// Whether attention and the indexer take queries, and keys that were fp8, in bf16: cached keys count as weights.
  bool rounds_keys(const KvFormat& format) const {
    return numerics_.round_gemm_input && format.layout != KvLayout::kF32;
  }

  /// Adds what a kv_write of n_rows did to the cache's counts.
  static void count_kv_write(const PagedView& cache, int64_t n_rows, int64_t n_clipped);

  Numerics numerics_;
};

/// Row r of a rank-2 view, or row r of a rank-3 view whose first two dimensions are counted together.
inline float* flat_row(const View& v, int64_t r) {
  return v.rank == 2 ? v.row(r) : v.row(r / v.dim(1), r % v.dim(1));
}

}  // namespace drawbridge
