// Which tensors a HuggingFace directory gets from a GGUF file, and how each is written. Nothing here rounds: block
// types keep their numbers, floats keep their values.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "convert/byte_sink.h"
#include "gguf/gguf_reader.h"
#include "model/glm52_config.h"
#include "model/quark_config.h"

namespace drawbridge {

struct ImportedTensor {
  TensorSpec spec;
  TensorWriter write;
};

/// A matrix and, where its format has one, its scale.
using ImportedMatrix = std::vector<ImportedTensor>;

struct ImportPlan {
  std::vector<ImportedMatrix> matrices;  // and vectors, in file order
  std::vector<StoredModule> modules;     // the same matrices, as quantization_config names them
  std::vector<std::string> notices;
};

/// Borrows `file` and `config`, which must live as long as the plan. Errors: a tensor that is missing or of another
/// shape than the keys say, a scale that is NaN, an own embedding of the MTP layer.
Result<ImportPlan> plan_import(const GgufFile& file, const Glm52Config& config);

}  // namespace drawbridge
