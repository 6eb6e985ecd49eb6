#include "convert/gguf_config.h"

#include <algorithm>

namespace drawbridge {
namespace {

constexpr int64_t kMax = 1 << 30;
constexpr int64_t kSigmoid = 2;  // llama.cpp's expert_gating_func

std::string full_key(std::string_view key) {
  return fmt::format("glm-dsa.{}", key);
}

/// An f32 as the shortest decimal that reads back as it: 1e-05, not 9.999999747378752e-06.
Json short_number(double value) {
  return Json::parse(fmt::format("{}", static_cast<float>(value)), nullptr, false);
}

const char* config_dtype_name(DType dtype) {
  if (dtype == DType::kF32) return "float32";
  return dtype == DType::kF16 ? "float16" : "bfloat16";
}

/// Reads keys of the architecture; the first failure is kept and later reads answer 0, so that the caller reads
/// straight on.
class ArchitectureKeys {
 public:
  explicit ArchitectureKeys(const GgufKeys& keys) : keys_(keys) {}

  const Status& status() const { return status_; }
  bool has(std::string_view key) const { return keys_.has(full_key(key)); }
  int64_t integer(std::string_view key) { return take(keys_.integer(full_key(key), 0, kMax), int64_t{0}); }
  int64_t integer_or(std::string_view key, int64_t fallback) { return has(key) ? integer(key) : fallback; }
  double number(std::string_view key) { return take(keys_.number(full_key(key)), 0.0); }
  bool boolean(std::string_view key) { return take(keys_.boolean(full_key(key)), false); }
  std::vector<int64_t> integers(std::string_view key) {
    return take(keys_.integers(full_key(key)), std::vector<int64_t>());
  }

  /// Refuses a model that we would compute wrongly.
  void want(bool right, std::string_view key, const std::string& wanted) {
    if (right || !status_.ok()) return;
    const auto place = keys_.all().find(full_key(key));
    status_ = fail(Code::kUnsupported, "{}: key {}: wanted {}, found {}", keys_.source(), full_key(key), wanted,
                   place == keys_.all().end() ? "nothing" : describe_gguf_value(place->second));
  }

 private:
  template <typename T>
  T take(Result<T> result, T fallback) {
    if (result.ok()) return std::move(*result);
    if (status_.ok()) status_ = result.status();
    return fallback;
  }

