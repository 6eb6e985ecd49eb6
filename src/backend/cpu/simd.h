// SimdBackend: the fast CPU backend. Splits each op over the thread pool and leaves the arithmetic to the kernels of
// one instruction set (kernels.h). Rounds where ScalarBackend rounds; sums in f32, each output in one fixed order.
// Weights are read in whatever format and order they lie; how a product is cut into tiles is its plan's
// (plan_source.h).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "backend/cpu/cpu_backend.h"
#include "backend/cpu/expert_rows.h"
#include "backend/cpu/kernels.h"
#include "backend/cpu/key_reader.h"
#include "backend/cpu/rope_table.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/thread_pool.h"

namespace drawbridge {

/// What the CPU at hand computes with.
struct CpuKernels {
  const Kernels& rows;
  PanelKernels panels;
  bool bf16_dot = false;  // what Kernels::gemm_bf16 needs, where it is not null
};

/// Reading weights costs about as much as this many rows of work with them.
inline constexpr int64_t kStreamRows = 4;

class SimdBackend : public CpuBackend {
 public:
  /// `plans` null: default_plan for every shape.
  SimdBackend(const Numerics& numerics, const CpuKernels& kernels, std::shared_ptr<PlanSource> plans,
              std::unique_ptr<ThreadPool> pool);

  std::string describe() const override;
  bool prefers_panels(WeightFormat format) const override;
  ParallelCounts parallel_counts() const override { return {pool_->n_regions(), pool_->wait_ns()}; }

