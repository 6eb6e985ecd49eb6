#include "backend/cpu/rope_table.h"

#include <algorithm>
#include <cmath>

#include "tensor/dtype.h"

namespace drawbridge {

void RopeTable::prepare(std::span<const int32_t> pos, int64_t width, float theta, bool round) {
  const bool same = width == width_ && theta == theta_ && round == round_;
  if (same && std::equal(pos.begin(), pos.end(), pos_.begin(), pos_.end())) return;
  pos_.assign(pos.begin(), pos.end());
  width_ = width;
  theta_ = theta;
  round_ = round;
  cos_.resize(pos.size() * static_cast<size_t>(width));
  sin_.resize(cos_.size());
  const auto grid = [&](float v) { return round ? round_to_bf16(v) : v; };
  const size_t n_pairs = static_cast<size_t>(width) / 2;
  for (size_t i = 0; i < n_pairs; ++i) {
    const float frequency = 1.0f / std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(width));
    for (size_t t = 0; t < pos.size(); ++t) {
      const float angle = frequency * static_cast<float>(pos[t]);
      const float c = grid(std::cos(angle)), s = grid(std::sin(angle));
      const size_t even = 2 * (t * n_pairs + i);
      cos_[even] = cos_[even + 1] = c;
      sin_[even] = -s;
      sin_[even + 1] = s;
    }
  }
}

}  // namespace drawbridge
