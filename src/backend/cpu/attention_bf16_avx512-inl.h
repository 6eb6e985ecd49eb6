// Absorbed attention and the indexer with bf16 dot products (vdpbf16ps: 64 operations a cycle, two keys' or two
// columns' products a lane, accumulated in f32).
//
// Scores [keys, 16 heads] over the width: the heads are the lanes. A query block lies as [pairs of columns][16 heads],
// a pair of a key's columns is broadcast from memory, eight keys share a load of the queries; nothing is summed over
// lanes. A block of 576-wide queries is 18 KiB and stays in the first-level cache.
// Values [16 heads, latent] over the keys: the latent is the lanes. Two keys' rows are interleaved in registers, a pair
// of a head's weights is broadcast; 8 heads x 32 columns stay in registers over the chunk.
// A chunk reads its keys twice, from the second-level cache the second time: 2 (576 + 512) x 16 operations for 1,152
// bytes, so that the limit is the instruction's rate where memory gives 7 GB/s a core. Measured on one core of a Zen 4:
// 93 % of that rate, and 90 % with 2,048 scattered keys in memory; the f32 kernels do 28 %.
// Weights e^(s - top) are rounded to bf16, and the sum is that of the rounded ones: what a weight's rounding adds to
// the output it adds to the divisor too. Included by kernels_avx512.cpp after attention-inl.h.
#pragma once

#include "backend/cpu/attention_kernels.h"

namespace drawbridge {
namespace {

constexpr int kKeyTile = 8;           // keys that share a load of the queries: as many sums hide the latency
constexpr int kValueHeads = 8;        // heads x kValueColumns of sums, in 16 registers
constexpr int64_t kTilesAhead = 2;    // that a row is asked of memory before it is multiplied
constexpr int64_t kLineColumns = 32;  // in a cache line
constexpr int64_t kValueColumns = 2 * kLanes;

inline Vec add_pairs(Vec acc, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(acc, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}

inline __m512i broadcast_pair(const void* p) {
  int bits;
  std::memcpy(&bits, p, sizeof bits);
  return _mm512_set1_epi32(bits);
}

inline __mmask32 first_columns(int64_t n) {
  return n >= kValueColumns ? ~__mmask32{0} : (__mmask32{1} << n) - 1;
}

/// With the instruction that flushes subnormals, as the products would.
struct AsBf16Flushed {
  using Element = uint16_t;
  static void put(Element* y, Vec v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(y), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(v)));
  }
};
inline void decode_key_flushed(void* y, const KvFormat& format, const void* key, bool) {
  decode_key_to<AsBf16Flushed>(y, format, key);
}

inline int64_t query_pairs_bytes(int64_t width) {
  return (width + 1) / 2 * kHeadBlock * 4;
}

/// [pairs][heads]; the pair of an odd last column is filled with zero.
inline void pack_query_pairs(uint8_t* block, int64_t head, const float* q, int64_t width) {
  const __m512i lane = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i place = _mm512_mullo_epi32(lane, _mm512_set1_epi32(kHeadBlock));
  // Of 32 floats the upper halves: words 1, 3, 5, ...
  const __m512i upper =
      _mm512_add_epi32(_mm512_mullo_epi32(lane, _mm512_set1_epi32(0x00040004)), _mm512_set1_epi32(0x00030001));
  auto* const pairs = reinterpret_cast<uint32_t*>(block);
  for (int64_t i = 0; i < width; i += kValueColumns) {
    const __mmask32 mask = first_columns(width - i);
    const Vec low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), q + i);
    const Vec high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> kLanes), q + i + kLanes);
    const __m512i words = _mm512_permutex2var_epi16(_mm512_castps_si512(low), upper, _mm512_castps_si512(high));
    const int64_t n_pairs = (width - i + 1) / 2;
    const auto stored = static_cast<__mmask16>(n_pairs >= kLanes ? 0xffff : (1 << n_pairs) - 1);
    _mm512_mask_i32scatter_epi32(pairs + i / 2 * kHeadBlock + head, stored, place, words, 4);
  }
}

/// Keys k .. k + kKeyTile, past the last the last one again, and those whose rows are asked of memory meanwhile.
struct Tile {
  const uint16_t* key[kKeyTile];
  const uint16_t* ahead[kKeyTile];
};

inline Tile take_tile(const KeyRows& keys, int64_t k) {
  const auto row = [&](int64_t i) { return static_cast<const uint16_t*>(keys.row[i < keys.n ? i : keys.n - 1]); };
  Tile tile;
  for (int64_t n = 0; n < kKeyTile; ++n) {
    tile.key[n] = row(k + n);
    tile.ahead[n] = row(k + n + kTilesAhead * kKeyTile);
  }
  return tile;
}

/// sum[n] = the products of 16 heads with key n, heads as lanes, over the width in order.
inline void multiply_keys(const uint8_t* q, const Tile& tile, int64_t width, Vec (&sum)[kKeyTile]) {
  const auto queries = [q](int64_t i) { return _mm512_load_si512(q + i / 2 * kHeadBlock * 4); };
  const uint16_t* key[kKeyTile];
  for (int n = 0; n < kKeyTile; ++n) {
    key[n] = tile.key[n];
    sum[n] = zero();
  }
  const int64_t whole = width / 2 * 2;
  for (int64_t from = 0; from < whole; from += kLineColumns) {
    for (const uint16_t* row : tile.ahead) _mm_prefetch(row + from, _MM_HINT_T1);
    const int64_t to = from + kLineColumns < whole ? from + kLineColumns : whole;
    for (int64_t i = from; i < to; i += 2) {
      const __m512i pair = queries(i);
      for (int n = 0; n < kKeyTile; ++n) sum[n] = add_pairs(sum[n], pair, broadcast_pair(key[n] + i));
    }
  }
  if (whole == width) return;
  const __m512i pair = queries(whole);
  for (int n = 0; n < kKeyTile; ++n) sum[n] = add_pairs(sum[n], pair, _mm512_set1_epi32(key[n][whole]));
}

