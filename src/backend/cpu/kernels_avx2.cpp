// The kernels for AVX2 with FMA and F16C.
#include "backend/cpu/vec_avx2.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/panels-inl.h"
//
#include "backend/cpu/panel_int8_avx2-inl.h"

namespace drawbridge {

const Kernels& avx2_kernels() {
  static constexpr Kernels kTable = kernel_table("avx2");
  return kTable;
}

const PanelKernels& avx2_panels() {
  static constexpr PanelProduct kInt8 = {"avx2 int8", int8_row_bytes,        pack_panel_int8,
                                         no_work,     gemm_panels_avx2_int8, Avx2Int8Product<Q8Half>::kColumns};
  static constexpr PanelKernels kTable = {f32_panels("avx2 f32"), nullptr, &kInt8};
  return kTable;
}

}  // namespace drawbridge