  const GgufKeys& keys_;
  Status status_;
};

void read_attention(ArchitectureKeys& k, Json& c) {
  const int64_t heads = k.integer("attention.head_count");
  const int64_t rope = k.integer("rope.dimension_count");
  const int64_t qk_head = k.integer("attention.key_length_mla");
  const int64_t latent = k.integer("attention.kv_lora_rank");
  k.want(k.integer("attention.head_count_kv") == 1, "attention.head_count_kv", "1: one latent for all heads");
  k.want(k.integer_or("attention.key_length", latent + rope) == latent + rope, "attention.key_length",
         fmt::format("kv_lora_rank + rope.dimension_count = {}", latent + rope));
  k.want(qk_head > rope, "attention.key_length_mla", "more than rope.dimension_count");
  k.want(!k.has("rope.scaling.factor") && !k.has("rope.scaling.type"), "rope.scaling", "nothing: no scaled rope");
  c["num_attention_heads"] = heads;
  c["num_key_value_heads"] = heads;
  c["q_lora_rank"] = k.integer("attention.q_lora_rank");
  c["kv_lora_rank"] = latent;
  c["qk_nope_head_dim"] = qk_head - rope;
  c["qk_rope_head_dim"] = rope;
  c["qk_head_dim"] = qk_head;
  c["head_dim"] = rope;
  c["v_head_dim"] = k.integer("attention.value_length_mla");
  c["attention_bias"] = false;
  c["attention_dropout"] = 0.0;
  c["rope_interleave"] = true;
  c["rope_parameters"] = {{"rope_theta", short_number(k.number("rope.freq_base"))}, {"rope_type", "default"}};
}

void read_mlp(ArchitectureKeys& k, int64_t n_layers, Json& c) {
  const int64_t dense = k.integer("leading_dense_block_count");
  k.want(dense <= n_layers, "leading_dense_block_count", fmt::format("at most {}", n_layers));
  k.want(k.integer("expert_gating_func") == kSigmoid, "expert_gating_func", "2: sigmoid");
  c["intermediate_size"] = k.integer("feed_forward_length");
  c["moe_intermediate_size"] = k.integer("expert_feed_forward_length");
  c["n_routed_experts"] = k.integer("expert_count");
  c["n_shared_experts"] = k.integer("expert_shared_count");
  c["num_experts_per_tok"] = k.integer("expert_used_count");
  c["n_group"] = std::max<int64_t>(1, k.integer_or("expert_group_count", 1));
  c["topk_group"] = std::max<int64_t>(1, k.integer_or("expert_group_used_count", 1));
  c["norm_topk_prob"] = k.boolean("expert_weights_norm");
  c["routed_scaling_factor"] = short_number(k.number("expert_weights_scale"));
  c["scoring_func"] = "sigmoid";
  c["topk_method"] = "noaux_tc";
  c["moe_layer_freq"] = 1;
  c["moe_router_dtype"] = "float32";
  c["hidden_act"] = "silu";
  c["first_k_dense_replace"] = dense;
  Json types = Json::array();
  for (int64_t i = 0; i < n_layers; ++i) types.push_back(i < dense ? "dense" : "sparse");
  c["mlp_layer_types"] = std::move(types);
}

/// Files from before IndexShare have no list of types. llama.cpp then takes GLM-5.2's pattern for contexts of a million
/// tokens, and full layers for shorter ones: GLM-5 and 5.1.
std::vector<int64_t> layer_types_by_rule(int64_t n_layers, int64_t context) {
  std::vector<int64_t> full;
  for (int64_t i = 0; i < n_layers; ++i) {
    const bool is_full = context < (1 << 20) || std::max<int64_t>(i - 2, 0) % 4 == 0;
    full.push_back(is_full ? 1 : 0);
  }
  return full;
}

void read_indexer(ArchitectureKeys& k, int64_t n_layers, int64_t n_all_layers, Json& c) {
  constexpr const char* kTypes = "attention.indexer.types";
  c["index_n_heads"] = k.integer("attention.indexer.head_count");
  c["index_head_dim"] = k.integer("attention.indexer.key_length");
  c["index_topk"] = k.integer("attention.indexer.top_k");
  c["indexer_rope_interleave"] = true;
  auto full = k.has(kTypes) ? k.integers(kTypes) : layer_types_by_rule(n_layers, c["max_position_embeddings"]);
  // Some writers count the MTP layer, which is full whatever is listed.
  const auto n = static_cast<int64_t>(full.size());
  k.want(n == n_layers || n == n_all_layers, kTypes, fmt::format("{} entries", n_layers));
  full.resize(static_cast<size_t>(n_layers));
  Json types = Json::array();
  for (const int64_t flag : full) types.push_back(flag != 0 ? "full" : "shared");
  c["indexer_types"] = std::move(types);
  // GGUF does not say it. GLM-5.2 shares among layers and among drafts, GLM-5 and 5.1 share neither.
  c["index_share_for_mtp_iteration"] = std::find(full.begin(), full.end(), 0) != full.end();
}

}  // namespace

Result<Json> config_from_gguf(const GgufKeys& keys, const GgufShape& shape) {
  DB_ASSIGN(const std::string architecture, keys.text("general.architecture"));
  if (architecture != "glm-dsa") {
    return fail(Code::kUnsupported, "{}: key general.architecture: wanted 'glm-dsa', found '{}'", keys.source(),
                architecture);
  }
  ArchitectureKeys k(keys);
  const int64_t n_mtp = k.integer_or("nextn_predict_layers", 0);
  const int64_t n_all = k.integer("block_count");
  k.want(n_mtp <= 1 && n_all > n_mtp, "nextn_predict_layers", "0 or 1, and less than block_count");
  DB_TRY(k.status());
  const int64_t n_layers = n_all - n_mtp;
  Json c = {{"architectures", {"GlmMoeDsaForCausalLM"}},
            {"model_type", "glm_moe_dsa"},
            {"dtype", config_dtype_name(shape.dtype)},
            {"hidden_size", k.integer("embedding_length")},
            {"num_hidden_layers", n_layers},
            {"num_nextn_predict_layers", n_mtp},
            {"vocab_size", shape.vocab},
            {"max_position_embeddings", k.integer("context_length")},
            {"rms_norm_eps", short_number(k.number("attention.layer_norm_rms_epsilon"))},
            {"tie_word_embeddings", shape.tied_embeddings}};
  read_attention(k, c);
  read_mlp(k, n_layers, c);
  read_indexer(k, n_layers, n_all, c);
  c["use_cache"] = true;
  k.want(k.integer_or("vocab_size", shape.vocab) == shape.vocab, "vocab_size",
         fmt::format("{}, the rows of token_embd.weight", shape.vocab));
  DB_TRY(k.status());
  return c;
}

Result<GgufKeyList> gguf_from_config(const Glm52Config& c, const std::string& source) {
  const auto first_sparse = std::find(c.mlp.begin(), c.mlp.end(), MlpKind::kSparse);
  if (first_sparse == c.mlp.end() || std::find(first_sparse, c.mlp.end(), MlpKind::kDense) != c.mlp.end()) {
    return fail(Code::kUnsupported,
                "{}: mlp_layer_types: wanted dense layers first and then sparse ones: GGUF says no "
                "more than how many are dense",
                source);
  }
  std::vector<bool> types;
  for (const LayerKind kind : c.indexer) types.push_back(kind == LayerKind::kFull);
  GgufKeyList keys;
  const auto add = [&keys](std::string_view key, GgufValue value) {
    keys.emplace_back(full_key(key), std::move(value));
  };
  add("block_count", c.n_all_layers());
  add("context_length", c.max_positions);
  add("embedding_length", c.hidden);
  add("feed_forward_length", c.intermediate);
  add("vocab_size", c.vocab);
  add("attention.head_count", c.n_heads);
  add("attention.head_count_kv", int64_t{1});
  add("attention.layer_norm_rms_epsilon", double{c.rms_eps});
  add("attention.q_lora_rank", c.q_lora);
  add("attention.kv_lora_rank", c.kv_lora);
  add("attention.key_length", c.latent_width());
  add("attention.value_length", c.kv_lora);
  add("attention.key_length_mla", c.qk_head());
  add("attention.value_length_mla", c.v_head);
  add("attention.indexer.head_count", c.index_heads);
  add("attention.indexer.key_length", c.index_dim);
  add("attention.indexer.top_k", c.index_topk);
  add("attention.indexer.types", std::move(types));
  add("rope.dimension_count", c.qk_rope);
  add("rope.freq_base", double{c.rope_theta});
  add("leading_dense_block_count", static_cast<int64_t>(first_sparse - c.mlp.begin()));
  add("expert_count", c.n_experts);
  add("expert_used_count", c.experts_per_token);
  add("expert_shared_count", c.n_shared_experts);
  add("expert_feed_forward_length", c.moe_intermediate);
  add("expert_group_count", c.n_group);
  add("expert_group_used_count", c.topk_group);
  add("expert_weights_scale", double{c.routed_scaling_factor});
  add("expert_weights_norm", c.norm_topk_prob);
  add("expert_gating_func", kSigmoid);
  add("nextn_predict_layers", c.n_mtp_layers);
  return keys;
}

}  // namespace drawbridge
