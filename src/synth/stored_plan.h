// Which tensors a generated checkpoint holds, in which type and in which shard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "model/glm52_tensors.h"
#include "model/quark_config.h"

namespace drawbridge {

enum class SynthDType { kBF16, kFp8, kMxfp4 };

/// What the numbers of a tensor mean, hence how they are drawn.
enum class DrawKind : uint8_t {
  kMatrix,       // bf16, spread by the width that it is multiplied with
  kNormWeight,   // around 1
  kNormBias,     // around 0
  kRouterBias,   // f32, close together: a wide spread would choose the same experts always
  kFp8Codes,     // E4M3
  kFp8Scales,    // f32, one for each 128 x 128 block
  kMxfp4Codes,   // two E2M1 a byte
  kMxfp4Scales,  // E8M0, one for each 32 columns
};

struct PlannedTensor {
  TensorSpec spec;
  DrawKind kind = DrawKind::kMatrix;
  int64_t fan_in = 1;  // columns of the matrix that it belongs to
};

/// Every tensor of `config`. Quantized is what the official FP8 export quantizes (attention, indexer, MLPs and experts,
/// the MTP layer's too), except that MXFP4 leaves widths that are no multiple of 32 in bf16. A scale follows its
/// matrix.
std::vector<PlannedTensor> plan_tensors(const Glm52Config& config, SynthDType dtype);

/// Cuts the list into shards of at most `shard_bytes` of data, a matrix and its scale together; within a shard the
/// widest elements come first, so that each lies on a multiple of its size.
std::vector<std::vector<PlannedTensor>> plan_shards(const std::vector<PlannedTensor>& tensors, int64_t shard_bytes);

/// The matrices, as quantization_config names them.
std::vector<StoredModule> stored_modules(const std::vector<PlannedTensor>& tensors);

}  // namespace drawbridge
