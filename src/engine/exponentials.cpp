#include "engine/exponentials.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace drawbridge {
namespace {

constexpr size_t kLanes = 8;
typedef double Vec __attribute__((vector_size(8 * kLanes)));
typedef int64_t Bits __attribute__((vector_size(8 * kLanes)));

/// n = round(x / ln 2) and r = x - n ln 2 in two steps (Cody and Waite; the first is exact), then Taylor to r^13:
/// |r| <= 0.347 leaves r^14 / 14! < 5e-18.
[[gnu::always_inline]] inline void replace_eight(double* x) {
  constexpr double kLeast = -708;      // e^x stays a normal number
  constexpr double kShift = 0x1.8p52;  // adding it rounds to an integer, which the low bits then hold
  constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;
  constexpr double kTaylor[] = {
      1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720,
      1.0 / 120,       1.0 / 24,       1.0 / 6,       0.5,          1.0,         1.0};
  Vec given;
  std::memcpy(&given, x, sizeof given);
  const Bits is_normal = given >= kLeast;
  const Vec kept = is_normal ? given : Vec{} + kLeast;
  const Vec shifted = kept * 1.44269504088896340736 + kShift;
  const Vec n = shifted - kShift;
  const Vec r = (kept - n * kLn2High) - n * kLn2Low;
  Vec p = Vec{} + 1.0 / 6227020800;
  for (const double c : kTaylor) p = p * r + c;
  const Vec power = reinterpret_cast<Vec>((reinterpret_cast<Bits>(shifted) << 52) + (int64_t{1023} << 52));
  const Vec result = is_normal ? p * power : Vec{};
  std::memcpy(x, &result, sizeof result);
}

[[gnu::always_inline]] inline void replace(double* x, size_t n) {
  const size_t whole = n - n % kLanes;
  for (size_t i = 0; i < whole; i += kLanes) replace_eight(x + i);
  if (whole == n) return;
  double rest[kLanes] = {};
  std::copy(x + whole, x + n, rest);
  replace_eight(rest);
  std::copy_n(rest, n - whole, x + whole);
}

#if defined(__x86_64__)
[[gnu::target("avx512f,avx512dq")]] void replace_avx512(double* x, size_t n) {
  replace(x, n);
}
[[gnu::target("avx2")]] void replace_avx2(double* x, size_t n) {
  replace(x, n);
}
#endif

}  // namespace

void exponentials_portable(std::span<double> x) {
  replace(x.data(), x.size());
}

void exponentials(std::span<double> x) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) {
    return replace_avx512(x.data(), x.size());
  }
  if (__builtin_cpu_supports("avx2")) return replace_avx2(x.data(), x.size());
#endif
  exponentials_portable(x);
}

}  // namespace drawbridge
