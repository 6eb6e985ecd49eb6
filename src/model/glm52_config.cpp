#include "model/glm52_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "base/mapped_file.h"
#include "model/generation_config.h"

namespace drawbridge {
namespace {

constexpr int64_t kMaxWidth = 1 << 20;  // any matrix side but the vocabulary
constexpr int64_t kMaxVocab = 1 << 24;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxPositions = 1 << 24;

/// Nothing for what is not a number, or not above 0, or rounds to 0 or infinity as f32.
std::optional<float> positive_f32(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  const auto number = static_cast<float>(value.get<double>());
  if (number > 0 && std::isnormal(number)) return number;
  return std::nullopt;
}

/// Reads fields by name; the first failure is kept and later reads answer defaults, so that the caller reads straight
/// on.
class Fields {
 public:
  Fields(const Json& config, std::string source) : config_(config), source_(std::move(source)) {}

  Status status() const { return status_; }
  bool has(const char* key) {
    if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
    return config_.contains(key) && !config_[key].is_null();
  }
  const Json& at(const char* key) const { return config_[key]; }

  void refuse(const char* key, const std::string& wanted) {
    if (!status_.ok()) return;
    const std::string found = config_.contains(key) ? dump_json(config_[key]).substr(0, 200) : "nothing";
    status_ = fail(Code::kInvalidArgument, "{}: {}: wanted {}, found {}", source_, key, wanted, found);
  }

  int64_t integer(const char* key, int64_t low, int64_t high) {
    if (has(key) && at(key).is_number_integer()) {
      const bool huge = at(key).is_number_unsigned() && at(key).get<uint64_t>() > static_cast<uint64_t>(high);
      const auto value = huge ? high + 1 : at(key).get<int64_t>();
      if (value >= low && value <= high) return value;
    }
    refuse(key, fmt::format("a whole number from {} to {}", low, high));
    return low;
  }
  int64_t integer_or(const char* key, int64_t low, int64_t high, int64_t fallback) {
    return has(key) ? integer(key, low, high) : fallback;
  }
  float positive(const char* key, float fallback) {
    if (!has(key)) return fallback;
    if (const auto value = positive_f32(at(key))) return *value;
    refuse(key, "a number above 0 that f32 can hold");
    return fallback;
  }
  bool boolean(const char* key, bool fallback) {
    if (!has(key)) return fallback;
    if (at(key).is_boolean()) return at(key).get<bool>();
    refuse(key, "true or false");
    return fallback;
  }
  /// The field, where present, must be `wanted`: anything else is a model that this code would compute wrongly.
  void must_be(const char* key, const Json& wanted) {
    if (has(key) && at(key) != wanted) refuse(key, dump_json(wanted));
  }
  std::vector<std::string> unknown() const {
    std::vector<std::string> names;
    for (const auto& [key, value] : config_.items()) {
      if (std::find(known_.begin(), known_.end(), key) == known_.end()) names.push_back(key);
    }
    return names;
  }
  void ignore(const char* key) { (void)has(key); }

