// Inputs packed as int8: the same bytes from every instruction set. What the portable ones stand for is held against
// quantize_input by the products of panel_gemm_test.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "backend/cpu/panel_kernels.h"
#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr int64_t kBlock = 32;

/// Blocks of every size from subnormal to the largest, halves between two codes, lone signs, and no numbers.
std::vector<float> awkward_row() {
  std::vector<float> row;
  for (int exponent = -149; exponent <= 127; ++exponent) {
    for (int64_t i = 0; i < kBlock; ++i) {
      const auto counter = static_cast<uint64_t>(row.size());
      row.push_back(std::ldexp(static_cast<float>(2 * uniform_at(1, counter) - 1), exponent));
    }
  }
  for (int64_t i = 0; i < kBlock; ++i) row.push_back(static_cast<float>(i) - 15.5f);
  for (int64_t i = 0; i < kBlock; ++i) row.push_back(i == 7 ? -127.0f : i == 8 ? 127.0f : 0.5f * static_cast<float>(i));
  for (const float odd : {127.5f, -127.9999f, 128.0f, -0.0f, 0.0f, std::numeric_limits<float>::max(), INFINITY,
                          -INFINITY, NAN, std::numeric_limits<float>::denorm_min()}) {
    for (int64_t i = 0; i < kBlock; ++i) row.push_back(i == 31 ? odd : 0.0f);
  }
  row.insert(row.end(), {1.0f, -2.5f, 3.25f});  // a block that ends early
  return row;
}

std::vector<uint8_t> packed(const PanelProduct& product, const std::vector<float>& row) {
  const auto n = static_cast<int64_t>(row.size());
  std::vector<uint8_t> bytes(static_cast<size_t>(product.row_bytes(n)));
  product.pack(bytes.data(), n, 0, row.data(), n);
  return bytes;
}

TEST(PanelInt8, EveryInstructionSetPacksTheSameBytes) {
  const std::vector<float> row = awkward_row();
  const std::vector<uint8_t> wanted = packed(*portable_panels().int8, row);
  const CpuFeatures features = detect_cpu_features();
  for (const std::string& isa : usable_isas(features)) {
    if (isa == "scalar") continue;
    const PanelKernels panels = panel_kernels(choose_isa(isa, features).value(), features);
    if (panels.int8 == nullptr) continue;
    EXPECT_EQ(packed(*panels.int8, row), wanted) << isa;
  }
}

}  // namespace
}  // namespace drawbridge
