// The kernels in plain C++.
#include "backend/cpu/vec_portable.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/panels-inl.h"

namespace drawbridge {

const Kernels& portable_kernels() {
  static constexpr Kernels kTable = kernel_table("portable");
  return kTable;
}

const PanelKernels& portable_panels() {
  static constexpr PanelProduct kInt8 = {"portable int8", int8_row_bytes,         pack_panel_int8,
                                         f32_work_bytes,  gemm_panels_plain_int8, PlainInt8Product<Q8Blocks>::kColumns};
  static constexpr PanelKernels kTable = {f32_panels("portable f32"), nullptr, &kInt8};
  return kTable;
}

}  // namespace drawbridge
