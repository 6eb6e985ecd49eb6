// Which products of panels a CPU offers.
#pragma once

#include "backend/cpu/cpu_features.h"
#include "backend/cpu/kernels.h"

namespace drawbridge {

/// Those of an instruction set other than kScalar, with the dot products that `features` allow.
PanelKernels panel_kernels(Isa isa, const CpuFeatures& features);

}  // namespace drawbridge
