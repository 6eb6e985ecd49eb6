// Scores against cached keys and what attention makes of them. Keys are read where they lie, f32 or bf16; fp8 rows
// are decoded to f32 four at a time, so that every head of the call shares the work and the products are the same.
// Included by kernels_<isa>.cpp after rows-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// Nothing past the row is read: it may end the cache.
inline void decode_codes(float* y, const uint8_t* codes, float scale, int64_t n) {
  const Vec factor = splat(scale);
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(y + i, mul(widen_e4m3(codes + i), factor));
  if (whole == n) return;
  uint8_t lanes[kLanes] = {};
  std::memcpy(lanes, codes + whole, static_cast<size_t>(n - whole));
  store_some(y + whole, mul(widen_e4m3(lanes), factor), n - whole);
}

/// y [width] = the values of an fp8 row.
inline void decode_key(float* y, const KvFormat& f, const void* key) {
  const auto* codes = static_cast<const uint8_t*>(key);
  if (f.layout == KvLayout::kFp8) return decode_codes(y, codes, f.scale, f.width);
  for (int64_t i = 0; i < f.n_fp8; i += kKvGroup) {
    float scale;
    std::memcpy(&scale, codes + f.scale_at + i / kKvGroup * static_cast<int64_t>(sizeof scale), sizeof scale);
    decode_codes(y + i, codes + i, scale, f.n_fp8 - i < kKvGroup ? f.n_fp8 - i : kKvGroup);
  }
  const Row rest{codes + f.rest_at, nullptr};
  const int64_t n = f.width - f.n_fp8, whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(y + f.n_fp8 + i, load_weights<Bf16Format>(rest, i));
  if (whole < n) {
    store_some(y + f.n_fp8 + whole, load_some_weights<Bf16Format>(rest, whole, n - whole), n - whole);
  }
}

/// The rows of keys k .. k + kTileRows, in f32 where they are fp8. Past the last key the last one is repeated.
inline void take_keys(const KeyRows& keys, int64_t k, Row (&row)[kTileRows]) {
  const bool decode = keys.format.n_fp8 > 0;
  for (int64_t r = 0; r < kTileRows; ++r) {
    const bool is_key = k + r < keys.n;
    if (!is_key) {
      row[r] = row[r - 1];
      continue;
    }
    row[r] = Row{keys.row[k + r], nullptr};
    if (!decode) continue;
    float* const decoded = keys.decoded + r * keys.format.width;
    decode_key(decoded, keys.format, row[r].data);
    row[r].data = decoded;
  }
}

template <class KeyFormat>
void index_scores_of(const IndexArgs& a) {
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) {
    Row row[kTileRows];
    take_keys(a.keys, k, row);
    float total[kTileRows] = {};
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = a.q + (h + c) * a.q_stride;
      float sum[kTileColumns][kTileRows];
      run_tile<LaneTile<KeyFormat>>(n_heads, row, q, a.width, sum);
      for (int64_t c = 0; c < n_heads; ++c) {
        for (int r = 0; r < kTileRows; ++r) total[r] += a.head_weight[h + c] * (sum[c][r] > 0 ? sum[c][r] : 0);
      }
    }
    const int64_t n = a.keys.n - k < kTileRows ? a.keys.n - k : kTileRows;
    std::memcpy(a.score + k, total, static_cast<size_t>(n) * sizeof(float));
  }
}

inline void index_scores(const IndexArgs& a) {
  return a.keys.format.layout == KvLayout::kBF16 ? index_scores_of<Bf16Format>(a) : index_scores_of<F32Format>(a);
}

/// score [n_heads, stride] of all keys, the stride a multiple of kTileRows.
template <class KeyFormat>
void attention_scores(const AttendArgs& a, int64_t stride) {
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) {
    Row row[kTileRows];
    take_keys(a.keys, k, row);
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = a.q + (h + c) * a.width;
      float sum[kTileColumns][kTileRows];
      run_tile<LaneTile<KeyFormat>>(n_heads, row, q, a.width, sum);
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
  const int64_t n = a.keys.n - k < kTileRows ? a.keys.n - k : kTileRows;
  Row row[kTileRows];
  take_keys(a.keys, k, row);
  for (int64_t i = 0; i < a.latent; i += kLanes) {
    const int64_t left = a.latent - i;
    Vec value[kTileRows];
    for (int64_t r = 0; r < n; ++r) {
      value[r] = left >= kLanes ? load_weights<KeyFormat>(row[r], i) : load_some_weights<KeyFormat>(row[r], i, left);
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
  const int64_t stride = (a.keys.n + kKeyGroup - 1) / kKeyGroup * kKeyGroup;
  attention_scores<KeyFormat>(a, stride);
  std::memset(a.o, 0, static_cast<size_t>(a.n_heads * a.latent) * sizeof(float));
  for (int64_t h = 0; h < a.n_heads; ++h) {
    const Vec share = splat(1.0f / exponentials(a.score + h * stride, a.keys.n));
    map_row(
        a.score + h * stride, a.keys.n, [share](Vec p) { return mul(p, share); }, a.score + h * stride);
  }
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) add_values<KeyFormat>(a, stride, k);
  if (a.round_output) round_row(a.o, a.o, a.n_heads * a.latent);
}

inline void attend(const AttendArgs& a) {
  return a.keys.format.layout == KvLayout::kBF16 ? attend_over<Bf16Format>(a) : attend_over<F32Format>(a);
}

static_assert(kKeyGroup == kTileRows);

}  // namespace
}  // namespace drawbridge
