// The kernels for AVX-512, with bf16 dot products where the CPU has them.
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/dot_bf16_avx512-inl.h"
//
#include "backend/cpu/panels-inl.h"

namespace drawbridge {

const Kernels& avx512_kernels() {
  static constexpr Kernels kTable = kernel_table("avx512", gemm_bf16);
  return kTable;
}

const PanelKernels& avx512_panels() {
  static constexpr PanelKernels kTable = {f32_panels("avx512 f32"), nullptr, nullptr};
  return kTable;
}

}  // namespace drawbridge
