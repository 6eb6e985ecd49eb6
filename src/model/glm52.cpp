// Shapes: T tokens of the step, R rows that want logits, D hidden, H heads, C latent, IH x ID index heads, E experts,
// K experts a token. One operation a line, in the papers' order.
#include "model/glm52.h"

#include <array>

namespace drawbridge {
namespace {

constexpr float kIndexNormEps = 1e-6f;  // the indexer's LayerNorm, whatever the model's own epsilon

}  // namespace

// clang-format off
View Glm52::forward(const Batch& b, std::span<const KvView> kv, Activations& a) {
  a.set_rows(b.n_tokens(), static_cast<int64_t>(b.logit_row.size()));
  ops_.embed(a.x, w_.embed, b.token);                                    // x         [T, D]
  ops_.fill(a.resid, 0);                                                 // resid     [T, D]
  for (size_t l = 0; l < w_.layer.size(); ++l) layer(w_.layer[l], kv[l], b, false, a);
  ops_.add_rms_norm(a.h, a.resid, a.x, w_.final_norm, cfg_.rms_eps);     // h         [T, D]
  return logits(b, a);
}

View Glm52::logits(const Batch& b, Activations& a) {
  ops_.gather_rows(a.last, a.h, b.logit_row);                            // last      [R, D]
  ops_.linear(a.logits, a.last, w_.lm_head);                             // logits    [R, V]
  return a.logits;
}

void Glm52::layer(const LayerWeights& w, const KvView& kv, const Batch& b, bool reuse_selection, Activations& a) {
  attention(w, kv, b, reuse_selection, a);                               // resid += x;  x = attention(norm(resid))
  ops_.all_reduce(a.x);                                                  // over tensor-parallel ranks
  const NormInput input{a.x, a.resid, w.mlp_norm, cfg_.rms_eps};         // resid += x;  h = norm(resid)
  if (const auto* m = std::get_if<MoeWeights>(&w.mlp)) {
    moe(*m, input, a);                                                   // x = experts(h)
  } else {
    mlp(std::get<MlpMatrices>(w.mlp), input, a);                         // x = mlp(h)
  }
  ops_.all_reduce(a.x);
}

// Multi-head latent attention in absorbed form: keys and values are never expanded.
void Glm52::attention(const LayerWeights& layer, const KvView& kv, const Batch& b, bool reuse_selection,
                      Activations& a) {
  const AttentionWeights& w = layer.attn;
  const float eps = ops_.numerics().latent_norm_eps;
  const IndexerWeights* ix = w.indexer && !reuse_selection ? &*w.indexer : nullptr;
  project(layer, ix, a);
  const View c_kv = slice_cols(a.kv, 0, cfg_.kv_lora);                   // c_kv      [T, C]
  const View k_rope = slice_cols(a.kv, cfg_.kv_lora, cfg_.qk_rope);      // k_rope    [T, rope]
  const View q = split_heads(a.q, cfg_.n_heads);                         // q         [T, H, nope + rope]
  const View q_nope = slice_cols(q, 0, cfg_.qk_nope);                    // q_nope    [T, H, nope]
  const View q_rope = slice_cols(q, cfg_.qk_nope, cfg_.qk_rope);         // q_rope    [T, H, rope]
  ops_.rms_norm(c_kv, c_kv, w.kv_a_norm, eps);
  ops_.rope(q_rope, b.pos, cfg_.rope_theta);
  ops_.rope(k_rope, b.pos, cfg_.rope_theta);
  ops_.kv_write(kv.latent, b.slot, a.kv);
  if (ix != nullptr) select(*ix, kv, b, a);                              // shared layers keep the last full layer's choice
  ops_.linear_heads(a.q_latent, q_nope, w.k_b);                          // q_latent  [T, H, C]
  ops_.mla_attention(a.o_latent, a.q_latent, q_rope, kv.latent, b.map, a.selected, cfg_.softmax_scale());
  ops_.linear_heads(split_heads(a.o, cfg_.n_heads), a.o_latent, w.v_b);  // o         [T, H, v]
  ops_.linear(a.x, a.o, w.o);                                            // x         [T, D]
}

// What goes down from h, and up from the compressed query: attention's, and the indexer's where there is one.
void Glm52::project(const LayerWeights& layer, const IndexerWeights* ix, Activations& a) {
  const AttentionWeights& w = layer.attn;
  const std::array from_h = {
      Product{a.q_c, &w.q_a},                                            // q_c       [T, q_lora]
      Product{a.kv, &w.kv_a},                                            // kv        [T, C + rope]
      Product{a.ik, ix ? &ix->k : nullptr},                              // ik        [T, ID]
      Product{a.iw, ix ? &ix->head : nullptr, true}};                    // iw        [T, IH] in f32, always
  const std::array from_q_c = {
      Product{a.q, &w.q_b},                                              // q         [T, H * (nope + rope)]
      Product{a.iq, ix ? &ix->q_b : nullptr}};                           // iq        [T, IH * ID]
  ops_.norm_linear(a.h, {a.x, a.resid, layer.attn_norm, cfg_.rms_eps}, from_h);
  ops_.norm_linear(a.q_c, {a.q_c, {}, w.q_a_norm, ops_.numerics().latent_norm_eps}, from_q_c);
}

// Lightning indexer: its rotary dimensions come first, attention's last.
void Glm52::select(const IndexerWeights& w, const KvView& kv, const Batch& b, Activations& a) {
  const View iq = split_heads(a.iq, cfg_.index_heads);                   // iq        [T, IH, ID]
  ops_.layer_norm(a.ik, a.ik, w.k_norm_w, w.k_norm_b, kIndexNormEps);
  ops_.rope(slice_cols(iq, 0, cfg_.qk_rope), b.pos, cfg_.rope_theta);
  ops_.rope(slice_cols(a.ik, 0, cfg_.qk_rope), b.pos, cfg_.rope_theta);
  ops_.kv_write(kv.index, b.slot, a.ik);
  ops_.index_topk(a.selected, iq, a.iw, kv.index, b.map, b.pos);       // selected  [T, topk]
}

// A shared expert of the others' shape is one more of them that every token chooses with weight 1. Not where outputs are
// rounded: there the routed sum is rounded before the shared expert joins it.
void Glm52::moe(const MoeWeights& w, const NormInput& input, Activations& a) {
  const bool fused = w.fuses_shared() && ops_.numerics().activation == DType::kF32;
  const int64_t n_chosen = cfg_.experts_per_token + (fused ? 1 : 0);     // K or K + 1
  const View expert = slice_cols(a.expert, 0, n_chosen), weight = slice_cols(a.expert_weight, 0, n_chosen);
  const RouterOptions options{cfg_.experts_per_token, cfg_.n_group, cfg_.topk_group, cfg_.norm_topk_prob,
                              cfg_.routed_scaling_factor};
  const Product logit{a.router_logit, &w.router, true};                  // logit     [T, E] in f32, always
  ops_.norm_linear(a.h, input, {&logit, 1});
  ops_.route(expert, weight, a.router_logit, w.bias, options);           // expert    [T, K] or [T, K + 1]
  ops_.moe(a.x, a.h, expert, weight, fused ? w.experts : w.routed());    // x = sum of weight_k expert_k(h)
  if (fused || !w.shared) return;
  ops_.linear(a.expert_gate, a.h, w.shared->gate);                       // gate, up  [T, I]
  ops_.linear(a.expert_up, a.h, w.shared->up);
  down(a.shared, *w.shared, a.expert_gate, a.expert_up);
  ops_.add(a.x, a.shared);
}

void Glm52::mlp(const MlpMatrices& w, const NormInput& input, Activations& a) {
  const std::array from_h = {Product{a.gate, &w.gate}, Product{a.up, &w.up}};
  ops_.norm_linear(a.h, input, from_h);                                  // gate, up  [T, I]
  down(a.x, w, a.gate, a.up);                                            // x         [T, D]
}

void Glm52::down(View y, const MlpMatrices& w, View gate, View up) {
  ops_.swiglu(gate, gate, up);
  ops_.linear(y, gate, w.down);
}

}  // namespace drawbridge
