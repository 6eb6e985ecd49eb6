#include "backend/backend.h"

#include "backend/cpu/scalar.h"

namespace drawbridge {

void Backend::add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) {
  add(resid, x);
  rms_norm(y, resid, w, eps);
}

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options) {
  if (options.isa != "scalar") {
    return fail(Code::kUnsupported, "--isa: wanted scalar, found '{}': no other CPU kernels are built in", options.isa);
  }
  return std::unique_ptr<Backend>(std::make_unique<ScalarBackend>(options.numerics));
}

}  // namespace drawbridge
