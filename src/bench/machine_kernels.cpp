#include "bench/machine_kernels.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace drawbridge {
namespace {

// Enough independent sums to hide a latency of 4 to 5 cycles on two pipes.
constexpr int kSums = 12;

/// Tells the compiler that `value` changes: the loop around it can be neither shortened nor hoisted.
#define DB_OPAQUE(constraint, value) asm volatile("" : "+" constraint(value))

/// Unrolls the loop that follows, so that its sums live in registers.
#if defined(__clang__)
#define DB_UNROLL _Pragma("unroll")
#else
#define DB_UNROLL _Pragma("GCC unroll 12")
#endif

using Float16 [[gnu::vector_size(64)]] = float;

[[gnu::always_inline]] inline float sum_body(const float* a, size_t n) {
  Float16 sums[4] = {};
  for (size_t i = 0; i < n; i += 64) {
    DB_UNROLL
    for (size_t j = 0; j < 4; ++j) sums[j] += *reinterpret_cast<const Float16*>(a + i + 16 * j);
  }
  const Float16 all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  float total = 0;
  for (int j = 0; j < 16; ++j) total += all[j];
  return total;
}

[[gnu::always_inline]] inline void copy_body(float* a, const float* b, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    *reinterpret_cast<Float16*>(a + i) = *reinterpret_cast<const Float16*>(b + i);
  }
}

[[gnu::always_inline]] inline void triad_body(float* a, const float* b, const float* c, float s, size_t n) {
  for (size_t i = 0; i < n; i += 16) {
    *reinterpret_cast<Float16*>(a + i) =
        *reinterpret_cast<const Float16*>(b + i) + s * *reinterpret_cast<const Float16*>(c + i);
  }
}

float sum_plain(const float* a, size_t n) {
  return sum_body(a, n);
}
void copy_plain(float* a, const float* b, size_t n) {
  copy_body(a, b, n);
}
void triad_plain(float* a, const float* b, const float* c, float s, size_t n) {
  triad_body(a, b, c, s, n);
}

void f32_plain(int64_t iterations) {
  float sums[kSums] = {};
  const float x = 0.5f, y = 0.25f;
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (float& sum : sums) {
      sum = sum * x + y;
      DB_OPAQUE("m", sum);
    }
  }
}

#if defined(__x86_64__)

[[gnu::target("avx2,fma")]] float sum_avx2(const float* a, size_t n) {
  return sum_body(a, n);
}
[[gnu::target("avx2,fma")]] void copy_avx2(float* a, const float* b, size_t n) {
  copy_body(a, b, n);
}
[[gnu::target("avx2,fma")]] void triad_avx2(float* a, const float* b, const float* c, float s, size_t n) {
  triad_body(a, b, c, s, n);
}
[[gnu::target("avx512f")]] float sum_avx512(const float* a, size_t n) {
  return sum_body(a, n);
}
[[gnu::target("avx512f")]] void copy_avx512(float* a, const float* b, size_t n) {
  copy_body(a, b, n);
}
[[gnu::target("avx512f")]] void triad_avx512(float* a, const float* b, const float* c, float s, size_t n) {
  triad_body(a, b, c, s, n);
}

// Twelve registers of sums and two of inputs fit the sixteen of AVX2.
[[gnu::target("avx2,fma")]] void f32_avx2(int64_t iterations) {
  __m256 sums[kSums] = {};
  __m256 x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(0.25f);
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(x, y, sum);
      DB_OPAQUE("x", sum);
    }
  }
}

[[gnu::target("avx512f")]] void f32_avx512(int64_t iterations) {
  __m512 sums[kSums] = {};
  __m512 x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(0.25f);
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(x, y, sum);
      DB_OPAQUE("v", sum);
    }
  }
}

[[gnu::target("avx512f,avx512bf16")]] void bf16_avx512(int64_t iterations) {
  __m512 sums[kSums] = {};
  const auto x = (__m512bh)_mm512_set1_epi16(0x3f00), y = (__m512bh)_mm512_set1_epi16(0x3e80);
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (__m512& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, x, y);
      DB_OPAQUE("v", sum);
    }
  }
}

[[gnu::target("avx512f,avx512vnni")]] void int8_avx512(int64_t iterations) {
  __m512i sums[kSums] = {};
  const __m512i x = _mm512_set1_epi8(3), y = _mm512_set1_epi8(2);
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (__m512i& sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, x, y);
      DB_OPAQUE("v", sum);
    }
  }
}

[[gnu::target("avx2,avxvnni")]] void int8_avxvnni(int64_t iterations) {
  __m256i sums[kSums] = {};
  const __m256i x = _mm256_set1_epi8(3), y = _mm256_set1_epi8(2);
  for (int64_t i = 0; i < iterations; ++i) {
    DB_UNROLL
    for (__m256i& sum : sums) {
      sum = _mm256_dpbusd_avx_epi32(sum, x, y);
      DB_OPAQUE("x", sum);
    }
  }
}

bool has_avxvnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned kAvxVnniBit = 1u << 4;  // leaf 7, subleaf 1, eax
  return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && (a & kAvxVnniBit) != 0;
}

#endif

}  // namespace

std::vector<std::string> supported_isa() {
  std::vector<std::string> names;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) names.emplace_back("avx2");
  if (__builtin_cpu_supports("fma")) names.emplace_back("fma");
  if (has_avxvnni()) names.emplace_back("avx_vnni");
  if (__builtin_cpu_supports("avx512f")) names.emplace_back("avx512f");
  if (__builtin_cpu_supports("avx512vnni")) names.emplace_back("avx512_vnni");
  if (__builtin_cpu_supports("avx512bf16")) names.emplace_back("avx512_bf16");
#endif
  return names;
}

std::vector<PeakKernel> peak_kernels() {
  std::vector<PeakKernel> kernels;
#if defined(__x86_64__)
  const bool has_avx512 = __builtin_cpu_supports("avx512f");
  if (has_avx512) {
    kernels.push_back({"f32 FMA", "avx512f", kSums * 16 * 2, f32_avx512});
  } else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    kernels.push_back({"f32 FMA", "avx2", kSums * 8 * 2, f32_avx2});
  }
  if (has_avx512 && __builtin_cpu_supports("avx512bf16")) {
    kernels.push_back({"bf16 dot", "avx512_bf16", kSums * 32 * 2, bf16_avx512});
  }
  if (has_avx512 && __builtin_cpu_supports("avx512vnni")) {
    kernels.push_back({"int8 dot", "avx512_vnni", kSums * 64 * 2, int8_avx512});
  } else if (has_avxvnni()) {
    kernels.push_back({"int8 dot", "avx_vnni", kSums * 32 * 2, int8_avxvnni});
  }
#endif
  if (kernels.empty()) kernels.push_back({"f32 multiply, add", "portable", kSums * 2, f32_plain});
  return kernels;
}

StreamKernels stream_kernels() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return {sum_avx512, copy_avx512, triad_avx512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return {sum_avx2, copy_avx2, triad_avx2};
#endif
  return {sum_plain, copy_plain, triad_plain};
}

}  // namespace drawbridge
