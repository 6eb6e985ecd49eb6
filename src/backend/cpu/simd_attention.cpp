// The cache ops: writing, the lightning indexer's selection, absorbed MLA. Keys are read in place through the pages.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "backend/cpu/select.h"
#include "backend/cpu/simd.h"
#include "base/checked_math.h"

namespace drawbridge {
namespace {

constexpr int64_t kKeyBlock = 256;         // keys that one thread scores together
constexpr int64_t kScoreBuffer = 4 << 20;  // scores kept before rows are selected
constexpr int64_t kHeadBlock = 8;          // heads that share a pass over the keys
constexpr int64_t kEncodeCost = 8;         // of an element to e4m3, in additions

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

}  // namespace

void SimdBackend::kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) {
  const KvFormat& format = cache.format;
  DB_CHECK(x.rank == 2 && x.cols() == format.width && x.dim(0) == static_cast<int64_t>(slot.size()));
  const int64_t cost = format.width + kEncodeCost * format.n_fp8;
  std::atomic<int64_t> n_clipped = 0;
  pool_->parallel_for(x.dim(0), cost, [&](int64_t from, int64_t to, int) {
    int64_t n_own = 0;
    for (int64_t t = from; t < to; ++t) {
      DB_CHECK(slot[index(t)] >= 0 && slot[index(t)] < cache.n_slots());
      uint8_t* const row = cache.row(slot[index(t)]);
      if (format.layout == KvLayout::kBF16) {
        kernels_.narrow_row(reinterpret_cast<uint16_t*>(row), x.row(t), format.width);
      } else {
        n_own += write_kv_row(format, row, x.row(t));
      }
    }
    n_clipped += n_own;
  });
  count_kv_write(cache, x.dim(0), n_clipped);
}

struct SimdBackend::KeyScoring {
  View q;
  View head_weight;
  const PagedView& cache;
  const RowMap& map;
  std::span<const int32_t> pos;
  std::span<const int32_t> rows;  // of the step, whose scores are kept together
  int64_t max_keys = 0;           // of any of them
  float* score = nullptr;         // [rows, max_keys]

  int64_t n_keys(int64_t t) const { return pos[index(t)] + 1; }
};

void SimdBackend::index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                             std::span<const int32_t> pos) {
  const int64_t topk = selected.cols();
  DB_CHECK(selected.dtype == DType::kI32 && cache.format.width == q.dim(2) && head_weight.cols() == q.dim(1));
  const auto choice = [&](int64_t t) { return selected.as<int32_t>() + t * selected.stride[0]; };
  long_rows_.clear();
  for (int64_t t = 0; t < q.dim(0); ++t) {
    const int64_t n_keys = pos[index(t)] + 1;
    if (n_keys > topk) {
      long_rows_.push_back(static_cast<int32_t>(t));
      continue;
    }
    for (int64_t k = 0; k < topk; ++k) choice(t)[k] = k < n_keys ? static_cast<int32_t>(k) : -1;
  }
  KeyScoring op{q, head_weight, cache, map, pos, {}, 0, nullptr};
  for (const int32_t t : long_rows_) op.max_keys = std::max(op.max_keys, op.n_keys(t));
  const std::span<const int32_t> all(long_rows_);
  const size_t group = index(op.max_keys == 0 ? 1 : std::max(kScoreBuffer / op.max_keys, int64_t{1}));
  for (size_t first = 0; first < all.size(); first += group) {
    op.rows = all.subspan(first, std::min(group, all.size() - first));
    score_rows(op);
    pool_->parallel_for(static_cast<int64_t>(op.rows.size()), 4 * op.max_keys,
                        [&](int64_t from, int64_t to, int thread) {
                          for (int64_t i = from; i < to; ++i) {
                            const int32_t t = op.rows[index(i)];
                            const std::span<const float> score(op.score + i * op.max_keys, index(op.n_keys(t)));
                            largest_positions(score, {choice(t), index(topk)}, scratch_of(thread).order);
                          }
                        });
  }
}

/// Threads share blocks of keys, so that a single long row is spread as well.
void SimdBackend::score_rows(KeyScoring& op) {
  const auto n_rows = static_cast<int64_t>(op.rows.size());
  op.score = key_score_.room<float>(n_rows * op.max_keys);
  const int64_t n_blocks = ceil_div(op.max_keys, kKeyBlock);
  const int64_t key_cost = op.q.dim(1) * op.q.dim(2);
  const auto n_keys_of = [&](int64_t item) {
    const int64_t left = op.n_keys(op.rows[index(item / n_blocks)]) - item % n_blocks * kKeyBlock;
    return std::clamp<int64_t>(left, 0, kKeyBlock);
  };
  const auto cost = [&](int64_t item) { return n_keys_of(item) * key_cost; };
  pool_->parallel_for_weighted(n_rows * n_blocks, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t n = n_keys_of(i);
      if (n > 0) score_keys(op, i / n_blocks, i % n_blocks * kKeyBlock, n, scratch_of(thread));
    }
  });
}

