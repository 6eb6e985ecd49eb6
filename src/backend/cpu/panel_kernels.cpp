#include "backend/cpu/panel_kernels.h"

namespace drawbridge {

PanelKernels panel_kernels(Isa isa, const CpuFeatures& features) {
  PanelKernels panels = portable_panels();
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) panels = avx2_panels();
  if (isa == Isa::kAvx512) {
    panels = avx512_panels();
    if (features.avx512_bf16) panels.bf16 = &avx512_bf16_panels();
    if (features.avx512_vnni) panels.int8 = &avx512_vnni_panels();
  }
#else
  static_cast<void>(isa);
  static_cast<void>(features);
#endif
  return panels;
}

}  // namespace drawbridge
