// Scores against cached keys and what attention makes of them. Keys are read where they lie, f32 or bf16. Included by
// kernels_<isa>.cpp after rows-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// sum[c][r] = x[c] . key[k + r] for the keys there are; the rest repeat the last.
template <class KeyFormat>
void score_keys(const void* const* key, int64_t n_keys, int64_t n_columns, const float* const* x, int64_t width,
                float (*sum)[kTileRows]) {
  Row row[kTileRows];
  for (int r = 0; r < kTileRows; ++r) row[r] = Row{key[r < n_keys ? r : n_keys - 1], nullptr};
  run_tile<LaneTile<KeyFormat>>(n_columns, row, x, width, sum);
}

template <class KeyFormat>
void index_scores_of(const IndexArgs& a) {
  for (int64_t k = 0; k < a.n_keys; k += kTileRows) {
    float total[kTileRows] = {};
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = a.q + (h + c) * a.q_stride;
      float sum[kTileColumns][kTileRows];
      score_keys<KeyFormat>(a.key + k, a.n_keys - k, n_heads, q, a.width, sum);
      for (int64_t c = 0; c < n_heads; ++c) {
        for (int r = 0; r < kTileRows; ++r) total[r] += a.head_weight[h + c] * (sum[c][r] > 0 ? sum[c][r] : 0);
      }
    }
    const int64_t n = a.n_keys - k < kTileRows ? a.n_keys - k : kTileRows;
    std::memcpy(a.score + k, total, static_cast<size_t>(n) * sizeof(float));
  }
}

inline void index_scores(const IndexArgs& a) {
  return a.bf16_keys ? index_scores_of<Bf16Format>(a) : index_scores_of<F32Format>(a);
}

/// score [n_heads, stride] of all keys, the stride a multiple of kTileRows.
template <class KeyFormat>
void attention_scores(const AttendArgs& a, int64_t stride) {
  for (int64_t k = 0; k < a.n_keys; k += kTileRows) {
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = a.q + (h + c) * a.width;
      float sum[kTileColumns][kTileRows];
      score_keys<KeyFormat>(a.key + k, a.n_keys - k, n_heads, q, a.width, sum);
      for (int64_t c = 0; c < n_heads; ++c) {
        for (int r = 0; r < kTileRows; ++r) a.score[(h + c) * stride + k + r] = sum[c][r] * a.scale;
      }
    }
  }
}

/// exp(score - max) in place; the sum.
inline float exponentials(float* score, int64_t n) {
  float top = score[0];
  for (int64_t k = 1; k < n; ++k) top = score[k] > top ? score[k] : top;
  map_row(
      score, n, [m = splat(top)](Vec s) { return exponential(sub(s, m)); }, score);
  return reduce_row(score, n, 0, [](Vec s, Vec acc) { return add(acc, s); });
}

/// o[h][i] += p[h][0] * key 0[i], then key 1, ...; a group of keys at a time so that o is loaded and stored less.
template <class KeyFormat>
void add_values(const AttendArgs& a, int64_t stride, int64_t k) {
  const int64_t n = a.n_keys - k < kTileRows ? a.n_keys - k : kTileRows;
  for (int64_t i = 0; i < a.latent; i += kLanes) {
    const int64_t left = a.latent - i;
    Vec value[kTileRows];
    for (int64_t r = 0; r < n; ++r) {
      const Row row{a.key[k + r], nullptr};
      value[r] = left >= kLanes ? load_weights<KeyFormat>(row, i) : load_some_weights<KeyFormat>(row, i, left);
    }
    for (int64_t h = 0; h < a.n_heads; ++h) {
      float* o = a.o + h * a.latent + i;
      Vec acc = left >= kLanes ? load(o) : load_some(o, left);
      for (int64_t r = 0; r < n; ++r) acc = mul_add(splat(a.score[h * stride + k + r]), value[r], acc);
      left >= kLanes ? store(o, acc) : store_some(o, acc, left);
    }
  }
}

template <class KeyFormat>
void attend_over(const AttendArgs& a) {
  const int64_t stride = (a.n_keys + kKeyGroup - 1) / kKeyGroup * kKeyGroup;
  attention_scores<KeyFormat>(a, stride);
  std::memset(a.o, 0, static_cast<size_t>(a.n_heads * a.latent) * sizeof(float));
  for (int64_t h = 0; h < a.n_heads; ++h) {
    const Vec share = splat(1.0f / exponentials(a.score + h * stride, a.n_keys));
    map_row(
        a.score + h * stride, a.n_keys, [share](Vec p) { return mul(p, share); }, a.score + h * stride);
  }
  for (int64_t k = 0; k < a.n_keys; k += kTileRows) add_values<KeyFormat>(a, stride, k);
  if (a.round_output) round_row(a.o, a.o, a.n_heads * a.latent);
}

inline void attend(const AttendArgs& a) {
  return a.bf16_keys ? attend_over<Bf16Format>(a) : attend_over<F32Format>(a);
}

static_assert(kKeyGroup == kTileRows);

}  // namespace
}  // namespace drawbridge
