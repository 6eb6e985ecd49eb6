// kv_b_proj [H * (nope + v), latent] against GGUF's two parts: attn_k_b [H, latent, nope], each head's first rows
// transposed, and attn_v_b [H, v, latent], its other rows as they are. A block's scale does not survive transposing, so
// joined weights are floats: of the narrowest type that holds every value exactly.
#pragma once

#include <string>

#include "convert/byte_sink.h"
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
Status join_kv_b(const Glm52Config& config, const KvBParts& parts, DType dtype, const ByteSink& sink);

/// The float type in which attn_k_b holds every value of a `kv_b` of a block type exactly. Reads every value.
GgmlType exact_k_b_type(const Glm52Config& config, const Matrix& kv_b);
/// Write the two parts of `kv_b`; `name` is its own, for messages.
Status split_k_b(const Glm52Config& config, const Matrix& kv_b, GgmlType type, const std::string& name,
                 const ByteSink& sink);
Status split_v_b(const Glm52Config& config, const Matrix& kv_b, GgmlType type, const std::string& name,
                 const ByteSink& sink);

}  // namespace drawbridge
