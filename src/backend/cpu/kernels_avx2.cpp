// The kernels for AVX2 with FMA and F16C.
#include "backend/cpu/vec_avx2.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/panels-inl.h"

namespace drawbridge {

const Kernels& avx2_kernels() {
  static constexpr Kernels kTable = kernel_table("avx2");
  return kTable;
}

const PanelKernels& avx2_panels() {
  static constexpr PanelKernels kTable = {f32_panels("avx2 f32"), nullptr, nullptr};
  return kTable;
}

}  // namespace drawbridge
