#include "inputs.h"

#include <algorithm>
#include <cmath>

#include "backend/cpu/panel_kernels.h"
#include "base/rng.h"

namespace drawbridge::lab {
namespace {

const Kernels& kernels_of(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return avx512_kernels();
  if (isa == Isa::kAvx2) return avx2_kernels();
#else
  static_cast<void>(isa);
#endif
  return portable_kernels();
}

}  // namespace

std::vector<float> random_values(int64_t n, uint64_t seed) {
  std::vector<float> values(static_cast<size_t>(n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(2 * uniform_at(seed, i) - 1);
  return values;
}

std::vector<float> take(std::vector<float>& numbers) {
  std::vector<float> taken(numbers.size(), NAN);
  taken.swap(numbers);
  return taken;
}

std::vector<UsableKernels> usable_kernels() {
  const CpuFeatures features = detect_cpu_features();
  std::vector<UsableKernels> usable;
  for (const std::string& name : usable_isas(features)) {
    const auto isa = choose_isa(name, features);
    if (!isa.ok() || *isa == Isa::kScalar) continue;
    const bool bf16_dot = *isa == Isa::kAvx512 && features.avx512_bf16;
    usable.push_back({name, &kernels_of(*isa), panel_kernels(*isa, features), bf16_dot});
  }
  std::reverse(usable.begin(), usable.end());
  return usable;
}

}  // namespace drawbridge::lab
