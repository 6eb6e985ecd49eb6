// Backend: the one seam between the model and a device. About twenty ops on borrowed views, outputs first.
//
// Every op checks its shapes (DB_CHECK: a wrong shape is our bug). An op that the device cannot carry out stores the
// first failure and later ops become no-ops; the caller asks status() once a step, after synchronize().
// Determinism: the result of a row depends on that row and its cache alone, bit for bit, never on the other rows of
// the step, on how the step was cut into chunks, on the page size or on the number of threads.
// Legend: T tokens of a step, D hidden, H heads, R rope width, C latent width (kv_lora), E experts, K experts a token.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backend/plan_source.h"
#include "base/result.h"
#include "tensor/matrix.h"
#include "tensor/numerics.h"
#include "tensor/paged.h"
#include "tensor/view.h"

namespace drawbridge {

/// One routed or shared expert, or a dense MLP: down(silu(gate x) * (up x)).
struct MlpMatrices {
  Matrix gate;  // [I, D]
  Matrix up;    // [I, D]
  Matrix down;  // [D, I]
};

struct RouterOptions {
  int64_t experts_per_token = 0;
  int64_t n_group = 1;
  int64_t topk_group = 1;
  bool normalize = true;        // divide the chosen weights by their sum + 1e-20
  float scaling_factor = 1.0f;  // applied after normalizing
};

/// x of an RMS norm; with a `resid` (else it has no dimensions) resid [T, D] += x comes first, and the norm is resid's.
struct NormInput {
  View x;
  View resid;
  std::span<const float> w;  // [D]
  float eps = 0;

  bool adds() const { return resid.rank > 0; }
};

/// One of the products y [T, N] = x w^T that read the same x.
struct Product {
  View y;
  const Matrix* w = nullptr;  // null: left out
  bool in_f32 = false;        // linear_f32's instead of linear's
};

/// How often a backend's threads had to wait for each other.
struct ParallelCounts {
  int64_t n_regions = 0;  // loops that were shared among threads, each ended by a barrier
  int64_t wait_ns = 0;    // that the issuing thread waited at these ends
};

/// Owner of device memory.
using Buffer = std::shared_ptr<void>;

class Backend {
 public:
  virtual ~Backend() = default;

  /// One line for the start-up log: device, instruction set, threads.
  virtual std::string describe() const = 0;
  virtual const Numerics& numerics() const = 0;
  /// Device memory, zeroed, at least 64-byte aligned. Freed with the returned owner.
  virtual Result<Buffer> allocate(int64_t bytes) = 0;
  /// Whether its products read matrices of this format in panels (tensor/panel.h) faster than in rows.
  virtual bool prefers_panels(WeightFormat) const { return false; }
  /// First failure since the last call, then cleared.
  virtual Status status() = 0;
  /// Since the start; a device without such threads counts none.
  virtual ParallelCounts parallel_counts() const { return {}; }

  /// x [T, D] = rows of `table` [V, D].
  virtual void embed(View x, const Matrix& table, std::span<const int32_t> token) = 0;
  /// y [T, D] = w * x / rms(x). y may be x.
  virtual void rms_norm(View y, View x, std::span<const float> w, float eps) = 0;
  /// resid [T, D] += x; y [T, D] = w * resid / rms(resid).
  virtual void add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps);
  /// y [T, D] = w * (x - mean) / sqrt(var + eps) + b. y may be x.
  virtual void layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) = 0;
  /// y [T, N] = x [T, K] w^T. Here and in moe the numerics may put the inputs of quantized weights on a grid.
  virtual void linear(View y, View x, const Matrix& w) = 0;
  /// y [T, N] = x w^T with neither input nor output rounded, whatever the numerics: router and index head weights.
  virtual void linear_f32(View y, View x, const Matrix& w) = 0;
  /// y = rms_norm or add_rms_norm of `input`, then linear or linear_f32 of y for each product, to the bit: a device may
  /// pack y for them as it makes it, and share out all products at once. y may be input.x.
  virtual void norm_linear(View y, const NormInput& input, std::span<const Product> products);
  /// y [T, H, N] = x [T, H, K] w_h^T with w_h = rows [h N, (h + 1) N) of w [H N, K]. Inputs are never quantized: this
  /// is absorbed attention, which multiplies kv_b by other inputs than those that an exporter means.
  virtual void linear_heads(View y, View x, const Matrix& w) = 0;
  /// Rotates pairs (2i, 2i + 1) of x [T, R] or [T, H, R] in place by pos * theta^(-2i / R).
  virtual void rope(View x, std::span<const int32_t> pos, float theta) = 0;
  /// Stores x [T, width] into the cache at `slot` [T] (page * page_size + place).
  virtual void kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) = 0;
  /// Lightning indexer (DeepSeek-V3.2): for each row the positions of the `selected.cols()` largest
  /// I_t = sum_h (w_h H^-0.5) relu(q_h k_t * d^-0.5) among t <= pos, ascending, padded with -1. Ties: lower position
  /// first. A row with pos < topk selects 0..pos without scoring.
  /// selected i32 [T, topk], q [T, H, d], head_weight [T, H], cache width d.
  virtual void index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                          std::span<const int32_t> pos) = 0;
  /// Absorbed MLA over the selected positions: score (q_latent c_t + q_rope k_t) * scale, o = sum_t p_t c_t.
  /// o, q_latent [T, H, C], q_rope [T, H, R], cache width C + R, selected i32 [T, topk] (-1 = none).
  virtual void mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map,
                             View selected, float scale) = 0;
  /// Router in f32: s = sigmoid(logit), choose by s + bias within the best groups, weigh by s. expert i32 [T, K],
  /// weight [T, K], logit [T, E], bias [E]. Slots are in descending order of s + bias; ties: lower expert first.
  /// Columns beyond options.experts_per_token are experts E, E + 1, ... that every token has with weight 1.
  virtual void route(View expert, View weight, View logit, std::span<const float> bias,
                     const RouterOptions& options) = 0;
  /// y [T, D] = sum_k weight[t, k] * expert_k(x), summed in f32 in ascending order of the experts.
  virtual void moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) = 0;
  /// y [T, I] = silu(gate) * up.
  virtual void swiglu(View y, View gate, View up) = 0;
  /// y [T, D] += x.
  virtual void add(View y, View x) = 0;
  /// y [T, D] = x, also between views of different strides.
  virtual void copy(View y, View x) = 0;
  virtual void fill(View y, float value) = 0;
  /// Copies between memory of this device or of the host, either of them on either side; the two do not overlap.
  virtual void copy_bytes(void* to, const void* from, int64_t bytes) = 0;
  /// y [n, D] = rows `row` [n] of x.
  virtual void gather_rows(View y, View x, std::span<const int32_t> row) = 0;
  /// Sum of x over the tensor-parallel ranks, in rank order. One rank: nothing to do.
  virtual void all_reduce(View x) = 0;
  /// Waits until all ops issued so far are done.
  virtual void synchronize() = 0;
};

struct CpuOptions {
  std::string isa = "auto";  // auto, avx512, avx2, portable, scalar
  int64_t n_threads = 0;     // 0: as many as the process may use
  Numerics numerics;
  std::shared_ptr<PlanSource> plans = nullptr;  // null: default_plan
  bool pin_threads = false;                     // each but the caller's to one CPU
};

/// The CPU backends. "scalar" is the readable, double-accumulating reference on one thread; "auto" the widest vector
/// kernels of this CPU. One whose instructions are missing is refused by name.
Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options);
/// What `isa` may be on this CPU, "auto" aside, widest first.
std::vector<std::string> usable_cpu_isas();

}  // namespace drawbridge
