#include "convert/tensor_map.h"

#include <array>
#include <charconv>
#include <string_view>

#include "base/check.h"

namespace drawbridge {
namespace {

struct NamePair {
  std::string_view ours;
  std::string_view theirs;
};

constexpr std::array kGlobals = {
    NamePair{"model.embed_tokens.weight", "token_embd.weight"},
    NamePair{"model.norm.weight", "output_norm.weight"},
    NamePair{"lm_head.weight", "output.weight"},
};

/// After model.layers.N. and blk.N.
constexpr std::array kLayer = {
    NamePair{"input_layernorm.weight", "attn_norm.weight"},
    NamePair{"post_attention_layernorm.weight", "ffn_norm.weight"},
    NamePair{"self_attn.q_a_proj.weight", "attn_q_a.weight"},
    NamePair{"self_attn.q_a_layernorm.weight", "attn_q_a_norm.weight"},
    NamePair{"self_attn.q_b_proj.weight", "attn_q_b.weight"},
    NamePair{"self_attn.kv_a_proj_with_mqa.weight", "attn_kv_a_mqa.weight"},
    NamePair{"self_attn.kv_a_layernorm.weight", "attn_kv_a_norm.weight"},
    NamePair{"self_attn.o_proj.weight", "attn_output.weight"},
    NamePair{"self_attn.indexer.wq_b.weight", "indexer.attn_q_b.weight"},
    NamePair{"self_attn.indexer.wk.weight", "indexer.attn_k.weight"},
    NamePair{"self_attn.indexer.k_norm.weight", "indexer.k_norm.weight"},
    NamePair{"self_attn.indexer.k_norm.bias", "indexer.k_norm.bias"},
    NamePair{"self_attn.indexer.weights_proj.weight", "indexer.proj.weight"},
    NamePair{"mlp.gate_proj.weight", "ffn_gate.weight"},
    NamePair{"mlp.up_proj.weight", "ffn_up.weight"},
    NamePair{"mlp.down_proj.weight", "ffn_down.weight"},
    NamePair{"mlp.gate.weight", "ffn_gate_inp.weight"},
    NamePair{"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
    NamePair{"mlp.shared_experts.gate_proj.weight", "ffn_gate_shexp.weight"},
    NamePair{"mlp.shared_experts.up_proj.weight", "ffn_up_shexp.weight"},
    NamePair{"mlp.shared_experts.down_proj.weight", "ffn_down_shexp.weight"},
    NamePair{"eh_proj.weight", "nextn.eh_proj.weight"},
    NamePair{"enorm.weight", "nextn.enorm.weight"},
    NamePair{"hnorm.weight", "nextn.hnorm.weight"},
    NamePair{"shared_head.norm.weight", "nextn.shared_head_norm.weight"},
};

/// After mlp.experts.E.
constexpr std::array kExpert = {
    NamePair{"gate_proj.weight", "ffn_gate_exps.weight"},
    NamePair{"up_proj.weight", "ffn_up_exps.weight"},
    NamePair{"down_proj.weight", "ffn_down_exps.weight"},
};

template <size_t N>
std::string theirs(const std::array<NamePair, N>& pairs, std::string_view ours) {
  for (const NamePair& pair : pairs) {
    if (pair.ours == ours) return std::string(pair.theirs);
  }
  DB_CHECK(false);  // expected_tensors has a tensor that this file forgot
  return "";
}

GgufPlace expert_place(std::string_view rest) {
  GgufPlace place;
  const char* end = rest.data() + rest.size();
  const auto [after, error] = std::from_chars(rest.data(), end, place.expert);
  DB_CHECK(error == std::errc() && after != end);
  place.name = theirs(kExpert, std::string_view(after + 1, static_cast<size_t>(end - after - 1)));
  return place;
}

}  // namespace

std::string gguf_layer_prefix(int64_t layer) {
  return fmt::format("blk.{}.", layer);
}

bool is_kv_b(const ExpectedTensor& tensor) {
  return tensor.name.ends_with(".self_attn.kv_b_proj.weight");
}

std::optional<GgufPlace> gguf_place(const ExpectedTensor& tensor) {
  if (tensor.layer < 0) return GgufPlace{theirs(kGlobals, tensor.name)};
  if (is_kv_b(tensor)) return std::nullopt;
  const std::string_view rest =
      std::string_view(tensor.name).substr(fmt::format("model.layers.{}.", tensor.layer).size());
  constexpr std::string_view kExperts = "mlp.experts.";
  GgufPlace place =
      rest.starts_with(kExperts) ? expert_place(rest.substr(kExperts.size())) : GgufPlace{theirs(kLayer, rest)};
  place.name = gguf_layer_prefix(tensor.layer) + place.name;
  return place;
}

}  // namespace drawbridge
