#include "bench/op_cases.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>

#include "base/checked_math.h"
#include "base/rng.h"
#include "bench/random_weights.h"
#include "weights/packed.h"

namespace drawbridge {
namespace {

constexpr int64_t kPageSize = 16;          // tokens
constexpr int64_t kRoutings = 8;           // sets of chosen experts that turns take
constexpr int64_t kMostBytes = 1LL << 30;  // of one op's weights; beyond it experts share them, tables are cut
constexpr uint64_t kSeed = 0x6f7073;

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

/// Buffers of one case.
class Arena {
 public:
  explicit Arena(Backend& backend) : backend_(backend) {}

  /// Uniform in [-1, 1).
  Result<View> values(std::initializer_list<int64_t> shape) {
    DB_ASSIGN(const View view, room(DType::kF32, shape));
    for (int64_t i = 0; i < view.rows() * view.cols(); ++i) {
      view.f32()[i] = static_cast<float>(2 * uniform_at(kSeed, static_cast<uint64_t>(i)) - 1);
    }
    return view;
  }
  Result<View> room(DType dtype, std::initializer_list<int64_t> shape) {
    const int64_t n = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    DB_ASSIGN(Buffer buffer, backend_.allocate(n * dtype_bytes(dtype)));
    buffers_.push_back(buffer);
    return dense_view(buffer.get(), dtype, shape);
  }

 private:
  Backend& backend_;
  std::vector<Buffer> buffers_;
};

View top(const View& view, int64_t n_tokens) {
  return slice_rows(view, 0, n_tokens);
}

/// `n` of 0 .. count - 1, distinct, in a random order.
std::vector<int32_t> draw_distinct(int64_t n, int64_t count, uint64_t seed) {
  std::vector<int32_t> all(index(count));
  std::iota(all.begin(), all.end(), 0);
  for (int64_t i = 0; i < n; ++i) {
    std::swap(all[index(i)], all[index(i) + bits_at(seed, static_cast<uint64_t>(i)) % index(count - i)]);
  }
  all.resize(index(n));
  return all;
}

/// The product of one kind of linear.
using Product = void (Backend::*)(View y, View x, const Matrix& w);

OpCase product_case(const std::string& op, const std::string& name, Product product, WeightFormat format, int64_t n,
                    int64_t k) {
  const auto prepare = [=](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(const RandomMatrix rows, draw_matrix(backend, format, n, k, kSeed));
    DB_ASSIGN(MatrixCopies made, MatrixCopies::create(backend, rows.matrix));
    const auto arena = std::make_shared<Arena>(backend);
    const auto weights = std::make_shared<MatrixCopies>(std::move(made));
    DB_ASSIGN(const View x, arena->values({max_tokens, k}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, n}));
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);  // owns x and y
      (ops.*product)(top(y, n_tokens), top(x, n_tokens), weights->at(turn));
    });
  };
  return {op, name, prepare};
}

/// Keys or values of kv_b, as absorbed attention multiplies by them.
OpCase heads_case(const Glm52Config& c, WeightFormat format, bool is_key) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(const RandomMatrix kv_b,
              draw_matrix(backend, format, c.n_heads * (c.qk_nope + c.v_head), c.kv_lora, kSeed));
    PackedStore store;
    const SplitKvB split = split_kv_b(kv_b.matrix, c.n_heads, c.qk_nope, store);
    DB_ASSIGN(MatrixCopies made, MatrixCopies::create(backend, is_key ? split.k_b : split.v_b));
    const auto arena = std::make_shared<Arena>(backend);
    const auto weights = std::make_shared<MatrixCopies>(std::move(made));
    DB_ASSIGN(const View x, arena->values({max_tokens, c.n_heads, is_key ? c.qk_nope : c.kv_lora}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, c.n_heads, is_key ? c.kv_lora : c.v_head}));
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      ops.linear_heads(top(y, n_tokens), top(x, n_tokens), weights->at(turn));
    });
  };
  return {"linear_heads", is_key ? "attention k_b" : "attention v_b", prepare};
}

/// The experts of some layers, whose weights turns take one after the other.
struct ExpertLayers {
  MatrixCopies gate_up, down;
  std::vector<std::vector<MlpMatrices>> layer;
};

