#include "backend/cpu_device.h"

#include <algorithm>
#include <thread>

#include "backend/cpu/cpu_features.h"

namespace drawbridge {

Result<CpuDevice> resolve_cpu_device(const CpuOptions& options) {
  const CpuFeatures features = detect_cpu_features();
  DB_ASSIGN(const Isa isa, choose_isa(options.isa, features));
  const std::string name = options.isa == "auto" ? usable_isas(features).front() : options.isa;
  if (isa == Isa::kScalar) return CpuDevice{name, 1};
  const int64_t n_threads = options.n_threads > 0 ? options.n_threads : std::thread::hardware_concurrency();
  return CpuDevice{name, std::max<int64_t>(n_threads, 1)};
}

}  // namespace drawbridge
