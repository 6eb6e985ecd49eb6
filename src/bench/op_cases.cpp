#include "bench/op_cases.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include "base/rng.h"
#include "bench/op_inputs.h"
#include "engine/sampler.h"
#include "tensor/panel.h"
#include "weights/compact.h"

namespace drawbridge {
namespace {

constexpr int64_t kRoutings = 8;              // sets of chosen experts that turns take
constexpr int64_t kMostTableBytes = 1 << 30;  // of an embedding table; a larger one is cut

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

View top(const View& view, int64_t n_tokens) {
  return slice_rows(view, 0, n_tokens);
}

/// What buffers belong to: kept as long as the run.
template <typename Run>
OpRun keeping(std::shared_ptr<Arena> arena, const Run& run) {
  return [arena = std::move(arena), run](Backend& ops, int64_t n_tokens, int64_t turn) { run(ops, n_tokens, turn); };
}

Result<std::shared_ptr<const MatrixCopies>> copies_of(const Backend& backend, const Matrix& rows, int64_t footprint,
                                                      bool allow_panels) {
  DB_ASSIGN(MatrixCopies made,
            MatrixCopies::create(backend, rows, {copies_for(footprint, matrix_bytes(rows)), allow_panels}));
  return std::shared_ptr<const MatrixCopies>(std::make_shared<MatrixCopies>(std::move(made)));
}

/// linear or linear_f32, which takes rows.
struct ProductShape {
  WeightFormat format = WeightFormat::kBF16;
  int64_t n = 0;
  int64_t k = 0;
  bool is_f32 = false;
};

OpCase product_case(const std::string& name, const ProductShape& shape, int64_t footprint) {
  const auto prepare = [=](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    PackedStore store;
    const Matrix rows = draw_matrix(shape.format, shape.n, shape.k, store);
    DB_ASSIGN(const auto weights, copies_of(backend, rows, footprint, !shape.is_f32));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, shape.k}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, shape.n}));
    const auto product = shape.is_f32 ? &Backend::linear_f32 : &Backend::linear;
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      (ops.*product)(top(y, n_tokens), top(x, n_tokens), weights->at(turn));
    });
  };
  return {shape.is_f32 ? "linear_f32" : "linear", name, prepare};
}

/// Keys or values of kv_b, as absorbed attention multiplies by them.
OpCase heads_case(const Glm52Config& c, WeightFormat format, bool is_key, int64_t footprint) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    PackedStore store;
    const Matrix kv_b = draw_matrix(format, c.n_heads * (c.qk_nope + c.v_head), c.kv_lora, store);
    const SplitKvB split = absorbed_kv_b(kv_b, c.n_heads, c.qk_nope, store);
    const Matrix rows = is_key ? split.k_b : split.v_b;
    const bool whole_panels = rows.n / c.n_heads % kPanelRows == 0;
    DB_ASSIGN(const auto weights, copies_of(backend, rows, footprint, whole_panels));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, c.n_heads, rows.k}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, c.n_heads, rows.n / c.n_heads}));
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      ops.linear_heads(top(y, n_tokens), top(x, n_tokens), weights->at(turn));
    });
  };
  return {"linear_heads", is_key ? "attention k_b" : "attention v_b", prepare};
}

OpCase moe_case(const Glm52Config& c, WeightFormat format, int64_t footprint) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(ExpertLayers made, make_experts(backend, c, format, footprint));
    const auto experts = std::make_shared<const ExpertLayers>(std::move(made));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View chosen, choose_experts(*arena, c, kRoutings, max_tokens));
    DB_ASSIGN(const View x, arena->values({max_tokens, c.hidden}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, c.hidden}));
    DB_ASSIGN(const View weight, arena->values({max_tokens, chosen.cols()}));
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      const auto n_layers = static_cast<int64_t>(experts->layer.size());
      const auto& layer = experts->layer[index(turn % n_layers)];
      auto* const routing = chosen.as<int32_t>() + turn / n_layers % kRoutings * chosen.stride[0];
      ops.moe(top(y, n_tokens), top(x, n_tokens), dense_view(routing, DType::kI32, {n_tokens, chosen.cols()}),
              top(weight, n_tokens), layer);
    });
  };
  return {"moe", c.fuses_shared() ? "routed and shared experts" : "routed experts", prepare};
}

