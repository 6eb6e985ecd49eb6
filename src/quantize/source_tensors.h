// What there is to quantize: every tensor of a checkpoint as a matrix or as bytes, with its place in the files and in
// the model. Headers only, or config.json only; stacked experts are taken apart into one matrix an expert.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"
#include "model/glm52_tensors.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// Where bytes lie; `file` is empty where there is only a config.
struct StoredBytes {
  std::string file;
  uint64_t begin = 0;
  int64_t bytes = 0;
};

struct SourceTensor {
  std::string name;               // as the target names it
  std::optional<ModelPart> part;  // nothing: a tensor that the config does not ask for
  bool is_mtp = false;            // of the MTP layer
  bool quantizable = false;       // see ExpectedTensor
  DType dtype = DType::kBF16;     // as stored
  std::vector<int64_t> shape;     // as stored
  StoredBytes data;
  std::optional<WeightFormat> format;  // of a matrix; nothing: a vector, or a tensor that the config does not ask for
  int64_t n = 0, k = 0;                // of a matrix
  std::string scale_name;              // empty: it has none
  DType scale_dtype = DType::kF32;
  std::vector<int64_t> scale_shape;
  StoredBytes scale;

  bool is_matrix() const { return format.has_value(); }
  /// The name without ".weight".
  std::string module() const;
  int64_t bytes() const { return data.bytes + scale.bytes; }
};

/// In the order of the model. Errors: a tensor that the config asks for and that is missing or has another shape.
Result<std::vector<SourceTensor>> list_source_tensors(const Glm52Config& config, const Checkpoint& checkpoint);
/// As a checkpoint of the config's dtype would be.
std::vector<SourceTensor> list_source_tensors(const Glm52Config& config);

}  // namespace drawbridge
