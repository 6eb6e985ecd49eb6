// The kernels in plain C++.
#include "backend/cpu/vec_portable.h"
//
#include "backend/cpu/kernels-inl.h"

namespace drawbridge {

const Kernels& portable_kernels() {
  static constexpr Kernels kTable = kernel_table("portable");
  return kTable;
}

}  // namespace drawbridge
