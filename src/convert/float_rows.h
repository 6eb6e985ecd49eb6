// f32 values to stored floats, and which type holds values exactly.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "tensor/dtype.h"

namespace drawbridge {

/// Which 16-bit types hold all values seen so far, to the bit.
struct ExactTypes {
  bool bf16 = true;
  bool f16 = true;

  void see(std::span<const float> values);
  /// The narrowest that does, bf16 before f16; f32 holds all.
  DType narrowest() const;
};

/// `out` is replaced by `values` as F32, F16 or BF16, rounded to nearest.
void encode_floats(DType dtype, std::span<const float> values, std::vector<std::byte>& out);

}  // namespace drawbridge
