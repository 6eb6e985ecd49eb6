// Rotating the rope part of 64 heads, 64 wide, of one token, and of its key; and the angles that a step needs.
//
// A value is read and written and takes 3 operations; cos and sin of a token serve all its heads. All in the
// first-level cache, whose rate is the limit. All layers of a step share one table of angles.
#include <fmt/core.h>

#include <cmath>

#include "backend/cpu/rope_table.h"
#include "inputs.h"
#include "ladder.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kWidth = 64;
constexpr float kTheta = 8e6f;
constexpr int32_t kPosition = 2047;

struct Heads {
  explicit Heads(int64_t n) : n_heads(n) {}

  int64_t n_heads;
  std::vector<float> first = random_values(n_heads * kWidth, 1), x = first;
  RopeTable table;

  /// The rotated heads, which start anew.
  std::vector<float> take_rotated() {
    std::vector<float> rotated = first;
    rotated.swap(x);
    return rotated;
  }
};

/// Angles for each head again, as the definition has them.
void plain(Heads& heads) {
  for (int64_t h = 0; h < heads.n_heads; ++h) {
    float* const x = heads.x.data() + h * kWidth;
    for (int64_t i = 0; i < kWidth; i += 2) {
      const float frequency = 1.0f / std::pow(kTheta, static_cast<float>(i) / static_cast<float>(kWidth));
      const float angle = frequency * static_cast<float>(kPosition), c = std::cos(angle), s = std::sin(angle);
      const float even = x[i], odd = x[i + 1];
      x[i] = even * c - odd * s;
      x[i + 1] = odd * c + even * s;
    }
  }
}

void with_table(Heads& heads, const Kernels& kernels) {
  for (int64_t h = 0; h < heads.n_heads; ++h) {
    kernels.rope_row({heads.x.data() + h * kWidth, heads.table.cos(0), heads.table.sin(0), kWidth, false, false});
  }
}

bool climb_heads(int64_t n_heads) {
  Heads heads(n_heads);
  const int32_t position[] = {kPosition};
  heads.table.prepare(position, kWidth, kTheta, false);
  Ladder ladder;
  ladder.name = fmt::format("rope, {} head{} of {}", n_heads, n_heads == 1 ? "" : "s", kWidth);
  ladder.limit = "cache read";
  ladder.cached_bytes = 4 * (n_heads + 2) * kWidth;
  ladder.work = static_cast<double>(4 * (2 * n_heads + 2) * kWidth);
  ladder.tolerance = 1e-6;
  ladder.take_result = [&heads] { return heads.take_rotated(); };
  ladder.versions = {{"plain, angles each time", [&heads](int64_t) { plain(heads); }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const Kernels& kernels = *usable.rows;
    ladder.versions.push_back(
        {usable.isa + ", a table a step", [&heads, &kernels](int64_t) { with_table(heads, kernels); }});
  }
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  const bool many = climb_heads(64);
  return climb_heads(1) && many ? 0 : 1;
}