Result<ExpertLayers> make_experts(Backend& backend, const Glm52Config& c, WeightFormat format) {
  DB_ASSIGN(const RandomMatrix wide, draw_matrix(backend, format, c.moe_intermediate, c.hidden, kSeed));
  DB_ASSIGN(const RandomMatrix tall, draw_matrix(backend, format, c.hidden, c.moe_intermediate, kSeed));
  const int64_t bytes = 2 * matrix_bytes(wide.matrix) + matrix_bytes(tall.matrix);
  const int64_t n_layers = copies_beyond_caches(bytes * c.experts_per_token);
  const int64_t n_experts =
      std::clamp(n_layers * c.n_experts, c.experts_per_token, std::max(kMostBytes / bytes, c.experts_per_token));
  ExpertLayers made;
  DB_ASSIGN(made.gate_up, MatrixCopies::create(backend, wide.matrix, 2 * n_experts));
  DB_ASSIGN(made.down, MatrixCopies::create(backend, tall.matrix, n_experts));
  for (int64_t l = 0; l < n_layers; ++l) {
    auto& experts = made.layer.emplace_back();
    for (int64_t e = l * c.n_experts; e < (l + 1) * c.n_experts; ++e) {
      experts.push_back({made.gate_up.at(2 * e), made.gate_up.at(2 * e + 1), made.down.at(e)});
    }
  }
  return made;
}

OpCase moe_case(const Glm52Config& c, WeightFormat format) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(ExpertLayers made, make_experts(backend, c, format));
    const auto experts = std::make_shared<ExpertLayers>(std::move(made));
    const auto arena = std::make_shared<Arena>(backend);
    const int64_t n_chosen = c.experts_per_token;
    DB_ASSIGN(const View x, arena->values({max_tokens, c.hidden}));
    DB_ASSIGN(const View y, arena->room(DType::kF32, {max_tokens, c.hidden}));
    DB_ASSIGN(const View weight, arena->values({max_tokens, n_chosen}));
    DB_ASSIGN(const View chosen, arena->room(DType::kI32, {kRoutings, max_tokens, n_chosen}));
    for (int64_t i = 0; i < kRoutings * max_tokens; ++i) {
      const auto drawn = draw_distinct(n_chosen, c.n_experts, static_cast<uint64_t>(i));
      std::copy(drawn.begin(), drawn.end(), chosen.as<int32_t>() + i * n_chosen);
    }
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      const auto n_layers = static_cast<int64_t>(experts->layer.size());
      const auto& layer = experts->layer[index(turn % n_layers)];
      int32_t* const routing = chosen.as<int32_t>() + turn / n_layers % kRoutings * chosen.stride[0];
      ops.moe(top(y, n_tokens), top(x, n_tokens), dense_view(routing, DType::kI32, {n_tokens, n_chosen}),
              top(weight, n_tokens), layer);
    });
  };
  return {"moe", "routed experts", prepare};
}

OpCase embed_case(const Glm52Config& c, WeightFormat format) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const int64_t n_rows = std::min(c.vocab, std::max<int64_t>(kMostBytes / matrix_row_bytes(format, c.hidden), 1));
    DB_ASSIGN(const RandomMatrix table, draw_matrix(backend, format, n_rows, c.hidden, kSeed));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->room(DType::kF32, {max_tokens, c.hidden}));
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      std::vector<int32_t> token(index(n_tokens));
      for (size_t t = 0; t < token.size(); ++t) {
        token[t] = static_cast<int32_t>(bits_at(static_cast<uint64_t>(turn), t) % index(n_rows));
      }
      ops.embed(top(x, n_tokens), table.matrix, token);
    });
  };
  return {"embed", "embedding", prepare};
}

/// The caches of one request in some layers, filled, and the places of its last max_tokens tokens.
struct Caches {
  std::vector<Buffer> buffers;
  std::vector<PagedView> layer;
  std::vector<int32_t> request, pages, pos, slot;

  RowMap map() const { return {request.data(), pages.data(), static_cast<int64_t>(pages.size()), 1}; }
  const PagedView& at(int64_t turn) const { return layer[index(turn) % layer.size()]; }
};

