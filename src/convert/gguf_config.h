// config.json against the keys of a GGUF file of architecture glm-dsa, both ways.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "gguf/gguf_keys.h"
#include "gguf/gguf_writer.h"
#include "model/glm52_config.h"

namespace drawbridge {

/// What the keys leave open: the file's tensors tell.
struct GgufShape {
  int64_t vocab = 0;  // rows of the embedding
  bool tied_embeddings = false;
  DType dtype = DType::kBF16;  // that config.json names
};

/// A config.json with every field of GLM-5.2's own. Errors name the key: missing, of another type, or of a model that
/// we do not compute (another gating function, scaled rope, ...).
Result<Json> config_from_gguf(const GgufKeys& keys, const GgufShape& shape);

/// The architecture's keys. Errors: dense layers that are not the first ones, which GGUF cannot say.
Result<GgufKeyList> gguf_from_config(const Glm52Config& config, const std::string& source);

}  // namespace drawbridge