/// Heads past the last have zero queries and weigh nothing.
inline void index_scores_bf16(const IndexArgs& a) {
  for (int64_t k = 0; k < a.keys.n; k += kKeyTile) {
    const Tile tile = take_tile(a.keys, k);
    Vec total[kKeyTile], sum[kKeyTile];
    for (Vec& t : total) t = zero();
    for (int64_t h = 0; h < a.n_heads; h += kHeadBlock) {
      multiply_keys(a.q + h / kHeadBlock * query_pairs_bytes(a.width), tile, a.width, sum);
      const Vec weight = load(a.head_weight + h);
      for (int n = 0; n < kKeyTile; ++n) total[n] = mul_add(weight, greater(sum[n], zero()), total[n]);
    }
    float score[kKeyTile];
    for (int n = 0; n < kKeyTile; n += 4) sum4(total[n], total[n + 1], total[n + 2], total[n + 3], score + n);
    const int64_t n = a.keys.n - k < kKeyTile ? a.keys.n - k : kKeyTile;
    std::memcpy(a.score + k, score, static_cast<size_t>(n) * sizeof(float));
  }
}

/// score [n, 16 heads] becomes the weights e^(score - top) in bf16, [pairs of keys][16 heads], an odd last key's
/// partner weighing zero. NaN is passed over by the largest and stays in the sum.
inline void exponential_pairs(const AttendArgs& a) {
  float* const score = a.score;
  const int64_t n_pairs = (a.keys.n + 1) / 2;
  if (a.keys.n % 2 != 0) store(score + a.keys.n * kHeadBlock, splat(-__builtin_inff()));
  Vec top = load(score);
  for (int64_t k = 1; k < a.keys.n; ++k) top = greater(load(score + k * kHeadBlock), top);
  const __m512i interleave = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22,
                                              6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
  Vec sum = zero();
  for (int64_t k = 0; k < n_pairs; ++k) {
    const Vec even = exponential(sub(load(score + 2 * k * kHeadBlock), top));
    const Vec odd = exponential(sub(load(score + (2 * k + 1) * kHeadBlock), top));
    const auto rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    const __m512i pairs = _mm512_permutexvar_epi16(interleave, rounded);
    sum = add(sum, _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16)));
    sum = add(sum, _mm512_castsi512_ps(_mm512_and_si512(pairs, upper)));
    _mm512_storeu_si512(score + k * kHeadBlock, pairs);
  }
  store(a.part, top);
  store(a.part + kPartSum, sum);
}

/// o[h][i .. i + kValueColumns) of heads [h, h + kValueHeads): the weighted sum over the chunk's keys, in order.
inline void add_value_pairs(const AttendArgs& a, int64_t h, int64_t i) {
  Vec sum[kValueHeads][2];
  for (auto& s : sum) s[0] = s[1] = zero();
  const __mmask32 mask = first_columns(a.latent - i);
  const auto column = [&](int64_t k) {
    const void* const row = a.keys.row[k < a.keys.n ? k : a.keys.n - 1];
    return _mm512_maskz_loadu_epi16(mask, static_cast<const uint16_t*>(row) + i);
  };
  for (int64_t k = 0; k < a.keys.n; k += 2) {
    const __m512i even = column(k), odd = column(k + 1);
    const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
    const float* const weight = a.score + k / 2 * kHeadBlock + h;
    for (int n = 0; n < kValueHeads; ++n) {
      const __m512i pair = broadcast_pair(weight + n);
      sum[n][0] = add_pairs(sum[n][0], low, pair);
      sum[n][1] = add_pairs(sum[n][1], high, pair);
    }
  }
  // Unpacking took four columns in turn to each of the two.
  const __m512i first = _mm512_setr_epi32(0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
  for (int n = 0; n < kValueHeads && h + n < a.n_heads; ++n) {
    float* const o = a.part + kPartOutput + (h + n) * a.latent + i;
    const Vec left = _mm512_permutex2var_ps(sum[n][0], first, sum[n][1]);
    const Vec right = _mm512_permutex2var_ps(sum[n][0], second, sum[n][1]);
    _mm512_mask_storeu_ps(o, static_cast<__mmask16>(mask), left);
    _mm512_mask_storeu_ps(o + kLanes, static_cast<__mmask16>(mask >> kLanes), right);
  }
}

inline void attend_bf16(const AttendArgs& a) {
  const Vec scale = splat(a.scale);
  for (int64_t k = 0; k < a.keys.n; k += kKeyTile) {
    const Tile tile = take_tile(a.keys, k);
    Vec sum[kKeyTile];
    multiply_keys(a.q, tile, a.width, sum);
    for (int64_t n = 0; n < kKeyTile; ++n) store(a.score + (k + n) * kHeadBlock, mul(sum[n], scale));
  }
  exponential_pairs(a);
  for (int64_t i = 0; i < a.latent; i += kValueColumns) {
    for (int64_t h = 0; h < a.n_heads; h += kValueHeads) add_value_pairs(a, h, i);
  }
}

constexpr AttentionKernels kAttentionBf16 = {query_pairs_bytes, pack_query_pairs, decode_key_flushed,
                                             index_scores_bf16, attend_bf16,      merge_parts};

static_assert(kHeadBlock == kLanes && kHeadBlock % kValueHeads == 0 && kKeyChunk % kKeyTile == 0);

}  // namespace
}  // namespace drawbridge