OpCase embed_case(const Glm52Config& c, WeightFormat format) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const int64_t n_rows =
        std::min(c.vocab, std::max<int64_t>(kMostTableBytes / matrix_row_bytes(format, c.hidden), 1));
    PackedStore store;
    const Matrix rows = draw_matrix(format, n_rows, c.hidden, store);
    DB_ASSIGN(const auto table, copies_of(backend, rows, 0, false));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->room(DType::kF32, {max_tokens, c.hidden}));
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      std::vector<int32_t> token(index(n_tokens));
      for (size_t t = 0; t < token.size(); ++t) {
        token[t] = static_cast<int32_t>(bits_at(static_cast<uint64_t>(turn), t) % index(n_rows));
      }
      ops.embed(top(x, n_tokens), table->at(0), token);
    });
  };
  return {"embed", "embedding", prepare};
}

KvFormat latent_of(const Backend& backend, const Glm52Config& c) {
  return latent_format(backend.numerics().kv_cache, c.kv_lora, c.qk_rope);
}

OpCase attention_case(const Glm52Config& c, const OpCaseOptions& options) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const CacheShape shape{latent_of(backend, c), std::max(options.context, max_tokens), max_tokens};
    DB_ASSIGN(const auto caches, make_caches(backend, shape, options.footprint));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View q_latent, arena->values({max_tokens, c.n_heads, c.kv_lora}));
    DB_ASSIGN(const View q_rope, arena->values({max_tokens, c.n_heads, c.qk_rope}));
    DB_ASSIGN(const View o, arena->room(DType::kF32, {max_tokens, c.n_heads, c.kv_lora}));
    DB_ASSIGN(const View selected, select_evenly(*arena, *caches, c.index_topk));
    const float scale = c.softmax_scale();
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      ops.mla_attention(top(o, n_tokens), top(q_latent, n_tokens), top(q_rope, n_tokens), caches->at(turn),
                        caches->map(), slice_rows(selected, max_tokens - n_tokens, n_tokens), scale);
    });
  };
  return {"mla_attention", "attention", prepare};
}

OpCase index_case(const Glm52Config& c, const OpCaseOptions& options) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const CacheShape shape{index_format(backend.numerics().kv_cache, c.index_dim),
                           std::max(options.context, max_tokens), max_tokens};
    DB_ASSIGN(const auto caches, make_caches(backend, shape, options.footprint));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View q, arena->values({max_tokens, c.index_heads, c.index_dim}));
    DB_ASSIGN(const View head_weight, arena->values({max_tokens, c.index_heads}));
    DB_ASSIGN(const View selected, arena->room(DType::kI32, {max_tokens, c.index_topk}));
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      ops.index_topk(top(selected, n_tokens), top(q, n_tokens), top(head_weight, n_tokens), caches->at(turn),
                     caches->map(), caches->last(n_tokens));
    });
  };
  return {"index_topk", "indexer", prepare};
}

OpCase kv_write_case(const Glm52Config& c, int64_t footprint) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(const auto caches, make_caches(backend, {latent_of(backend, c), max_tokens, max_tokens}, footprint));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, c.latent_width()}));
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t turn) {
      ops.kv_write(caches->at(turn), caches->last(n_tokens), top(x, n_tokens));
    });
  };
  return {"kv_write", "latent cache", prepare};
}

OpCase rope_case(const Glm52Config& c) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, c.n_heads, c.qk_rope}));
    std::vector<int32_t> pos(index(max_tokens));
    std::iota(pos.begin(), pos.end(), 0);
    const float theta = c.rope_theta;
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t) {
      ops.rope(top(x, n_tokens), std::span(pos).first(index(n_tokens)), theta);
    });
  };
  return {"rope", "attention q", prepare};
}