  void embed(View x, const Matrix& table, std::span<const int32_t> token) override;
  void rms_norm(View y, View x, std::span<const float> w, float eps) override;
  void add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) override;
  void layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) override;
  void linear(View y, View x, const Matrix& w) override;
  void linear_f32(View y, View x, const Matrix& w) override;
  void norm_linear(View y, const NormInput& input, std::span<const Product> products) override;
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
  /// How a product takes its inputs, and whose product it is.
  struct InputForm {
    PanelInput storage = PanelInput::kF32;
    const PanelProduct* panels = nullptr;  // for weights in panels; null: for weights in rows
    bool round = false;                    // to bf16, before packing
    InputCodec codec = InputCodec::kNone;  // instead of rounding, before packing

    bool is_as_given() const {
      return panels == nullptr && storage == PanelInput::kF32 && !round && codec == InputCodec::kNone;
    }
    int64_t row_bytes(int64_t k) const;
    friend bool operator==(const InputForm&, const InputForm&) = default;
  };

  /// The left side of a product: packed rows of K values, for [T, H, K] H rows a token.
  struct Input {
    const uint8_t* data = nullptr;
    int64_t row_stride = 0;   // bytes from token to token
    int64_t head_stride = 0;  // bytes from head to head

    const uint8_t* row(int64_t t, int64_t head = 0) const { return data + t * row_stride + head * head_stride; }
  };

  /// y [T, N] = x w^T, or y [T, H, N] = x w_h^T with w_h = rows [h N, (h + 1) N). Items are strips of one head's rows
  /// and one block of tokens, the strips of a block next to each other.
  struct Job {
    View y;
    const Matrix* w = nullptr;
    InputForm form;
    bool round_output = false;
    TilePlan plan;
    Input input;
    int64_t strip = 0;     // rows of the weights
    int64_t n_strips = 0;  // a head
    int64_t block = 0;     // tokens
    int64_t n_blocks = 0;

    int64_t n_heads() const { return y.rank == 3 ? y.dim(1) : 1; }
    int64_t n_items() const { return n_heads() * n_blocks * n_strips; }
    int64_t item_cost() const { return w->k * strip * (block + kStreamRows); }
  };

  /// Rows in the form in which some jobs take them.
  struct PackedRows {
    InputForm form;
    uint8_t* data = nullptr;
    int64_t row_bytes = 0;
  };

  /// Rows [n_from, n_to) of w times some packed inputs.
  struct Part {
    const Matrix& w;
    const InputForm& form;
    TilePlan plan;
    int64_t n_from = 0;
    int64_t n_to = 0;
    const uint8_t* x = nullptr;
    int64_t x_stride = 0;            // bytes
    const int32_t* x_row = nullptr;  // [n_tokens]; null: row t for token t
    int64_t n_tokens = 0;
    float* y = nullptr;  // [n_tokens, n_to - n_from]
    int64_t y_stride = 0;
    bool round_output = false;
  };

  /// Work space of one thread.
  struct ThreadScratch {
    KeyReader keys;
    Scratch query, score;         // attention
    Scratch queries, parts;       // attention of neighbouring rows
    Scratch gate, up, output;     // experts
    Scratch values;               // inputs before they are packed
    Scratch codes;                // of a panel, unpacked
    std::vector<uint32_t> order;  // selection
  };

  ThreadScratch& scratch_of(int thread) { return thread_scratch_[static_cast<size_t>(thread)]; }

  InputForm input_form(const Matrix& w, InputCodec codec) const;
  InputForm input_form(const Matrix& w) const { return input_form(w, input_codec(w.format)); }
  void pack_values(const InputForm& form, uint8_t* row, int64_t k, int64_t from, std::span<const float> x,
                   ThreadScratch& scratch) const;
  Input pack(const View& x, const InputForm& form, Scratch& scratch);
  TilePlan shared_plan(TilePlan plan, int64_t n) const;
  void multiply_part(const Part& part, ThreadScratch& scratch) const;
  InputForm f32_form(const Matrix& w) const;
  static Input as_given(const View& x);
  void share_inputs(const View& x);
  Job make_job(const View& y, const Matrix& w, const InputForm& form, bool round_output) const;
  Job make_job(const Product& product) const;
  void multiply_items(const Job& job, int64_t from, int64_t to, ThreadScratch& scratch) const;
  void multiply(std::span<const Job> jobs);
  void multiply(const View& y, const View& x, const Matrix& w, const InputForm& form, bool round_output);
  void norm_row(const View& y, const NormInput& input, int64_t t) const;

  struct ExpertStep;
  void pack_expert_inputs(ExpertStep& step);
  void expert_hidden(const ExpertStep& step, int32_t expert, int64_t strip, ThreadScratch& scratch) const;
  void expert_outputs(const ExpertStep& step, int64_t from, int64_t to, ThreadScratch& scratch) const;

  const AttentionKernels& attention_kernels(const KvFormat& format) const;
  void pack_queries(uint8_t* block, const KeySource& source, std::span<const View> parts, int64_t t, int64_t head,
                    ThreadScratch& scratch) const;
  struct KeyScoring;
  void score_rows(KeyScoring& op);
  void choose(std::span<const float> score, std::span<int32_t> out, ThreadScratch& scratch) const;
  void pack_index_queries(const KeyScoring& op, int64_t row, ThreadScratch& scratch) const;
  void score_chunk(const KeyScoring& op, int64_t row, int64_t chunk, ThreadScratch& scratch) const;
  struct Attention;
  void take_rows(Attention& op);
  void attend_rows(const Attention& op);
  void attend_neighbours(const Attention& all);
  void attend_group(Attention& op, ThreadScratch& scratch) const;
  void attend_chunk(const Attention& op, int64_t row, int64_t block, int64_t chunk, ThreadScratch& scratch) const;
  void merge_chunks(const Attention& op, int64_t row, int64_t block) const;

  const Kernels& kernels_;
  bool bf16_dot_;
  PanelKernels panels_;
  std::shared_ptr<PlanSource> plans_;
  std::unique_ptr<ThreadPool> pool_;
  std::vector<ThreadScratch> thread_scratch_;

  Scratch input_;                     // the packed input of a product
  std::vector<Job> jobs_;             // products that share an input
  std::vector<PackedRows> packed_;    // that input, once a form
  std::vector<Scratch> packed_room_;  // where it lies
  RopeTable rope_table_;
  Scratch index_queries_, index_weights_;
  Scratch key_score_;               // [rows, keys] of the indexer
  std::vector<int32_t> long_rows_;  // rows that the indexer must score
  Scratch attention_queries_, attention_parts_;
  std::vector<int32_t> n_selected_;  // [T] positions that attention reads

  ExpertRows expert_rows_;
  std::array<Scratch, kWeightFormats * 2> expert_input_;  // by format and order of the weights that take it
  Scratch hidden_;  // [slots, I] silu(gate) * up, packed for the product with `down`
};

}  // namespace drawbridge
