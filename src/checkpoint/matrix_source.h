// From tensors to weights: the format of each matrix is read from the tensors present, never from a list of names.
// One place decides; everything that reads weights calls it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// How a matrix lies in the file; everything that headers alone can tell has been checked.
struct MatrixLayout {
  WeightFormat format = WeightFormat::kF32;
  const Tensor* weight = nullptr;
  const Tensor* scale = nullptr;  // null where the format has none
  std::string scale_name;
};

Result<MatrixLayout> find_matrix_layout(const Checkpoint& checkpoint, const std::string& module, int64_t n, int64_t k);

/// Matrix [n, k] of `module` (its tensor is `module`.weight), borrowed from the mapping.
/// bf16, f16, f32; FP8 with `module`.weight_scale_inv or .weight_scale; MXFP4 with U8 .weight_scale; q8 (I8) with F16
/// .weight_scale.
Result<Matrix> find_matrix(const Checkpoint& checkpoint, const std::string& module, int64_t n, int64_t k);

/// A stacked tensor [count, n, k] of a float type, checked by its header.
Result<const Tensor*> find_stack(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape);

/// Matrix `index` of a stacked tensor [count, n, k] of a float type (HuggingFace's fused experts).
Result<Matrix> find_stacked_matrix(const Checkpoint& checkpoint, const std::string& name, int64_t index,
                                   const std::vector<int64_t>& shape);

/// A vector [n] of any float type, checked by its header.
Result<const Tensor*> find_vector_tensor(const Checkpoint& checkpoint, const std::string& name, int64_t n);

/// A vector [n] of any float type, as f32: norms and biases.
Result<std::vector<float>> find_vector(const Checkpoint& checkpoint, const std::string& name, int64_t n);

}  // namespace drawbridge
