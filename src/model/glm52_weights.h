// Glm52Weights: the tensors of a checkpoint bound to their places in the model, borrowed from the mapped file wherever
// they are used as they lie. The format of each matrix is its own; nothing here looks at names of formats.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "backend/backend.h"
#include "checkpoint/checkpoint.h"
#include "model/glm52_config.h"
#include "model/inventory.h"
#include "weights/packed.h"

namespace drawbridge {

struct IndexerWeights {
  Matrix q_b;                   // [IH * ID, q_lora]
  Matrix k;                     // [ID, D]
  std::vector<float> k_norm_w;  // [ID]
  std::vector<float> k_norm_b;  // [ID]
  Matrix head;                  // [IH, D] weight of each index head
};

struct AttentionWeights {
  Matrix q_a;                             // [q_lora, D]
  std::vector<float> q_a_norm;            // [q_lora]
  Matrix q_b;                             // [H * (nope + rope), q_lora]
  Matrix kv_a;                            // [C + rope, D]
  std::vector<float> kv_a_norm;           // [C]
  Matrix k_b;                             // [H * C, nope]
  Matrix v_b;                             // [H * v, C]
  Matrix o;                               // [D, H * v]
  std::optional<IndexerWeights> indexer;  // full layers only
};

struct MoeWeights {
  Matrix router;                      // [E, D]
  std::vector<float> bias;            // [E] selects, never weighs
  std::vector<MlpMatrices> experts;   // [E]; [E + 1] where the shared expert is as wide: then it is the last of them
  std::optional<MlpMatrices> shared;  // that of the step's every token, whether or not it is among `experts`

  bool fuses_shared() const { return static_cast<int64_t>(experts.size()) > static_cast<int64_t>(bias.size()); }
  std::span<const MlpMatrices> routed() const { return {experts.data(), bias.size()}; }
};

struct LayerWeights {
  std::vector<float> attn_norm;  // [D]
  std::vector<float> mlp_norm;   // [D]
  AttentionWeights attn;
  std::variant<MlpMatrices, MoeWeights> mlp;
};

struct MtpWeights {
  std::vector<float> enorm;      // [D] of the next token's embedding
  std::vector<float> hnorm;      // [D] of the hidden state
  Matrix eh_proj;                // [D, 2 D], embedding first
  std::vector<float> head_norm;  // [D]
  LayerWeights layer;
};

struct Glm52Weights {
  Matrix embed;                   // [V, D]
  std::vector<float> final_norm;  // [D]
  Matrix lm_head;                 // [V, D]
  std::vector<LayerWeights> layer;
  std::optional<MtpWeights> mtp;
  Inventory inventory;
  int64_t kv_b_growth = 0;  // bytes that kv_b's halves take more than the file's in all main layers; negative: less

  PackedStore packed;
  Checkpoint checkpoint;  // keeps the mapping alive
};

/// Binds every tensor that `config` asks for. A missing or misshapen one is an error that names it; indexer tensors on
/// shared layers are ignored; an MTP layer may be named model.layers.N.* or model.decoder.*.
Result<Glm52Weights> bind_glm52_weights(const Glm52Config& config, Checkpoint checkpoint);

}  // namespace drawbridge
