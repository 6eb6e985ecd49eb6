#include "model/glm52_tensors.h"

namespace drawbridge {
namespace {

class TensorList {
 public:
  explicit TensorList(const Glm52Config& config) : c_(config) {}

  std::vector<ExpectedTensor> build() {
    add("model.embed_tokens.weight", {c_.vocab, c_.hidden}, ModelPart::kEmbedding);
    add("model.norm.weight", {c_.hidden}, ModelPart::kNorm);
    if (!c_.tied_embeddings) add("lm_head.weight", {c_.vocab, c_.hidden}, ModelPart::kHead);
    for (layer_ = 0; layer_ < c_.n_all_layers(); ++layer_) add_layer();
    return std::move(list_);
  }

 private:
  void add(const std::string& name, std::vector<int64_t> shape, ModelPart part, bool quantizable = false) {
    const std::string prefix = layer_ < 0 ? "" : fmt::format("model.layers.{}.", layer_);
    list_.push_back({prefix + name, std::move(shape), part, layer_, quantizable});
  }

  void add_layer() {
    add("input_layernorm.weight", {c_.hidden}, ModelPart::kNorm);
    add("post_attention_layernorm.weight", {c_.hidden}, ModelPart::kNorm);
    add_attention();
    if (c_.is_full(layer_)) add_indexer();
    if (c_.is_sparse(layer_)) {
      add_moe();
    } else {
      add_mlp("mlp.", c_.intermediate, ModelPart::kDenseMlp);
    }
    if (layer_ >= c_.n_layers) add_mtp();
  }

  void add_attention() {
    const auto part = ModelPart::kAttention;
    add("self_attn.q_a_proj.weight", {c_.q_lora, c_.hidden}, part, true);
    add("self_attn.q_a_layernorm.weight", {c_.q_lora}, ModelPart::kNorm);
    add("self_attn.q_b_proj.weight", {c_.n_heads * c_.qk_head(), c_.q_lora}, part, true);
    add("self_attn.kv_a_proj_with_mqa.weight", {c_.latent_width(), c_.hidden}, part, true);
    add("self_attn.kv_a_layernorm.weight", {c_.kv_lora}, ModelPart::kNorm);
    add("self_attn.kv_b_proj.weight", {c_.n_heads * (c_.qk_nope + c_.v_head), c_.kv_lora}, part, true);
    add("self_attn.o_proj.weight", {c_.hidden, c_.n_heads * c_.v_head}, part, true);
  }

  void add_indexer() {
    const auto part = ModelPart::kIndexer;
    add("self_attn.indexer.wq_b.weight", {c_.index_heads * c_.index_dim, c_.q_lora}, part, true);
    add("self_attn.indexer.wk.weight", {c_.index_dim, c_.hidden}, part, true);
    add("self_attn.indexer.k_norm.weight", {c_.index_dim}, part);
    add("self_attn.indexer.k_norm.bias", {c_.index_dim}, part);
    add("self_attn.indexer.weights_proj.weight", {c_.index_heads, c_.hidden}, part);
  }

  void add_mlp(const std::string& prefix, int64_t width, ModelPart part) {
    add(prefix + "gate_proj.weight", {width, c_.hidden}, part, true);
    add(prefix + "up_proj.weight", {width, c_.hidden}, part, true);
    add(prefix + "down_proj.weight", {c_.hidden, width}, part, true);
  }

  void add_moe() {
    add("mlp.gate.weight", {c_.n_experts, c_.hidden}, ModelPart::kRouter);
    add("mlp.gate.e_score_correction_bias", {c_.n_experts}, ModelPart::kRouter);
    for (int64_t e = 0; e < c_.n_experts; ++e) {
      add_mlp(fmt::format("mlp.experts.{}.", e), c_.moe_intermediate, ModelPart::kRoutedExpert);
    }
    if (c_.n_shared_experts == 0) return;
    add_mlp("mlp.shared_experts.", c_.moe_intermediate * c_.n_shared_experts, ModelPart::kSharedExpert);
  }

  void add_mtp() {
    add("enorm.weight", {c_.hidden}, ModelPart::kNorm);
    add("hnorm.weight", {c_.hidden}, ModelPart::kNorm);
    add("eh_proj.weight", {c_.hidden, 2 * c_.hidden}, ModelPart::kMtpProjection);
    add("shared_head.norm.weight", {c_.hidden}, ModelPart::kNorm);
  }

  const Glm52Config& c_;
  int64_t layer_ = -1;
  std::vector<ExpectedTensor> list_;
};

}  // namespace

const char* part_name(ModelPart part) {
  switch (part) {
    case ModelPart::kEmbedding:
      return "embedding";
    case ModelPart::kHead:
      return "lm_head";
    case ModelPart::kNorm:
      return "norms";
    case ModelPart::kAttention:
      return "attention";
    case ModelPart::kIndexer:
      return "indexer";
    case ModelPart::kDenseMlp:
      return "dense MLP";
    case ModelPart::kRouter:
      return "router";
    case ModelPart::kSharedExpert:
      return "shared experts";
    case ModelPart::kRoutedExpert:
      return "routed experts";
    case ModelPart::kMtpProjection:
      return "MTP projection";
  }
  return "unknown";
}

std::vector<ExpectedTensor> expected_tensors(const Glm52Config& config) {
  return TensorList(config).build();
}

int64_t element_count(const ExpectedTensor& tensor) {
  int64_t product = 1;
  for (const int64_t extent : tensor.shape) product *= extent;
  return product;
}

int64_t active_parameters(const Glm52Config& config) {
  int64_t active = 0;
  int64_t routed = 0;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    if (tensor.layer >= config.n_layers) continue;
    const bool idle_table = tensor.part == ModelPart::kEmbedding && !config.tied_embeddings;
    if (tensor.part == ModelPart::kRoutedExpert) {
      routed += element_count(tensor);
    } else if (!idle_table) {
      active += element_count(tensor);
    }
  }
  if (config.n_experts > 0) active += routed / config.n_experts * config.experts_per_token;
  return active;
}

}  // namespace drawbridge
