// Kernels: what SimdBackend asks of an instruction set, as one table of functions. Each works on a slice of an op, on
// the calling thread, without allocating; SimdBackend checks shapes, splits the work and owns the buffers.
//
// kernels_<isa>.cpp fills a table from the shared templates (*-inl.h) over its own Vec (vec_<isa>.h), compiled with
// that set's flags. Everything in those units is in the unnamed namespace and no standard template is used there: an
// inline function shared with other units could be the copy that the linker keeps, and then a CPU without the
// instructions meets them in common code. The test isa_units_share_no_code looks at the symbols.
//
// Same bits whatever the batch: an output element is summed lane by lane over K and then over the lanes, in one order
// that depends on K alone; tiles only choose which elements are computed together.
#pragma once

#include <cstdint>

#include "backend/cpu/attention_kernels.h"
#include "backend/plan_source.h"
#include "tensor/input_codec.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// y[t][n - n_from] = x[t] . w[n] for n in [n_from, n_to).
struct GemmArgs {
  Matrix w;
  int64_t n_from = 0;
  int64_t n_to = 0;
  const void* x = nullptr;         // rows of K: f32 for gemm, bf16 for gemm_bf16
  int64_t x_stride = 0;            // elements
  const int32_t* x_row = nullptr;  // [n_tokens] row of x for each t; null: t
  int64_t n_tokens = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
  bool round_output = false;  // to bf16
};

struct NormArgs {
  float* y = nullptr;
  const float* x = nullptr;
  const float* w = nullptr;
  const float* b = nullptr;  // layer norm only
  int64_t n = 0;
  float eps = 0;
  bool round_unit = false;    // x / rms(x) to bf16, before the weight
  bool round_output = false;  // to bf16
};

/// One row in place: x * cos + (its pair swapped) * sin, with sin's sign already per element.
struct RopeArgs {
  float* x = nullptr;
  const float* cos = nullptr;  // [n] each value twice
  const float* sin = nullptr;  // [n] -sin, sin, ...
  int64_t n = 0;
  bool round_products = false;
  bool round_output = false;
};

/// Positions of the `count` largest of n scores, ascending, as largest_positions of select.h chooses them.
struct SelectArgs {
  const float* score = nullptr;
  int64_t n = 0;
  int32_t* out = nullptr;
  int64_t count = 0;         // 1 to n
  uint32_t* work = nullptr;  // [2 n + kSelectMargin]
};
inline constexpr int64_t kSelectMargin = 48;

struct Kernels {
  const char* isa;
  void (*gemm)(const GemmArgs&);
  void (*gemm_bf16)(const GemmArgs&);  // w in bf16, FP8 or MXFP4; null where there is no such instruction
  void (*decode_row)(float* y, const Matrix& w, int64_t row);
  void (*narrow_row)(uint16_t* y, const float* x, int64_t n);             // to bf16
  void (*round_row)(float* y, const float* x, int64_t n);                 // to bf16, kept as f32
  void (*quantize_row)(float* y, const float* x, int64_t n, InputCodec);  // as quantize_input; y may be x
  void (*add_row)(float* y, const float* x, int64_t n, bool round_output);
  void (*add_scaled_row)(float* y, const float* x, float scale, int64_t n);
  void (*swiglu_row)(float* y, const float* gate, const float* up, int64_t n, bool round);  // silu and product
  void (*rms_norm_row)(const NormArgs&);
  void (*layer_norm_row)(const NormArgs&);
  void (*rope_row)(const RopeArgs&);
  const AttentionKernels* attention;
  const AttentionKernels* attention_bf16;        // queries and keys in bf16; null where there is no such instruction
  void (*largest_positions)(const SelectArgs&);  // null: select.h's is as fast
};

/// y[t][16 (p - panel_from) + r] = x[t] . w[16 p + r] for panels p in [panel_from, panel_to); rows beyond w.n are not
/// written. Sums over K run in one order that K alone decides: block by block.
struct PanelArgs {
  Matrix w;  // in panels
  int64_t panel_from = 0;
  int64_t panel_to = 0;
  const uint8_t* x = nullptr;      // packed rows
  int64_t x_stride = 0;            // bytes, a multiple of 64
  const int32_t* x_row = nullptr;  // [n_tokens] row of x for each t; null: t
  int64_t n_tokens = 0;
  float* y = nullptr;
  int64_t y_stride = 0;       // floats
  bool round_output = false;  // to bf16
  TilePlan plan;
  uint8_t* work = nullptr;  // PanelProduct::work_bytes(w) for plan.expand
};

/// Products of panels with inputs packed in one way.
struct PanelProduct {
  const char* name;
  /// Bytes of a packed row of k values, a multiple of 64.
  int64_t (*row_bytes)(int64_t k);
  /// Values [from, from + n) of a packed row of k values, `from` a multiple of 32, the rest of a block zero. n values
  /// short of a block only at the row's end.
  void (*pack)(uint8_t* row, int64_t k, int64_t from, const float* x, int64_t n);
  /// Of a panel unpacked beforehand; 0 for formats that are not, whatever the plan.
  int64_t (*work_bytes)(const Matrix& w);
  void (*gemm)(const PanelArgs&);
  int32_t max_columns;  // of its widest tile; wider plans are cut to it
};

/// What an instruction set offers for panels.
struct PanelKernels {
  PanelProduct f32;          // inputs as they are, all formats
  const PanelProduct* bf16;  // inputs rounded to bf16, all formats; null: no such instruction
  const PanelProduct* int8;  // inputs in InputCodec::kInt8, weights in MXFP4 or q8; null: none
};

const Kernels& portable_kernels();
const Kernels& avx2_kernels();
/// Its gemm_bf16 and attention_bf16 need AVX512_BF16 beside what the rest needs.
const Kernels& avx512_kernels();

const PanelKernels& portable_panels();
const PanelKernels& avx2_panels();
/// Without what needs more instructions; panel_kernels() (panel_kernels.h) adds it.
const PanelKernels& avx512_panels();
/// bf16. Needs AVX512_BF16.
const PanelProduct& avx512_bf16_panels();
/// int8. Needs AVX512_VNNI.
const PanelProduct& avx512_vnni_panels();

}  // namespace drawbridge
