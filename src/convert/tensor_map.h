// Under which name a GGUF file of architecture glm-dsa holds a tensor of the model.
#pragma once

#include <optional>
#include <string>

#include "model/glm52_tensors.h"

namespace drawbridge {

struct GgufPlace {
  std::string name;
  int64_t expert = -1;  // its index in the stack of all experts; -1: the whole tensor
};

/// Nothing for kv_b_proj: GGUF holds it in two parts (kv_b.h).
std::optional<GgufPlace> gguf_place(const ExpectedTensor& tensor);

/// "blk.3.", the prefix of a layer's tensors.
std::string gguf_layer_prefix(int64_t layer);

bool is_kv_b(const ExpectedTensor& tensor);

}  // namespace drawbridge