OpCase route_case(const Glm52Config& c) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View logit, arena->values({max_tokens, c.n_experts}));
    DB_ASSIGN(const View expert, choose_experts(*arena, c, 1, max_tokens));
    DB_ASSIGN(const View weight, arena->room(DType::kF32, {max_tokens, expert.cols()}));
    const View chosen = dense_view(expert.data, DType::kI32, {max_tokens, expert.cols()});
    const std::vector<float> bias(index(c.n_experts), 0.5f);
    const RouterOptions options{c.experts_per_token, c.n_group, c.topk_group, c.norm_topk_prob,
                                c.routed_scaling_factor};
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t) {
      ops.route(top(chosen, n_tokens), top(weight, n_tokens), top(logit, n_tokens), bias, options);
    });
  };
  return {"route", "router", prepare};
}

/// The engine's sampler over a vocabulary, on its one thread. Logits fall off as a trained head's do: about fifty lie
/// within 8 nats of the top.
OpCase sample_case(const Glm52Config& c, const std::string& name, const SamplingOptions& sampling) {
  const auto prepare = [=, &c](Backend& backend, int64_t) -> Result<OpRun> {
    constexpr uint64_t kSeed = 0x73616d706c65;
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View logits, arena->room(DType::kF32, {1, c.vocab}));
    for (int64_t i = 0; i < c.vocab; ++i) {
      logits.f32()[i] = static_cast<float>(-2 * std::log(1 - uniform_at(kSeed, static_cast<uint64_t>(i))));
    }
    return keeping(arena, [=](Backend&, int64_t n_tokens, int64_t turn) {
      const std::span<float> row(logits.f32(), index(logits.cols()));
      for (int64_t t = 0; t < n_tokens; ++t) {
        DB_CHECK(sample(row, sampling, {}, kSeed, static_cast<uint64_t>(turn * n_tokens + t)).ok());
      }
    });
  };
  return {"sample", name, prepare, c.vocab * static_cast<int64_t>(sizeof(float))};
}

/// An op on rows of `width` values: run(ops, y, x, z, w), w [width].
template <typename Run>
OpCase row_case(const std::string& op, const std::string& name, int64_t width, const Run& run) {
  const auto prepare = [=](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, width}));
    DB_ASSIGN(const View y, arena->values({max_tokens, width}));
    DB_ASSIGN(const View z, arena->values({max_tokens, width}));
    const std::vector<float> w(index(width), 1.0f);
    return keeping(arena, [=](Backend& ops, int64_t n_tokens, int64_t) {
      run(ops, top(y, n_tokens), top(x, n_tokens), top(z, n_tokens), std::span<const float>(w));
    });
  };
  return {op, name, prepare};
}

/// The format of most weights of a part.
class Formats {
 public:
  Formats(const Inventory& inventory, std::optional<WeightFormat> chosen) : inventory_(inventory), chosen_(chosen) {}

  WeightFormat stored(const std::string& part) const {
    for (const PartInventory& p : inventory_.parts) {
      if (p.name != part || p.formats.empty()) continue;
      const auto most = std::max_element(p.formats.begin(), p.formats.end(),
                                         [](const auto& a, const auto& b) { return a.second < b.second; });
      for (size_t f = 0; f < kWeightFormats; ++f) {
        if (most->first == weight_format_name(static_cast<WeightFormat>(f))) return static_cast<WeightFormat>(f);
      }
    }
    return WeightFormat::kBF16;
  }
  /// The chosen format where rows of k can have it.
  WeightFormat of(const std::string& part, int64_t k) const {
    const WeightFormat format = chosen_ ? *chosen_ : stored(part);
    const bool in_blocks = format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8;
    return in_blocks && k % kMxfp4Block != 0 ? WeightFormat::kBF16 : format;
  }

 private:
  const Inventory& inventory_;
  std::optional<WeightFormat> chosen_;
};

class CaseList {
 public:
  CaseList(const Glm52Config& config, const Inventory& inventory, const OpCaseOptions& options)
      : c_(config), options_(options), formats_(inventory, options.format) {}

  std::vector<OpCase> make() {
    cases_.push_back(embed_case(c_, formats_.stored("embedding")));
    attention();
    if (c_.n_experts > 0) experts();
    if (std::find(c_.mlp.begin(), c_.mlp.end(), MlpKind::kDense) != c_.mlp.end()) {
      mlp("dense MLP", "dense MLP", c_.intermediate);
    }
    product("lm_head", {formats_.stored("lm_head"), c_.vocab, c_.hidden});
    sampler();
    return std::move(cases_);
  }

