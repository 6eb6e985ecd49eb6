// Glm52: the forward pass of GLM-5.2 on any backend: MLA in absorbed form over a paged latent cache, sparse attention
// by a lightning indexer whose selection later layers share, sigmoid-routed experts, one MTP layer.
// Sources: DeepSeek-V2 section 2.1 (MLA), DeepSeek-V3.2 (indexer), DeepSeek-V3 section 2.1.2 and 2.2 (router, MTP).
#pragma once

#include <memory>
#include <span>

#include "model/activations.h"
#include "model/batch.h"
#include "model/glm52_config.h"
#include "model/glm52_weights.h"
#include "model/kv_cache.h"

namespace drawbridge {

/// Threads: one at a time. Config and weights must outlive it.
class Glm52 {
 public:
  Glm52(const Glm52Config& config, const Glm52Weights& weights, Backend& ops) : cfg_(config), w_(weights), ops_(ops) {}

  /// One step: writes the caches of b's tokens, returns logits [R, V]. a.h holds the hidden states after the final
  /// norm [T, D], which the MTP layer and speculation need.
  View forward(const Batch& b, std::span<const KvView> kv, Activations& a);

  /// One MTP step: b.token is the token after each position, `hidden` [T, D] the main model's a.h of that position, or
  /// the a.h that the previous MTP step left. With reuse_selection the rows attend to the positions already in
  /// a.selected. Returns logits [R, V] of the token after next; a.h holds the post-norm hidden. Needs weights.mtp.
  View forward_mtp(const Batch& b, View hidden, bool reuse_selection, std::span<const KvView> kv, Activations& a);

 private:
  View logits(const Batch& b, Activations& a);
  void layer(const LayerWeights& w, const KvView& kv, const Batch& b, bool reuse_selection, Activations& a);
  void attention(const LayerWeights& layer, const KvView& kv, const Batch& b, bool reuse_selection, Activations& a);
  void project(const LayerWeights& layer, const IndexerWeights* ix, Activations& a);
  void select(const IndexerWeights& w, const KvView& kv, const Batch& b, Activations& a);
  void moe(const MoeWeights& w, const NormInput& input, Activations& a);
  void mlp(const MlpMatrices& w, const NormInput& input, Activations& a);
  void down(View y, const MlpMatrices& w, View gate, View up);

  const Glm52Config& cfg_;
  const Glm52Weights& w_;
  Backend& ops_;
};

}  // namespace drawbridge
