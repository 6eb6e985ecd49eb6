// Encodes rows of f32 into a target format: plain loops over blocks, no file and no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "quantize/plan.h"

namespace drawbridge {

/// Rows as their target stores them.
struct EncodedRows {
  std::vector<std::byte> data;
  std::vector<std::byte> scale;  // empty where the format has none
};

struct EncodeOptions {
  QuantizeRule rule = QuantizeRule::kEven;
  std::span<const float> column_weight;  // kSearch: [K] mean square of each input column
};

/// `rows` is [n, k] of finite values, n a multiple of 128 unless these are a matrix's last rows. `format` is not kKeep.
EncodedRows encode_rows(std::span<const float> rows, int64_t k, TargetFormat format, const EncodeOptions& options);

/// The exponent of least sum over the block of weight * (x - q)^2 among those near the even one; of equals the one
/// nearest to it.
int search_exponent(std::span<const float, kMxfp4Block> x, std::span<const float, kMxfp4Block> weight);

}  // namespace drawbridge