void SimdBackend::score_keys(const KeyScoring& op, int64_t row, int64_t first, int64_t n,
                             ThreadScratch& scratch) const {
  const int64_t t = op.rows[index(row)], n_heads = op.q.dim(1), width = op.q.dim(2);
  const auto** keys = scratch.keys.room<const void*>(n);
  for (int64_t k = 0; k < n; ++k) keys[k] = op.cache.row(slot_of(op.map, op.cache.page_size, t, first + k));
  const double scale = 1.0 / std::sqrt(static_cast<double>(n_heads)) / std::sqrt(static_cast<double>(width));
  float* const weight = scratch.query.room<float>(n_heads);
  for (int64_t h = 0; h < n_heads; ++h) weight[h] = static_cast<float>(op.head_weight.row(t)[h] * scale);
  IndexArgs args;
  args.q = op.q.row(t, 0);
  args.q_stride = op.q.stride[1];
  args.n_heads = n_heads;
  args.width = width;
  args.head_weight = weight;
  args.keys = {keys, n, op.cache.format, scratch.decoded.room<float>(kKeyGroup * width)};
  args.score = op.score + row * op.max_keys + first;
  kernels_.index_scores(args);
}

struct SimdBackend::Attention {
  View o;
  View q_latent;
  View q_rope;
  const PagedView& cache;
  const RowMap& map;
  View selected;
  float scale = 1;
};

void SimdBackend::mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map,
                                View selected, float scale) {
  DB_CHECK(o.shape == q_latent.shape && cache.format.width == q_latent.dim(2) + q_rope.dim(2));
  DB_CHECK(q_rope.dim(0) == o.dim(0) && q_rope.dim(1) == o.dim(1) && selected.dtype == DType::kI32);
  n_selected_.clear();
  for (int64_t t = 0; t < o.dim(0); ++t) {
    const auto* chosen = selected.as<int32_t>() + t * selected.stride[0];
    n_selected_.push_back(static_cast<int32_t>(std::find(chosen, chosen + selected.cols(), -1) - chosen));
    DB_CHECK(n_selected_.back() > 0);
  }
  const Attention op{o, q_latent, q_rope, cache, map, selected, scale};
  const int64_t n_blocks = ceil_div(o.dim(1), kHeadBlock);
  const auto cost = [&](int64_t item) {
    return n_selected_[index(item / n_blocks)] * std::min(kHeadBlock, o.dim(1)) * (cache.format.width + o.dim(2));
  };
  pool_->parallel_for_weighted(o.dim(0) * n_blocks, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) attend(op, i / n_blocks, i % n_blocks * kHeadBlock, scratch_of(thread));
  });
}

/// Heads [head, head + kHeadBlock) of row t.
void SimdBackend::attend(const Attention& op, int64_t t, int64_t head, ThreadScratch& scratch) const {
  const int64_t latent = op.o.dim(2), width = op.cache.format.width;
  AttendArgs args;
  args.n_heads = std::min(kHeadBlock, op.o.dim(1) - head);
  const int64_t n_keys = n_selected_[index(t)];
  const auto** keys = scratch.keys.room<const void*>(n_keys);
  const auto* chosen = op.selected.as<int32_t>() + t * op.selected.stride[0];
  for (int64_t k = 0; k < n_keys; ++k) keys[k] = op.cache.row(slot_of(op.map, op.cache.page_size, t, chosen[k]));
  float* const q = scratch.query.room<float>(args.n_heads * width);
  for (int64_t h = 0; h < args.n_heads; ++h) {
    std::copy_n(op.q_latent.row(t, head + h), latent, q + h * width);
    std::copy_n(op.q_rope.row(t, head + h), width - latent, q + h * width + latent);
  }
  args.q = q;
  args.width = width;
  args.latent = latent;
  args.keys = {keys, n_keys, op.cache.format, scratch.decoded.room<float>(kKeyGroup * width)};
  args.scale = op.scale;
  args.score = scratch.score.room<float>(args.n_heads * ceil_div(n_keys, kKeyGroup) * kKeyGroup);
  args.o = scratch.latent.room<float>(args.n_heads * latent);
  args.round_output = rounds_output();
  kernels_.attend(args);
  for (int64_t h = 0; h < args.n_heads; ++h) std::copy_n(args.o + h * latent, latent, op.o.row(t, head + h));
}

}  // namespace drawbridge
