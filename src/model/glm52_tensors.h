// Every tensor that a checkpoint of a Glm52Config holds, by name and shape: the list that inspect compares with, that
// synth writes and that the counting proofs count. Shapes are of the unquantized tensors.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/glm52_config.h"

namespace drawbridge {

enum class ModelPart : uint8_t {
  kEmbedding,
  kHead,
  kNorm,
  kAttention,
  kIndexer,
  kDenseMlp,
  kRouter,
  kSharedExpert,
  kRoutedExpert,
  kMtpProjection,
};

const char* part_name(ModelPart part);

struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
  ModelPart part = ModelPart::kNorm;
  int64_t layer = -1;        // -1: global
  bool quantizable = false;  // has a scale tensor in the official FP8 export
};

/// In file order: globals, layers 0.., the MTP layer as layer n_layers.
std::vector<ExpectedTensor> expected_tensors(const Glm52Config& config);

int64_t element_count(const ExpectedTensor& tensor);

/// Parameters used to decode one token: everything but the embedding table, the MTP layer and the unchosen experts.
int64_t active_parameters(const Glm52Config& config);

}  // namespace drawbridge