Result<std::shared_ptr<Caches>> make_caches(Backend& backend, const KvFormat& format, int64_t context,
                                            int64_t max_tokens) {
  const auto caches = std::make_shared<Caches>();
  const int64_t n_pages = ceil_div(context, kPageSize), bytes = n_pages * kPageSize * format.row_bytes;
  for (int64_t p = 0; p < n_pages; ++p) caches->pages.push_back(static_cast<int32_t>(p));
  for (int64_t t = 0; t < context; ++t) caches->slot.push_back(static_cast<int32_t>(t));
  caches->request.assign(index(max_tokens), 0);
  Arena arena(backend);
  DB_ASSIGN(const View rows, arena.values({context, format.width}));
  for (int64_t l = 0; l < copies_beyond_caches(bytes); ++l) {
    DB_ASSIGN(Buffer buffer, backend.allocate(bytes));
    caches->layer.push_back({buffer.get(), format, n_pages, kPageSize, nullptr});
    caches->buffers.push_back(std::move(buffer));
    if (l == 0) {
      backend.kv_write(caches->layer[0], caches->slot, rows);
    } else {
      std::memcpy(caches->layer.back().data, caches->layer[0].data, index(bytes));
    }
  }
  caches->slot.erase(caches->slot.begin(), caches->slot.end() - max_tokens);
  caches->pos = caches->slot;  // the pages lie in order
  return caches;
}

/// Positions and slots of the last n_tokens.
std::span<const int32_t> last(const std::vector<int32_t>& all, int64_t n_tokens) {
  return std::span(all).last(index(n_tokens));
}

KvFormat latent_of(const Backend& backend, const Glm52Config& c) {
  return latent_format(backend.numerics().kv_cache, c.kv_lora, c.qk_rope);
}

OpCase attention_case(const Glm52Config& c, int64_t context) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const int64_t length = std::max(context, max_tokens);
    DB_ASSIGN(const auto caches, make_caches(backend, latent_of(backend, c), length, max_tokens));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View q_latent, arena->values({max_tokens, c.n_heads, c.kv_lora}));
    DB_ASSIGN(const View q_rope, arena->values({max_tokens, c.n_heads, c.qk_rope}));
    DB_ASSIGN(const View o, arena->room(DType::kF32, {max_tokens, c.n_heads, c.kv_lora}));
    DB_ASSIGN(const View selected, arena->room(DType::kI32, {max_tokens, c.index_topk}));
    for (int64_t t = 0; t < max_tokens; ++t) {
      // Evenly over the past, as many as the indexer lets through.
      const int64_t n_keys = caches->pos[index(t)] + 1, n = std::min(n_keys, c.index_topk);
      int32_t* const row = selected.as<int32_t>() + t * c.index_topk;
      std::fill_n(row, c.index_topk, -1);
      for (int64_t i = 0; i < n; ++i) row[i] = static_cast<int32_t>(i * n_keys / n);
    }
    const float scale = c.softmax_scale();
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      const View rows = slice_rows(selected, max_tokens - n_tokens, n_tokens);
      ops.mla_attention(top(o, n_tokens), top(q_latent, n_tokens), top(q_rope, n_tokens), caches->at(turn),
                        caches->map(), rows, scale);
    });
  };
  return {"mla_attention", "attention", prepare};
}

OpCase index_case(const Glm52Config& c, int64_t context) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const KvFormat format = index_format(backend.numerics().kv_cache, c.index_dim);
    DB_ASSIGN(const auto caches, make_caches(backend, format, std::max(context, max_tokens), max_tokens));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View q, arena->values({max_tokens, c.index_heads, c.index_dim}));
    DB_ASSIGN(const View head_weight, arena->values({max_tokens, c.index_heads}));
    DB_ASSIGN(const View selected, arena->room(DType::kI32, {max_tokens, c.index_topk}));
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      ops.index_topk(top(selected, n_tokens), top(q, n_tokens), top(head_weight, n_tokens), caches->at(turn),
                     caches->map(), last(caches->pos, n_tokens));
    });
  };
  return {"index_topk", "indexer", prepare};
}

