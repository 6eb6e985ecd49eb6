#include "model/glm52_weights.h"

#include "base/units.h"
#include "checkpoint/matrix_source.h"
#include "model/tensor_names.h"
#include "weights/compact.h"

namespace drawbridge {
namespace {

class Binder {
 public:
  Binder(const Glm52Config& config, Glm52Weights& weights) : c_(config), w_(weights) {}

  Status bind() {
    DB_TRY(matrix(w_.embed, "model.embed_tokens", c_.vocab, c_.hidden));
    DB_TRY(vector(w_.final_norm, "model.norm.weight", c_.hidden));
    if (c_.tied_embeddings) {
      w_.lm_head = w_.embed;
    } else {
      DB_TRY(matrix(w_.lm_head, "lm_head", c_.vocab, c_.hidden));
    }
    w_.layer.resize(static_cast<size_t>(c_.n_layers));
    for (int64_t i = 0; i < c_.n_layers; ++i) {
      DB_TRY(layer(w_.layer[static_cast<size_t>(i)], fmt::format("model.layers.{}.", i), i));
    }
    return c_.n_mtp_layers > 0 ? mtp() : Status();
  }

  std::vector<std::string> notices() const {
    if (decoded_bytes_ == 0) return {};
    return {
        fmt::format("{} of kv_b_proj are kept beside the file as f32: absorbed attention needs them transposed, and "
                    "FP8 or q8 times its scale is not exact in bf16",
                    format_bytes(decoded_bytes_))};
  }

 private:
  Status matrix(Matrix& out, const std::string& module, int64_t n, int64_t k) {
    DB_ASSIGN(out, find_matrix(w_.checkpoint, module, n, k));
    return Status();
  }
  Status vector(std::vector<float>& out, const std::string& name, int64_t n) {
    DB_ASSIGN(out, find_vector(w_.checkpoint, name, n));
    return Status();
  }

  Status layer(LayerWeights& w, const std::string& prefix, int64_t i) {
    DB_TRY(vector(w.attn_norm, prefix + "input_layernorm.weight", c_.hidden));
    DB_TRY(vector(w.mlp_norm, prefix + "post_attention_layernorm.weight", c_.hidden));
    DB_TRY(attention(w.attn, prefix + "self_attn."));
    if (c_.is_full(i)) DB_TRY(indexer(w.attn.indexer.emplace(), prefix + "self_attn.indexer."));
    if (c_.is_sparse(i)) return moe(w.mlp.emplace<MoeWeights>(), prefix + "mlp.");
    return mlp(w.mlp.emplace<MlpMatrices>(), prefix + "mlp.", c_.intermediate);
  }

  Status attention(AttentionWeights& w, const std::string& prefix) {
    DB_TRY(matrix(w.q_a, prefix + "q_a_proj", c_.q_lora, c_.hidden));
    DB_TRY(vector(w.q_a_norm, prefix + "q_a_layernorm.weight", c_.q_lora));
    DB_TRY(matrix(w.q_b, prefix + "q_b_proj", c_.n_heads * c_.qk_head(), c_.q_lora));
    DB_TRY(matrix(w.kv_a, prefix + "kv_a_proj_with_mqa", c_.latent_width(), c_.hidden));
    DB_TRY(vector(w.kv_a_norm, prefix + "kv_a_layernorm.weight", c_.kv_lora));
    Matrix kv_b;
    DB_TRY(matrix(kv_b, prefix + "kv_b_proj", c_.n_heads * (c_.qk_nope + c_.v_head), c_.kv_lora));
    const SplitKvB split = absorbed_kv_b(kv_b, c_.n_heads, c_.qk_nope, w_.packed);
    w.k_b = split.k_b;
    w.v_b = split.v_b;
    w_.kv_b_growth += matrix_bytes(w.k_b) + matrix_bytes(w.v_b) - matrix_bytes(kv_b);
    for (const Matrix* half : {&w.k_b, &w.v_b}) {
      if (is_quantized(kv_b.format) && half->format == WeightFormat::kF32) decoded_bytes_ += matrix_bytes(*half);
    }
    return matrix(w.o, prefix + "o_proj", c_.hidden, c_.n_heads * c_.v_head);
  }

