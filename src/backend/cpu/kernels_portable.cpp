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
  static constexpr PanelKernels kTable = {f32_panels("portable f32"), nullptr, nullptr};
  return kTable;
}

}  // namespace drawbridge
