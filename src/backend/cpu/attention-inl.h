// Absorbed attention and the indexer in f32, for every instruction set; bf16 keys are widened where they lie.
// Scores: products [keys, heads] over the width, four keys by a few heads at a time, summed lane by lane and then over
// the lanes. Values: four keys at a time over the latent, so that o is loaded and stored less. A chunk reads its keys
// twice, from the second-level cache the second time, and makes 2 heads (width + latent) operations of each: the limit
// is the rate of f32 multiply-adds. Included by kernels_<isa>.cpp after rows-inl.h.
#pragma once

#include "backend/cpu/attention_kernels.h"

namespace drawbridge {
namespace {

// How a decoded key is stored: Element, and kLanes of them at once.
struct AsF32 {
  using Element = float;
  static void put(Element* y, Vec v) { store(y, v); }
};
struct AsBf16 {
  using Element = uint16_t;
  static void put(Element* y, Vec v) { store_bf16(y, v); }
};

template <class As>
void store_key(void* y, int64_t i, Vec v, int64_t n) {
  using Element = typename As::Element;
  auto* const to = static_cast<Element*>(y) + i;
  if (n >= kLanes) return As::put(to, v);
  Element lanes[kLanes];
  As::put(lanes, v);
  std::memcpy(to, lanes, static_cast<size_t>(n) * sizeof(Element));
}

/// y[from .. from + n) = codes * scale. Nothing past the codes is read: they may end the cache.
template <class As>
void decode_codes(void* y, int64_t from, const uint8_t* codes, float scale, int64_t n) {
  const Vec factor = splat(scale);
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    store_key<As>(y, from + i, mul(widen_e4m3(codes + i), factor), kLanes);
  }
  if (whole == n) return;
  uint8_t lanes[kLanes] = {};
  std::memcpy(lanes, codes + whole, static_cast<size_t>(n - whole));
  store_key<As>(y, from + whole, mul(widen_e4m3(lanes), factor), n - whole);
}

template <class As>
void decode_key_to(void* y, const KvFormat& f, const void* key) {
  const auto* codes = static_cast<const uint8_t*>(key);
  if (f.layout == KvLayout::kFp8) return decode_codes<As>(y, 0, codes, f.scale, f.width);
  for (int64_t i = 0; i < f.n_fp8; i += kKvGroup) {
    float scale;
    std::memcpy(&scale, codes + f.scale_at + i / kKvGroup * static_cast<int64_t>(sizeof scale), sizeof scale);
    decode_codes<As>(y, i, codes + i, scale, f.n_fp8 - i < kKvGroup ? f.n_fp8 - i : kKvGroup);
  }
  const Row rest{codes + f.rest_at, nullptr};
  const int64_t n = f.width - f.n_fp8, whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) {
    store_key<As>(y, f.n_fp8 + i, load_weights<Bf16Format>(rest, i), kLanes);
  }
  if (whole < n) {
    store_key<As>(y, f.n_fp8 + whole, load_some_weights<Bf16Format>(rest, whole, n - whole), n - whole);
  }
}

inline void decode_key(void* y, const KvFormat& format, const void* key, bool to_bf16) {
  return to_bf16 ? decode_key_to<AsBf16>(y, format, key) : decode_key_to<AsF32>(y, format, key);
}

inline int64_t query_block_bytes(int64_t width) {
  return kHeadBlock * width * static_cast<int64_t>(sizeof(float));
}

inline void pack_query(uint8_t* block, int64_t head, const float* q, int64_t width) {
  const auto bytes = static_cast<size_t>(width) * sizeof(float);
  std::memcpy(block + static_cast<size_t>(head) * bytes, q, bytes);
}

/// Rows of keys k .. k + kTileRows. Past the last key the last one is repeated.
inline void take_keys(const KeyRows& keys, int64_t k, Row (&row)[kTileRows]) {
  for (int64_t r = 0; r < kTileRows; ++r) row[r] = Row{keys.row[k + r < keys.n ? k + r : keys.n - 1], nullptr};
}

template <class KeyFormat>
void index_scores_of(const IndexArgs& a) {
  const auto* all_q = reinterpret_cast<const float*>(a.q);
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) {
    Row row[kTileRows];
    take_keys(a.keys, k, row);
    float total[kTileRows] = {};
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = all_q + (h + c) * a.width;
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
  return a.keys.is_bf16 ? index_scores_of<Bf16Format>(a) : index_scores_of<F32Format>(a);
}

