// RopeTable: cos and sin of a step's positions. All layers of a step ask for the same positions, so it is computed once
// a step; the angles are those of the scalar reference, from the same library calls.
//
// R / 2 angles a token, two library calls each; then a head's R values are read and written, 3 operations each.
// Measured (lab/rope.cpp): 64 heads of 64 take 0.9 us, and would take 27 with angles of their own.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace drawbridge {

class RopeTable {
 public:
  /// `width` angles' worth: pairs (2i, 2i + 1) turn by pos * theta^(-2i / width). `round`: cos and sin to bf16.
  void prepare(std::span<const int32_t> pos, int64_t width, float theta, bool round);

  /// Row t [width]: each cos twice.
  const float* cos(int64_t t) const { return cos_.data() + t * width_; }
  /// Row t [width]: -sin, sin for each pair.
  const float* sin(int64_t t) const { return sin_.data() + t * width_; }

 private:
  std::vector<int32_t> pos_;
  int64_t width_ = 0;
  float theta_ = 0;
  bool round_ = false;
  std::vector<float> cos_, sin_;
};

}  // namespace drawbridge