 private:
  const Json& config_;
  std::string source_;
  std::vector<std::string> known_;
  Status status_;
};

/// Whether `rope`, an object, asks for nothing but plain rotation. Older files spell rope_type `type`; any key beside
/// these (factor, mscale, ...) belongs to a scaling that this code does not compute.
bool is_plain_rope(const Json& rope) {
  for (const auto& [key, value] : rope.items()) {
    if (key == "rope_theta" || value.is_null()) continue;
    if ((key == "rope_type" || key == "type") && value == "default") continue;
    if (key == "partial_rotary_factor" && value == 1.0) continue;
    return false;
  }
  return true;
}

void read_rope(Fields& f, Glm52Config& c) {
  c.rope_theta = f.positive("rope_theta", c.rope_theta);
  if (f.has("rope_scaling")) {
    const Json& scaling = f.at("rope_scaling");
    if (!scaling.is_object() || scaling.contains("rope_theta") || !is_plain_rope(scaling)) {
      return f.refuse("rope_scaling", "null or {rope_type: default}: no scaled rope is computed");
    }
  }
  if (!f.has("rope_parameters")) return;
  const Json& rope = f.at("rope_parameters");
  const auto theta = rope.is_object() && rope.contains("rope_theta") ? positive_f32(rope["rope_theta"]) : std::nullopt;
  if (!theta || !is_plain_rope(rope)) {
    return f.refuse("rope_parameters", "{rope_type: default, rope_theta: a number above 0} and no scaling");
  }
  c.rope_theta = *theta;
}

void read_attention(Fields& f, Glm52Config& c) {
  c.n_heads = f.integer("num_attention_heads", 1, 65536);
  c.q_lora = f.integer("q_lora_rank", 1, kMaxWidth);
  c.kv_lora = f.integer("kv_lora_rank", 1, kMaxWidth);
  c.qk_nope = f.integer("qk_nope_head_dim", 1, 65536);
  c.qk_rope = f.integer("qk_rope_head_dim", 2, 65536);
  c.v_head = f.integer("v_head_dim", 1, 65536);
  if (c.qk_rope % 2 != 0) f.refuse("qk_rope_head_dim", "an even number: rotary pairs");
  f.must_be("attention_bias", false);
  f.must_be("rope_interleave", true);
  read_rope(f, c);
}

void read_mlp(Fields& f, Glm52Config& c) {
  c.intermediate = f.integer("intermediate_size", 1, kMaxWidth);
  c.n_experts = f.integer_or("n_routed_experts", 0, 65536, 0);
  if (c.n_experts > 0) {
    c.moe_intermediate = f.integer("moe_intermediate_size", 1, kMaxWidth);
    c.n_shared_experts = f.integer_or("n_shared_experts", 0, 64, 0);
    c.experts_per_token = f.integer("num_experts_per_tok", 1, c.n_experts);
    c.n_group = f.integer_or("n_group", 1, c.n_experts, 1);
    c.topk_group = f.integer_or("topk_group", 1, c.n_group, 1);
    if (c.n_experts % c.n_group != 0) f.refuse("n_group", "a divisor of n_routed_experts");
    if (c.n_group > 1 && c.n_experts / c.n_group < 2) f.refuse("n_group", "groups of at least two experts");
    if (c.topk_group * (c.n_experts / c.n_group) < c.experts_per_token) {
      f.refuse("topk_group", "groups that hold num_experts_per_tok experts");
    }
    c.norm_topk_prob = f.boolean("norm_topk_prob", true);
    c.routed_scaling_factor = f.positive("routed_scaling_factor", 1.0f);
  }
  f.must_be("scoring_func", "sigmoid");
  f.must_be("topk_method", "noaux_tc");
  f.must_be("moe_layer_freq", 1);
  f.must_be("hidden_act", "silu");
  const int64_t first_sparse = f.integer_or("first_k_dense_replace", 0, kMaxLayers, 0);
  for (int64_t i = 0; i < c.n_layers; ++i) {
    c.mlp.push_back(i < first_sparse || c.n_experts == 0 ? MlpKind::kDense : MlpKind::kSparse);
  }
  if (!f.has("mlp_layer_types")) return;
  const Json& types = f.at("mlp_layer_types");
  if (!types.is_array() || static_cast<int64_t>(types.size()) != c.n_layers) {
    return f.refuse("mlp_layer_types", fmt::format("{} entries", c.n_layers));
  }
  for (size_t i = 0; i < types.size(); ++i) {
    const bool sparse = types[i] == "sparse";
    if ((!sparse && types[i] != "dense") || (sparse && c.n_experts == 0)) {
      return f.refuse("mlp_layer_types", "dense or sparse, and sparse only with n_routed_experts");
    }
    c.mlp[i] = sparse ? MlpKind::kSparse : MlpKind::kDense;
  }
}

/// The letters F and S of `list`: a string of them, or an array of "full" and "shared". Empty for anything else.
std::string layer_letters(const Json& list) {
  if (list.is_string()) {
    const auto letters = list.get<std::string>();
    return letters.find_first_not_of("FS") == std::string::npos ? letters : "";
  }
  std::string letters;
  for (const Json& kind : list.is_array() ? list : Json::array()) {
    if (kind != "full" && kind != "shared") return "";
    letters += kind == "full" ? 'F' : 'S';
  }
  return letters;
}

/// Precedence: indexer_types, then index_topk_pattern, then the freq and offset rule (freq 1: all full, as GLM-5).
/// A list that another one overrides is not read.
void read_layer_kinds(Fields& f, Glm52Config& c) {
  const int64_t freq = f.integer_or("index_topk_freq", 1, kMaxLayers, 1);
  const int64_t offset = f.integer_or("index_skip_topk_offset", 0, kMaxLayers, 2);
  for (int64_t i = 0; i < c.n_layers; ++i) {
    c.indexer.push_back(std::max<int64_t>(i - offset + 1, 0) % freq == 0 ? LayerKind::kFull : LayerKind::kShared);
  }
  const bool has_pattern = f.has("index_topk_pattern");
  const bool has_types = f.has("indexer_types");
  if (has_pattern || has_types) {
    const char* key = has_types ? "indexer_types" : "index_topk_pattern";
    const std::string letters = layer_letters(f.at(key));
    if (static_cast<int64_t>(letters.size()) != c.n_layers) {
      return f.refuse(key, fmt::format("{} layers, each full or shared (F or S)", c.n_layers));
    }
    for (size_t i = 0; i < letters.size(); ++i)
      c.indexer[i] = letters[i] == 'F' ? LayerKind::kFull : LayerKind::kShared;
  }
  if (!c.indexer.empty() && c.indexer[0] != LayerKind::kFull) {
    f.refuse("indexer_types", "a full first layer: a shared one needs a selection before it");
  }
}

void read_indexer(Fields& f, Glm52Config& c) {
  c.index_heads = f.integer("index_n_heads", 1, 65536);
  c.index_dim = f.integer("index_head_dim", 1, 65536);
  c.index_topk = f.integer("index_topk", 1, kMaxPositions);
  if (c.index_dim < c.qk_rope) f.refuse("index_head_dim", "at least qk_rope_head_dim");
  c.index_share_for_mtp = f.boolean("index_share_for_mtp_iteration", false);
  f.must_be("indexer_rope_interleave", true);
  read_layer_kinds(f, c);
}

void read_dtype(Fields& f, Glm52Config& c) {
  const char* key = f.has("dtype") ? "dtype" : "torch_dtype";
  if (!f.has(key)) return;
  if (f.at(key) == "bfloat16") return;
  if (f.at(key) == "float32") {
    c.dtype = DType::kF32;
  } else if (f.at(key) == "float16") {
    c.dtype = DType::kF16;
  } else {
    f.refuse(key, "bfloat16, float16 or float32");
  }
}

void read_tokens(Fields& f, Glm52Config& c) {
  c.vocab = f.integer("vocab_size", 1, kMaxVocab);
  if (!f.has("eos_token_id")) return;
  const auto eos = read_token_ids(f.at("eos_token_id"), c.vocab);
  if (!eos) return f.refuse("eos_token_id", fmt::format("at most 64 token ids below {}", c.vocab));
  c.eos = *eos;
}

/// Keys that are understood to carry nothing for inference; anything else is listed as unknown.
constexpr std::array kIgnored = {
    "architectures",     "model_type",        "head_dim",         "qk_head_dim",         "num_key_value_heads",
    "attention_dropout", "initializer_range", "pad_token_id",     "bos_token_id",        "ep_size",
    "pretraining_tp",    "use_cache",         "moe_router_dtype", "transformers_version"};

Status check_architecture(const Json& config, const std::string& source) {
  const Json type = config.is_object() ? config.value("model_type", Json("")) : Json();
  if (type == "glm_moe_dsa") return Status();
  if (type == "glm5_next") {
    return fail(Code::kUnsupported,
                "{}: model_type glm5_next (GLM-5.3-Flash) is another architecture: linear attention and "
                "hyper-connections; wanted glm_moe_dsa",
                source);
  }
  return fail(Code::kUnsupported, "{}: model_type: wanted \"glm_moe_dsa\", found {}", source, dump_json(type));
}

/// Bounds what is listed and counted tensor by tensor: no count of elements or bytes can then overflow.
Status check_size(const Glm52Config& c, const std::string& source) {
  constexpr int64_t kMaxExperts = 1 << 20;  // of all layers
  if (c.n_all_layers() * c.n_experts > kMaxExperts) {
    return fail(Code::kOutOfRange, "{}: n_routed_experts: wanted at most {} in all layers, found {} in each of {}",
                source, kMaxExperts, c.n_experts, c.n_all_layers());
  }
  constexpr double kMaxParameters = 1e15;
  const auto product = [](int64_t a, int64_t b) { return static_cast<double>(a) * static_cast<double>(b); };
  const double attention = product(c.q_lora, c.hidden + c.n_heads * c.qk_head() + c.index_heads * c.index_dim) +
                           product(c.latent_width() + c.index_dim + c.index_heads, c.hidden) +
                           product(c.n_heads * (c.qk_nope + c.v_head), c.kv_lora) +
                           product(c.n_heads * c.v_head, c.hidden);
  const double mlp = 3 * product(c.intermediate + (c.n_experts + c.n_shared_experts) * c.moe_intermediate, c.hidden);
  const double total = static_cast<double>(c.n_all_layers()) * (attention + mlp) + 2 * product(c.vocab, c.hidden);
  if (total <= kMaxParameters) return Status();
  return fail(Code::kOutOfRange, "{}: describes about {:.3g} parameters, wanted at most {:.0g}", source, total,
              kMaxParameters);
}

}  // namespace

bool Glm52Config::is_sparse(int64_t layer) const {
  if (layer >= n_layers) return n_experts > 0;
  return mlp[static_cast<size_t>(layer)] == MlpKind::kSparse;
}

bool Glm52Config::is_full(int64_t layer) const {
  return layer >= n_layers || indexer[static_cast<size_t>(layer)] == LayerKind::kFull;
}

int64_t Glm52Config::index_source(int64_t layer) const {
  while (!is_full(layer)) --layer;
  return layer;
}

Result<Glm52Config> parse_glm52_config(const Json& config, const std::string& source) {
  DB_TRY(check_architecture(config, source));
  Fields f(config, source);
  for (const char* key : kIgnored) f.ignore(key);
  Glm52Config c;
  c.hidden = f.integer("hidden_size", 1, kMaxWidth);
  c.n_layers = f.integer("num_hidden_layers", 1, kMaxLayers);
  c.n_mtp_layers = f.integer_or("num_nextn_predict_layers", 0, 1, 0);
  c.max_positions = f.integer("max_position_embeddings", 1, kMaxPositions);
  c.rms_eps = f.positive("rms_norm_eps", 1e-5f);
  c.tied_embeddings = f.boolean("tie_word_embeddings", false);
  read_tokens(f, c);
  read_dtype(f, c);
  read_attention(f, c);
  read_mlp(f, c);
  read_indexer(f, c);
  DB_TRY(f.status());
  DB_TRY(check_size(c, source));
  if (f.has("quantization_config")) {
    DB_ASSIGN(c.quantization, parse_quantization_config(f.at("quantization_config"), source));
  }
  c.unknown_keys = f.unknown();
  return c;
}

Result<Glm52Config> load_glm52_config(const std::string& directory) {
  const std::string path = directory + "/config.json";
  DB_ASSIGN(const std::string text, read_text_file(path, 16u << 20));
  DB_ASSIGN(const Json config, parse_json(text, path));
  return parse_glm52_config(config, path);
}

}  // namespace drawbridge