/// score [n_heads, kKeyChunk]
template <class KeyFormat>
void attention_scores(const AttendArgs& a) {
  const auto* all_q = reinterpret_cast<const float*>(a.q);
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) {
    Row row[kTileRows];
    take_keys(a.keys, k, row);
    for (int64_t h = 0; h < a.n_heads; h += kTileColumns) {
      const int64_t n_heads = a.n_heads - h < kTileColumns ? a.n_heads - h : kTileColumns;
      const float* q[kTileColumns] = {};
      for (int64_t c = 0; c < n_heads; ++c) q[c] = all_q + (h + c) * a.width;
      float sum[kTileColumns][kTileRows];
      run_tile<LaneTile<KeyFormat>>(n_heads, row, q, a.width, sum);
      for (int64_t c = 0; c < n_heads; ++c) {
        for (int r = 0; r < kTileRows; ++r) a.score[(h + c) * kKeyChunk + k + r] = sum[c][r] * a.scale;
      }
    }
  }
}

/// e^(score - top) in place; the sum.
inline float exponentials(float* score, int64_t n, float* top) {
  *top = score[0];
  for (int64_t k = 1; k < n; ++k) *top = score[k] > *top ? score[k] : *top;
  map_row(
      score, n, [m = splat(*top)](Vec s) { return exponential(sub(s, m)); }, score);
  return reduce_row(score, n, 0, [](Vec s, Vec acc) { return add(acc, s); });
}

/// o[h][i] += p[h][0] * key 0[i], then key 1, ...
template <class KeyFormat>
void add_values(const AttendArgs& a, int64_t k) {
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
      float* const o = a.part + kPartOutput + h * a.latent + i;
      Vec acc = left >= kLanes ? load(o) : load_some(o, left);
      for (int64_t r = 0; r < n; ++r) acc = mul_add(splat(a.score[h * kKeyChunk + k + r]), value[r], acc);
      left >= kLanes ? store(o, acc) : store_some(o, acc, left);
    }
  }
}

template <class KeyFormat>
void attend_over(const AttendArgs& a) {
  attention_scores<KeyFormat>(a);
  for (int64_t h = 0; h < a.n_heads; ++h) {
    a.part[kPartSum + h] = exponentials(a.score + h * kKeyChunk, a.keys.n, a.part + h);
  }
  std::memset(a.part + kPartOutput, 0, static_cast<size_t>(a.n_heads * a.latent) * sizeof(float));
  for (int64_t k = 0; k < a.keys.n; k += kTileRows) add_values<KeyFormat>(a, k);
}

inline void attend(const AttendArgs& a) {
  return a.keys.is_bf16 ? attend_over<Bf16Format>(a) : attend_over<F32Format>(a);
}

/// One head: its parts weigh e^(top - the largest top), and the sum of all is 1.
inline void merge_head(const MergeArgs& a, int64_t h) {
  float* const out = a.o + h * a.o_stride;
  float total = 0;
  for (int64_t c = 0; c < a.n_parts; ++c) {
    total += a.part[c * a.part_stride + h] * a.part[c * a.part_stride + kPartSum + h];
  }
  const Vec share = splat(1.0f / total);
  const auto value = [&](int64_t i, int64_t left) {
    Vec acc = zero();
    for (int64_t c = 0; c < a.n_parts; ++c) {
      const float* const part = a.part + c * a.part_stride;
      const float* const o = part + kPartOutput + h * a.latent + i;
      acc = mul_add(left >= kLanes ? load(o) : load_some(o, left), splat(part[h]), acc);
    }
    return round_if(a.round_output, mul(acc, share));
  };
  const int64_t whole = a.latent - a.latent % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(out + i, value(i, kLanes));
  if (whole < a.latent) store_some(out + whole, value(whole, a.latent - whole), a.latent - whole);
}

inline void merge_parts(const MergeArgs& a) {
  for (int64_t h = 0; h < kHeadBlock; h += kLanes) {
    Vec top = load(a.part + h);
    for (int64_t c = 1; c < a.n_parts; ++c) top = greater(load(a.part + c * a.part_stride + h), top);
    for (int64_t c = 0; c < a.n_parts; ++c) {
      float* const own = a.part + c * a.part_stride + h;
      store(own, exponential(sub(load(own), top)));
    }
  }
  for (int64_t h = 0; h < a.n_heads; ++h) merge_head(a, h);
}

constexpr AttentionKernels kAttention = {query_block_bytes, pack_query, decode_key, index_scores, attend, merge_parts};

static_assert(kKeyChunk % kTileRows == 0 && kHeadBlock % kLanes == 0);

}  // namespace
}  // namespace drawbridge