OpCase kv_write_case(const Glm52Config& c) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    DB_ASSIGN(const auto caches, make_caches(backend, latent_of(backend, c), max_tokens, max_tokens));
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View x, arena->values({max_tokens, c.latent_width()}));
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t turn) {
      static_cast<void>(arena);
      ops.kv_write(caches->at(turn), last(caches->slot, n_tokens), top(x, n_tokens));
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
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t) {
      static_cast<void>(arena);
      ops.rope(top(x, n_tokens), last(pos, n_tokens), theta);
    });
  };
  return {"rope", "attention q", prepare};
}

OpCase route_case(const Glm52Config& c) {
  const auto prepare = [=, &c](Backend& backend, int64_t max_tokens) -> Result<OpRun> {
    const auto arena = std::make_shared<Arena>(backend);
    DB_ASSIGN(const View logit, arena->values({max_tokens, c.n_experts}));
    DB_ASSIGN(const View weight, arena->room(DType::kF32, {max_tokens, c.experts_per_token}));
    DB_ASSIGN(const View expert, arena->room(DType::kI32, {max_tokens, c.experts_per_token}));
    const std::vector<float> bias(index(c.n_experts), 0.5f);
    const RouterOptions options{c.experts_per_token, c.n_group, c.topk_group, c.norm_topk_prob,
                                c.routed_scaling_factor};
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t) {
      static_cast<void>(arena);
      ops.route(top(expert, n_tokens), top(weight, n_tokens), top(logit, n_tokens), bias, options);
    });
  };
  return {"route", "router", prepare};
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
    return OpRun([=](Backend& ops, int64_t n_tokens, int64_t) {
      static_cast<void>(arena);
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
  CaseList(const Glm52Config& config, const Formats& formats, int64_t context)
      : c_(config), formats_(formats), context_(context) {}

  std::vector<OpCase> make() {
    cases_.push_back(embed_case(c_, formats_.stored("embedding")));
    attention();
    if (c_.n_experts > 0) experts();
    if (std::find(c_.mlp.begin(), c_.mlp.end(), MlpKind::kDense) != c_.mlp.end()) {
      mlp("dense MLP", "dense MLP", c_.intermediate);
    }
    product("lm_head", formats_.stored("lm_head"), c_.vocab, c_.hidden);
    return std::move(cases_);
  }

 private:
  void product(const std::string& name, WeightFormat format, int64_t n, int64_t k) {
    cases_.push_back(product_case("linear", name, &Backend::linear, format, n, k));
  }
  void linear(const std::string& part, const std::string& name, int64_t n, int64_t k) {
    product(name, formats_.of(part, k), n, k);
  }
  void linear_f32(const std::string& name, int64_t n, int64_t k) {
    cases_.push_back(product_case("linear_f32", name, &Backend::linear_f32, formats_.stored("router"), n, k));
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
    cases_.push_back(kv_write_case(c_));
    indexer();
    cases_.push_back(heads_case(c_, formats_.of("attention", c_.kv_lora), true));
    cases_.push_back(attention_case(c_, context_));
    cases_.push_back(heads_case(c_, formats_.of("attention", c_.kv_lora), false));
    linear("attention", "attention o", c_.hidden, c_.n_heads * c_.v_head);
  }

  void indexer() {
    linear("indexer", "indexer q_b", c_.index_heads * c_.index_dim, c_.q_lora);
    linear("indexer", "indexer k", c_.index_dim, c_.hidden);
    cases_.push_back(row_case("layer_norm", "indexer k_norm", c_.index_dim,
                              [](Backend& ops, View y, View x, View, auto w) { ops.layer_norm(y, x, w, w, 1e-6f); }));
    linear_f32("indexer head weights", c_.index_heads, c_.hidden);
    cases_.push_back(index_case(c_, context_));
  }

  void experts() {
    linear_f32("router", c_.n_experts, c_.hidden);
    cases_.push_back(route_case(c_));
    cases_.push_back(moe_case(c_, formats_.of("routed experts", std::gcd(c_.hidden, c_.moe_intermediate))));
    if (c_.n_shared_experts == 0) return;
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
  const Formats& formats_;
  const int64_t context_;
  std::vector<OpCase> cases_;
};

}  // namespace

std::vector<OpCase> op_cases(const Glm52Config& config, const Inventory& inventory, const OpCaseOptions& options) {
  const Formats formats(inventory, options.format);
  return CaseList(config, formats, options.context).make();
}

}  // namespace drawbridge
