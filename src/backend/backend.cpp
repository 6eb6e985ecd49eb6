#include "backend/backend.h"

#include <algorithm>
#include <thread>

#include "backend/cpu/cpu_features.h"
#include "backend/cpu/panel_kernels.h"
#include "backend/cpu/scalar.h"
#include "backend/cpu/simd.h"

namespace drawbridge {
namespace {

constexpr int64_t kMaxThreads = 1024;

const Kernels& kernels_of(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512) return avx512_kernels();
  if (isa == Isa::kAvx2) return avx2_kernels();
#endif
  DB_CHECK(isa == Isa::kPortable);
  return portable_kernels();
}

}  // namespace

void Backend::add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) {
  add(resid, x);
  rms_norm(y, resid, w, eps);
}

void Backend::norm_linear(View y, const NormInput& input, std::span<const Product> products) {
  input.adds() ? add_rms_norm(y, input.resid, input.x, input.w, input.eps) : rms_norm(y, input.x, input.w, input.eps);
  for (const Product& p : products) {
    if (p.w != nullptr) p.in_f32 ? linear_f32(p.y, y, *p.w) : linear(p.y, y, *p.w);
  }
}

Result<std::unique_ptr<Backend>> make_cpu_backend(const CpuOptions& options) {
  const CpuFeatures features = detect_cpu_features();
  DB_ASSIGN(const Isa isa, choose_isa(options.isa, features));
  if (options.n_threads < 0 || options.n_threads > kMaxThreads) {
    return fail(Code::kInvalidArgument, "--threads: wanted 0 (all) to {}, found {}", kMaxThreads, options.n_threads);
  }
  if (isa == Isa::kScalar) return std::unique_ptr<Backend>(std::make_unique<ScalarBackend>(options.numerics));
  const int64_t n_threads = options.n_threads > 0 ? options.n_threads : std::thread::hardware_concurrency();
  DB_ASSIGN(auto pool,
            ThreadPool::start(static_cast<int>(std::clamp<int64_t>(n_threads, 1, kMaxThreads)), options.pin_threads));
  const CpuKernels kernels{kernels_of(isa), panel_kernels(isa, features), features.avx512_bf16};
  return std::unique_ptr<Backend>(
      std::make_unique<SimdBackend>(options.numerics, kernels, options.plans, std::move(pool)));
}

std::vector<std::string> usable_cpu_isas() {
  return usable_isas(detect_cpu_features());
}

}  // namespace drawbridge
