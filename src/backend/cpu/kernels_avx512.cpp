// The kernels for AVX-512, with bf16 dot products where the CPU has them.
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/attention_bf16_avx512-inl.h"
//
#include "backend/cpu/dot_bf16_avx512-inl.h"
//
#include "backend/cpu/panels-inl.h"
//
#include "backend/cpu/panel_bf16_avx512-inl.h"
//
#include "backend/cpu/select_avx512-inl.h"

namespace drawbridge {

const Kernels& avx512_kernels() {
  static constexpr Kernels kTable = kernel_table("avx512", gemm_bf16, &kAttentionBf16, largest_positions);
  return kTable;
}

const PanelKernels& avx512_panels() {
  static constexpr PanelKernels kTable = {f32_panels("avx512 f32"), nullptr, nullptr};
  return kTable;
}

const PanelProduct& avx512_bf16_panels() {
  static constexpr PanelProduct kTable = {"avx512 bf16",    bf16_row_bytes,
                                          pack_panel_bf16,  bf16_work_bytes,
                                          gemm_panels_bf16, PairProduct<Bf16PanelPairs, false>::kColumns};
  return kTable;
}

}  // namespace drawbridge