  Status indexer(IndexerWeights& w, const std::string& prefix) {
    DB_TRY(matrix(w.q_b, prefix + "wq_b", c_.index_heads * c_.index_dim, c_.q_lora));
    DB_TRY(matrix(w.k, prefix + "wk", c_.index_dim, c_.hidden));
    DB_TRY(vector(w.k_norm_w, prefix + "k_norm.weight", c_.index_dim));
    DB_TRY(vector(w.k_norm_b, prefix + "k_norm.bias", c_.index_dim));
    return matrix(w.head, prefix + "weights_proj", c_.index_heads, c_.hidden);
  }

  Status mlp(MlpMatrices& w, const std::string& prefix, int64_t width) {
    DB_TRY(matrix(w.gate, prefix + "gate_proj", width, c_.hidden));
    DB_TRY(matrix(w.up, prefix + "up_proj", width, c_.hidden));
    return matrix(w.down, prefix + "down_proj", c_.hidden, width);
  }

  Status moe(MoeWeights& w, const std::string& prefix) {
    DB_TRY(matrix(w.router, prefix + "gate", c_.n_experts, c_.hidden));
    DB_TRY(vector(w.bias, prefix + "gate.e_score_correction_bias", c_.n_experts));
    w.experts.reserve(static_cast<size_t>(c_.n_experts) + 1);
    w.experts.resize(static_cast<size_t>(c_.n_experts));
    const bool stacked = has_stacked_experts(w_.checkpoint, prefix);
    for (int64_t e = 0; e < c_.n_experts; ++e) {
      MlpMatrices& expert = w.experts[static_cast<size_t>(e)];
      DB_TRY(stacked ? stacked_expert(expert, prefix + "experts.", e)
                     : mlp(expert, fmt::format("{}experts.{}.", prefix, e), c_.moe_intermediate));
    }
    if (c_.n_shared_experts == 0) return Status();
    DB_TRY(mlp(w.shared.emplace(), prefix + "shared_experts.", c_.moe_intermediate * c_.n_shared_experts));
    if (c_.fuses_shared()) w.experts.push_back(*w.shared);
    return Status();
  }

  /// HuggingFace's in-memory form: gate rows first, up rows second.
  Status stacked_expert(MlpMatrices& w, const std::string& prefix, int64_t e) {
    const int64_t width = c_.moe_intermediate;
    DB_ASSIGN(const Matrix gate_up,
              find_stacked_matrix(w_.checkpoint, prefix + "gate_up_proj", e, {c_.n_experts, 2 * width, c_.hidden}));
    w.gate = matrix_rows(gate_up, 0, width);
    w.up = matrix_rows(gate_up, width, width);
    DB_ASSIGN(w.down, find_stacked_matrix(w_.checkpoint, prefix + "down_proj", e, {c_.n_experts, c_.hidden, width}));
    return Status();
  }

  Status mtp() {
    const auto names = find_mtp_names(c_, w_.checkpoint);
    if (!names) return Status();
    MtpWeights& w = w_.mtp.emplace();
    DB_TRY(vector(w.enorm, names->extra + "enorm.weight", c_.hidden));
    DB_TRY(vector(w.hnorm, names->extra + "hnorm.weight", c_.hidden));
    DB_TRY(matrix(w.eh_proj, names->extra + "eh_proj", c_.hidden, 2 * c_.hidden));
    DB_TRY(vector(w.head_norm, names->extra + "shared_head.norm.weight", c_.hidden));
    const int64_t of_main_layers = w_.kv_b_growth;
    DB_TRY(layer(w.layer, names->layer, c_.n_layers));
    w_.kv_b_growth = of_main_layers;
    return Status();
  }

  const Glm52Config& c_;
  Glm52Weights& w_;
  int64_t decoded_bytes_ = 0;  // of quantized weights that are kept as f32
};

}  // namespace

Result<Glm52Weights> bind_glm52_weights(const Glm52Config& config, Checkpoint checkpoint) {
  DB_TRY(check_quantization(config.quantization, checkpoint));
  Glm52Weights weights;
  weights.checkpoint = std::move(checkpoint);
  Binder binder(config, weights);
  DB_TRY(binder.bind());
  weights.inventory = take_inventory(config, weights.checkpoint);
  for (std::string& line : binder.notices()) weights.inventory.notices.push_back(std::move(line));
  return weights;
}

}  // namespace drawbridge
