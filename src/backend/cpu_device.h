#pragma once

#include "backend/backend.h"

namespace drawbridge {

/// What make_cpu_backend makes of "auto" and of 0 threads.
struct CpuDevice {
  std::string isa;
  int64_t n_threads = 0;
};
Result<CpuDevice> resolve_cpu_device(const CpuOptions& options);

}  // namespace drawbridge
