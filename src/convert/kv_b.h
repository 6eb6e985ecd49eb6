// kv_b_proj [H * (nope + v), latent] against GGUF's two parts: attn_k_b [H, latent, nope], each head's first rows
// transposed, and attn_v_b [H, v, latent], its other rows as they are. A block's scale does not survive transposing, so
// joined weights are floats: of the narrowest type that holds every value exactly.
#pragma once

#include "convert/sink.h"
#include "gguf/gguf_reader.h"
#include "model/glm52_config.h"
#include "tensor/matrix.h"

namespace drawbridge {

struct KvBParts {
  const GgufTensor* k_b = nullptr;
  const GgufTensor* v_b = nullptr;
};

/// The type that kv_b_proj needs: that of both parts where they are floats of one type, or else the narrowest that is
/// exact. Reads every value.
DType joined_type(const Glm52Config& config, const KvBParts& parts);
/// Writes kv_b_proj as `dtype`, head by head.
Status join_kv_b(const Glm52Config& config, const KvBParts& parts, DType dtype, const Sink& sink);

}  // namespace drawbridge
