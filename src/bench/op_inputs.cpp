#include "bench/op_inputs.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include "base/checked_math.h"
#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr int64_t kPageSize = 16;              // tokens
constexpr int64_t kMostExpertBytes = 1 << 30;  // of all layers

size_t index(int64_t i) {
  return static_cast<size_t>(i);
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

int64_t shared_experts(const Glm52Config& config) {
  return config.fuses_shared() ? 1 : 0;
}

}  // namespace

Result<View> Arena::values(std::initializer_list<int64_t> shape) {
  constexpr uint64_t kSeed = 0x76616c756573;
  DB_ASSIGN(const View view, room(DType::kF32, shape));
  for (int64_t i = 0; i < view.rows() * view.cols(); ++i) {
    view.f32()[i] = static_cast<float>(2 * uniform_at(kSeed, static_cast<uint64_t>(i)) - 1);
  }
  return view;
}

Result<View> Arena::room(DType dtype, std::initializer_list<int64_t> shape) {
  const int64_t n = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
  DB_ASSIGN(Buffer buffer, backend_.allocate(n * dtype_bytes(dtype)));
  buffers_.push_back(buffer);
  return dense_view(buffer.get(), dtype, shape);
}

Result<ExpertLayers> make_experts(const Backend& backend, const Glm52Config& config, WeightFormat format,
                                  int64_t footprint) {
  PackedStore store;
  const Matrix wide = draw_matrix(format, config.moe_intermediate, config.hidden, store);
  const Matrix tall = draw_matrix(format, config.hidden, config.moe_intermediate, store);
  const int64_t bytes = 2 * matrix_bytes(wide) + matrix_bytes(tall), n_chosen = config.experts_per_token;
  const int64_t n_layers = copies_for(footprint, bytes * n_chosen), width = config.n_experts + shared_experts(config);
  const int64_t most = std::max(kMostExpertBytes / bytes, n_chosen), n_experts = std::min(n_layers * width, most);
  ExpertLayers made;
  DB_ASSIGN(made.gate_up, MatrixCopies::create(backend, wide, {2 * n_experts}));
  DB_ASSIGN(made.down, MatrixCopies::create(backend, tall, {n_experts}));
  for (int64_t l = 0; l < n_layers; ++l) {
    auto& experts = made.layer.emplace_back();
    for (int64_t e = l * width; e < (l + 1) * width; ++e) {
      experts.push_back({made.gate_up.at(2 * e), made.gate_up.at(2 * e + 1), made.down.at(e)});
    }
  }
  return made;
}

Result<View> choose_experts(Arena& arena, const Glm52Config& config, int64_t n_tables, int64_t n_tokens) {
  const int64_t n_chosen = config.experts_per_token + shared_experts(config);
  DB_ASSIGN(const View chosen, arena.room(DType::kI32, {n_tables, n_tokens, n_chosen}));
  for (int64_t i = 0; i < n_tables * n_tokens; ++i) {
    auto* const row = chosen.as<int32_t>() + i * n_chosen;
    const auto drawn = draw_distinct(config.experts_per_token, config.n_experts, static_cast<uint64_t>(i));
    std::copy(drawn.begin(), drawn.end(), row);
    if (config.fuses_shared()) row[n_chosen - 1] = static_cast<int32_t>(config.n_experts);
  }
  return chosen;
}

Result<std::shared_ptr<const Caches>> make_caches(Backend& backend, const CacheShape& shape, int64_t footprint) {
  const auto caches = std::make_shared<Caches>();
  const int64_t n_pages = ceil_div(shape.length, kPageSize), bytes = n_pages * kPageSize * shape.format.row_bytes;
  caches->pages.resize(index(n_pages));
  std::iota(caches->pages.begin(), caches->pages.end(), 0);
  caches->pos.resize(index(shape.length));
  std::iota(caches->pos.begin(), caches->pos.end(), 0);
  caches->request.assign(index(shape.n_tokens), 0);
  Arena arena(backend);
  DB_ASSIGN(const View rows, arena.values({shape.length, shape.format.width}));
  const int64_t n_layers = copies_for(footprint, bytes);
  for (int64_t l = 0; l < n_layers; ++l) {
    DB_ASSIGN(Buffer buffer, backend.allocate(bytes));
    caches->layer.push_back({buffer.get(), shape.format, n_pages, kPageSize, nullptr});
    caches->buffers.push_back(std::move(buffer));
    if (l == 0) {
      backend.kv_write(caches->layer[0], caches->pos, rows);
    } else {
      std::memcpy(caches->layer.back().data, caches->layer[0].data, index(bytes));
    }
  }
  caches->pos.erase(caches->pos.begin(), caches->pos.end() - shape.n_tokens);
  return std::shared_ptr<const Caches>(caches);
}

Result<View> select_evenly(Arena& arena, const Caches& caches, int64_t topk) {
  const auto n_tokens = static_cast<int64_t>(caches.pos.size());
  DB_ASSIGN(const View selected, arena.room(DType::kI32, {n_tokens, topk}));
  for (int64_t t = 0; t < n_tokens; ++t) {
    const int64_t n_keys = caches.pos[index(t)] + 1, n = std::min(n_keys, topk);
    auto* const row = selected.as<int32_t>() + t * topk;
    std::fill_n(row, topk, -1);
    for (int64_t i = 0; i < n; ++i) row[i] = static_cast<int32_t>(i * n_keys / n);
  }
  return selected;
}

}  // namespace drawbridge