 private:
  void product(const std::string& name, const ProductShape& shape) {
    cases_.push_back(product_case(name, shape, options_.footprint));
  }
  void linear(const std::string& part, const std::string& name, int64_t n, int64_t k) {
    product(name, {formats_.of(part, k), n, k});
  }
  void linear_f32(const std::string& name, int64_t n, int64_t k) {
    product(name, {formats_.stored("router"), n, k, true});
  }

  void attention() {
    const float eps = c_.rms_eps;
    cases_.push_back(
        row_case("add_rms_norm", "block input", c_.hidden,
                 [eps](Backend& ops, View y, View x, View z, auto w) { ops.add_rms_norm(y, z, x, w, eps); }));
    linear("attention", "attention q_a", c_.q_lora, c_.hidden);
    cases_.push_back(row_case("rms_norm", "attention q_a_norm", c_.q_lora,
                              [eps](Backend& ops, View y, View x, View, auto w) { ops.rms_norm(y, x, w, eps); }));
    linear("attention", "attention q_b", c_.n_heads * c_.qk_head(), c_.q_lora);
    linear("attention", "attention kv_a", c_.latent_width(), c_.hidden);
    cases_.push_back(rope_case(c_));
    cases_.push_back(kv_write_case(c_, options_.footprint));
    indexer();
    const WeightFormat kv_b = formats_.of("attention", c_.kv_lora);
    cases_.push_back(heads_case(c_, kv_b, true, options_.footprint));
    cases_.push_back(attention_case(c_, options_));
    cases_.push_back(heads_case(c_, kv_b, false, options_.footprint));
    linear("attention", "attention o", c_.hidden, c_.n_heads * c_.v_head);
  }

  void sampler() {
    SamplingOptions greedy, drawn;
    greedy.temperature = 0;
    drawn.top_p = 0.95f;
    cases_.push_back(sample_case(c_, "most likely", greedy));
    cases_.push_back(sample_case(c_, "top-p 0.95", drawn));
  }

  void indexer() {
    linear("indexer", "indexer q_b", c_.index_heads * c_.index_dim, c_.q_lora);
    linear("indexer", "indexer k", c_.index_dim, c_.hidden);
    cases_.push_back(row_case("layer_norm", "indexer k_norm", c_.index_dim,
                              [](Backend& ops, View y, View x, View, auto w) { ops.layer_norm(y, x, w, w, 1e-6f); }));
    linear_f32("indexer head weights", c_.index_heads, c_.hidden);
    cases_.push_back(index_case(c_, options_));
  }

  /// A shared expert of another width is an MLP of its own.
  void experts() {
    linear_f32("router", c_.n_experts, c_.hidden);
    cases_.push_back(route_case(c_));
    const WeightFormat format = formats_.of("routed experts", std::gcd(c_.hidden, c_.moe_intermediate));
    cases_.push_back(moe_case(c_, format, options_.footprint));
    if (c_.n_shared_experts == 0 || c_.fuses_shared()) return;
    mlp("shared experts", "shared expert", c_.n_shared_experts * c_.moe_intermediate);
    cases_.push_back(
        row_case("add", "experts", c_.hidden, [](Backend& ops, View y, View x, View, auto) { ops.add(y, x); }));
  }

  void mlp(const std::string& part, const std::string& name, int64_t width) {
    linear(part, name + " gate, up", width, c_.hidden);
    cases_.push_back(
        row_case("swiglu", name, width, [](Backend& ops, View y, View x, View z, auto) { ops.swiglu(y, x, z); }));
    linear(part, name + " down", c_.hidden, width);
  }

  const Glm52Config& c_;
  const OpCaseOptions& options_;
  const Formats formats_;
  std::vector<OpCase> cases_;
};

}  // namespace

std::vector<OpCase> op_cases(const Glm52Config& config, const Inventory& inventory, const OpCaseOptions& options) {
  return CaseList(config, inventory, options).make();
}

}  // namespace drawbridge
