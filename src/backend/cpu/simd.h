// SimdBackend: the fast CPU backend. Splits each op over the thread pool and leaves the arithmetic to the kernels of
// one instruction set (kernels.h). Rounds where ScalarBackend rounds; sums in f32, each output in one fixed order.
// Weights are read as they lie, in whatever format; nothing is unpacked in memory.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/expert_rows.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/rope_table.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/thread_pool.h"

namespace drawbridge {

/// Instructions that a CPU may have beside those of its kernels' set.
struct DotProducts {
  bool bf16 = false;                  // what Kernels::gemm_bf16 needs, where it is not null
  const Int8Kernels* int8 = nullptr;  // null: int8 inputs are multiplied as bf16 or f32
};

class SimdBackend : public CpuBackend {
 public:
  SimdBackend(const Numerics& numerics, const Kernels& kernels, const DotProducts& dots,
              std::unique_ptr<ThreadPool> pool);

  std::string describe() const override;
  ParallelCounts parallel_counts() const override { return {pool_->n_regions(), pool_->wait_ns()}; }

  void embed(View x, const Matrix& table, std::span<const int32_t> token) override;
  void rms_norm(View y, View x, std::span<const float> w, float eps) override;
  void add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) override;
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
  /// How the inputs of a product lie in memory.
  enum class Storage { kF32, kBf16, kInt8 };  // kInt8: in groups, an "element" being one
  static int64_t element_bytes(Storage storage);
  /// How a product takes its inputs.
  struct InputForm {
    Storage storage = Storage::kF32;
    bool round = false;                    // to bf16
    InputCodec codec = InputCodec::kNone;  // instead of rounding

    bool is_as_given() const { return storage == Storage::kF32 && !round && codec == InputCodec::kNone; }
  };
  /// Elements of a packed row of n values: whole steps of every kernel.
  static int64_t packed_elements(Storage storage, int64_t n);

  /// The left side of a product: rows of K elements, for [T, H, K] H rows a token.
  struct Input {
    Storage storage = Storage::kF32;
    const uint8_t* data = nullptr;
    int64_t row_stride = 0;   // elements from token to token
    int64_t head_stride = 0;  // elements from head to head

    const void* row(int64_t t, int64_t head = 0) const;
  };

  /// Work space of one thread.
  struct ThreadScratch {
    Scratch keys, decoded, query, score, latent;  // attention
    Scratch gate, up, output;                     // experts
    std::vector<uint32_t> order;                  // selection
  };

  ThreadScratch& scratch_of(int thread) { return thread_scratch_[static_cast<size_t>(thread)]; }

  InputForm input_form(WeightFormat format, InputCodec codec) const;
  InputForm input_form(WeightFormat format) const { return input_form(format, input_codec(format)); }
  void pack_values(const InputForm& form, uint8_t* row, int64_t from, const float* x, int64_t n) const;
  Input pack(const View& x, const InputForm& form, Scratch& scratch);
  void gemm(Storage storage, const GemmArgs& args) const;
  void multiply(const View& y, const View& x, const Matrix& w, const InputForm& form, bool round_output);

  static int64_t hidden_bytes(int64_t width);
  uint8_t* hidden_row(int64_t place, int64_t width) const;
  void pack_expert_inputs(const View& x, std::span<const MlpMatrices> experts);
  void expert_hidden(const MlpMatrices& w, int32_t expert, int64_t strip, ThreadScratch& scratch);
  void expert_outputs(View y, View weight, std::span<const MlpMatrices> experts, int64_t from, int64_t to,
                      ThreadScratch& scratch);

  struct KeyScoring;
  void score_keys(const KeyScoring& op, int64_t row, int64_t first, int64_t n, ThreadScratch& scratch) const;
  void score_rows(KeyScoring& op);
  struct Attention;
  void attend(const Attention& op, int64_t t, int64_t head, ThreadScratch& scratch) const;

  const Kernels& kernels_;
  bool bf16_dot_;
  const Int8Kernels* int8_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<ThreadScratch> thread_scratch_;

  Scratch input_;  // the packed input of a product
  RopeTable rope_table_;
  Scratch key_score_;                // [rows, keys] of the indexer
  std::vector<int32_t> long_rows_;   // rows that the indexer must score
  std::vector<int32_t> n_selected_;  // [T] positions that attention reads

  ExpertRows expert_rows_;
  std::array<Scratch, kWeightFormats> expert_input_scratch_;
  std::array<Input, kWeightFormats> expert_input_;  // as weights of each format take it
  Scratch hidden_;                                  // [slots, I] silu(gate) * up, packed for the product with `down`
};

}  // namespace drawbridge
