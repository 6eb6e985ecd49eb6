#include "engine/exponentials.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace drawbridge {
namespace {

std::vector<double> exponents() {
  std::vector<double> x = {0, -0.0, -1e-300, -0x1p-60, -0.34657359, -0.3465736, -707.9999, -708, -1};
  for (uint64_t i = 0; i < 20'000; ++i) x.push_back(-700 * uniform_at(1, i) * uniform_at(2, i));
  return x;
}

TEST(Exponentials, AreNearTheLibrarys) {
  const std::vector<double> x = exponents();
  std::vector<double> found = x;
  exponentials(found);
  for (size_t i = 0; i < x.size(); ++i) {
    const double wanted = std::exp(x[i]);
    ASSERT_LE(std::abs(found[i] - wanted), 0x1p-51 * wanted) << x[i];
    ASSERT_LE(found[i], 1) << x[i];
  }
  EXPECT_EQ(found[0], 1);
}

TEST(Exponentials, OfWhatIsTooSmallAreZero) {
  std::vector<double> x = {-708.001, -1e9, -INFINITY};
  exponentials(x);
  EXPECT_EQ(x, (std::vector<double>{0, 0, 0}));
}

/// However many there are and whatever registers the CPU has.
TEST(Exponentials, HaveTheSameBitsEverywhere) {
  const std::vector<double> x = exponents();
  for (size_t n = 0; n < 40; ++n) {
    std::vector<double> wide(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(n)), plain = wide;
    exponentials(wide);
    exponentials_portable(plain);
    for (size_t i = 0; i < n; ++i) {
      std::vector<double> alone = {x[i]};
      exponentials(alone);
      ASSERT_EQ(std::bit_cast<uint64_t>(wide[i]), std::bit_cast<uint64_t>(plain[i])) << x[i];
      ASSERT_EQ(std::bit_cast<uint64_t>(wide[i]), std::bit_cast<uint64_t>(alone[0])) << x[i];
    }
  }
}

}  // namespace
}  // namespace drawbridge
