// Which tensors a GGUF file gets from a checkpoint, in which type, and how each is written.
#pragma once

#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "convert/byte_sink.h"
#include "gguf/gguf_writer.h"
#include "model/glm52_config.h"

namespace drawbridge {

/// What matrices become. Norms, biases, routers and the indexer's weights_proj are F32 always, as llama.cpp has them.
enum class ExportType {
  kKeep,  // the same numbers
  kBF16,  // rounded to nearest, from whatever they are
  kF16,
  kQ8_0,
  kMxfp4,  // the embedding and the head in Q8_0
};

struct ExportedTensor {
  GgufSpec spec;
  TensorWriter write;
};

struct ExportPlan {
  std::vector<ExportedTensor> tensors;
  std::vector<std::string> notices;
};

/// Borrows `config` and `checkpoint`, which must live as long as the plan. Errors: a tensor that is missing or faulty,
/// a format that ggml lacks where it is to be kept.
Result<ExportPlan> plan_export(const Glm52Config& config, const Checkpoint& checkpoint, ExportType type);

}  // namespace drawbridge
