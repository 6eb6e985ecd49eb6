// Glm52Config: the shape of a `glm_moe_dsa` model (GLM-5, 5.1, 5.2, 5.3), read from config.json and checked once, so
// that no code below checks again. Unknown keys are ignored and listed; a wrong value is refused by name.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "model/quantization_config.h"
#include "tensor/dtype.h"

namespace drawbridge {

enum class LayerKind : uint8_t { kFull, kShared };  // runs its own indexer / reuses the last full layer's selection
enum class MlpKind : uint8_t { kDense, kSparse };

struct Glm52Config {
  int64_t hidden = 0;
  int64_t n_layers = 0;      // main layers; MTP layers follow and are not counted
  int64_t n_mtp_layers = 0;  // 0 or 1
  std::vector<MlpKind> mlp;  // [n_layers]; an MTP layer has experts whatever these say
  int64_t intermediate = 0;  // dense layers

  int64_t moe_intermediate = 0;  // routed experts; the shared expert is n_shared_experts times as wide
  int64_t n_experts = 0;         // 0: every layer is dense
  int64_t n_shared_experts = 0;
  int64_t experts_per_token = 0;
  int64_t n_group = 1;
  int64_t topk_group = 1;
  bool norm_topk_prob = true;
  float routed_scaling_factor = 1.0f;

  int64_t n_heads = 0;
  int64_t q_lora = 0;
  int64_t kv_lora = 0;
  int64_t qk_nope = 0;
  int64_t qk_rope = 0;
  int64_t v_head = 0;

  int64_t index_heads = 0;
  int64_t index_dim = 0;
  int64_t index_topk = 0;
  std::vector<LayerKind> indexer;  // [n_layers]; an MTP layer is always full
  bool index_share_for_mtp = false;

  float rope_theta = 1e4f;
  float rms_eps = 1e-5f;
  int64_t vocab = 0;
  int64_t max_positions = 0;  // tokens
  std::vector<int32_t> eos;
  bool tied_embeddings = false;
  DType dtype = DType::kBF16;
  QuantizationConfig quantization;        // what the exporter says; formats are read from the tensors
  std::vector<std::string> unknown_keys;  // of config.json, for inspect

  int64_t qk_head() const { return qk_nope + qk_rope; }
  int64_t latent_width() const { return kv_lora + qk_rope; }  // cached elements a token and layer
  float softmax_scale() const { return 1.0f / std::sqrt(static_cast<float>(qk_head())); }
  /// Whether the shared expert has a routed one's shape, so that it can be one more of them with weight 1.
  bool fuses_shared() const { return n_experts > 0 && n_shared_experts == 1; }
  int64_t n_all_layers() const { return n_layers + n_mtp_layers; }
  bool is_sparse(int64_t layer) const;  // also for the MTP layer
  bool is_full(int64_t layer) const;    // also for the MTP layer
  /// The full layer whose selection `layer` uses.
  int64_t index_source(int64_t layer) const;
};

Result<Glm52Config> parse_glm52_config(const Json& config, const std::string& source);
Result<Glm52Config> load_glm52_config(const std::string& directory);

}  // namespace drawbridge
