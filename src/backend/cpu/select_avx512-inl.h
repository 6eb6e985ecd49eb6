// The positions of the largest scores, without sorting: n scores become integers that order as they do, and the least
// chosen one is found by halving its interval: one compare and count of what lies within, which shrinks about 16-fold
// every fourth time. Then one pass writes positions. About 6 passes over 4 n bytes in the second-level cache.
// Included by kernels_avx512.cpp after its vec_avx512.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// As order_of in select.cpp: NaN as minus infinity, both zeros alike. Never 0.
inline __m512i order_of(Vec score) {
  const __mmask16 is_nan = _mm512_cmp_ps_mask(score, score, _CMP_UNORD_Q);
  const Vec value = add(_mm512_mask_mov_ps(score, is_nan, splat(-__builtin_inff())), zero());
  const __m512i bits = _mm512_castps_si512(value), sign = _mm512_srai_epi32(bits, 31);
  return _mm512_xor_si512(bits, _mm512_or_si512(sign, _mm512_set1_epi32(static_cast<int>(0x80000000u))));
}

inline __m512i load_order(const uint32_t* p) {
  return _mm512_loadu_si512(p);
}
inline __m512i splat_order(uint32_t v) {
  return _mm512_set1_epi32(static_cast<int>(v));
}
inline __mmask16 first_lanes(int64_t n) {
  return static_cast<__mmask16>(n >= kLanes ? 0xffff : (1 << n) - 1);
}

inline int64_t count_at_least(const uint32_t* order, int64_t n, uint32_t value) {
  int64_t count = 0;
  for (int64_t i = 0; i < n; i += kLanes) {
    count += __builtin_popcount(_mm512_cmpge_epu32_mask(load_order(order + i), splat_order(value)));
  }
  return count;
}

/// Orders in [low, high], of which one is the count-th largest of all; zeros fill the last vector.
struct Interval {
  uint32_t* order;
  int64_t n;
  uint32_t low, high;
  int64_t n_above;  // orders that left the interval upwards
};

inline void halve(Interval& in, int64_t count) {
  const uint32_t middle = in.high - (in.high - in.low) / 2;
  const bool at_least = in.n_above + count_at_least(in.order, in.n, middle) >= count;
  (at_least ? in.low : in.high) = at_least ? middle : middle - 1;
}

/// Drops what lies outside by now.
inline void shrink(Interval& in) {
  int64_t n = 0;
  for (int64_t i = 0; i < in.n; i += kLanes) {
    const __m512i order = load_order(in.order + i);
    const __mmask16 above = _mm512_cmpgt_epu32_mask(order, splat_order(in.high));
    const __mmask16 below = _mm512_cmplt_epu32_mask(order, splat_order(in.low));
    const auto kept = static_cast<__mmask16>(~(above | below));
    in.n_above += __builtin_popcount(above);
    _mm512_storeu_si512(in.order + n, _mm512_maskz_compress_epi32(kept, order));
    n += __builtin_popcount(kept);
  }
  _mm512_storeu_si512(in.order + n, _mm512_setzero_si512());
  in.n = n;
}

/// Positions of orders above `least`, and of the first n_equal that equal it.
inline void write_positions(const SelectArgs& a, const uint32_t* order, uint32_t least, int64_t n_equal) {
  __m512i position = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  for (int64_t i = 0, n = 0; n < a.count; i += kLanes) {
    uint32_t equal = _mm512_cmpeq_epu32_mask(load_order(order + i), splat_order(least));
    if (n_equal == 0) equal = 0;
    while (__builtin_popcount(equal) > n_equal) equal ^= 1u << (31 - __builtin_clz(equal));
    n_equal -= __builtin_popcount(equal);
    const uint32_t taken = equal | _mm512_cmpgt_epu32_mask(load_order(order + i), splat_order(least));
    const int n_taken = __builtin_popcount(taken);
    const __m512i packed = _mm512_maskz_compress_epi32(static_cast<__mmask16>(taken), position);
    _mm512_mask_storeu_epi32(a.out + n, first_lanes(n_taken), packed);
    n += n_taken;
    position = _mm512_add_epi32(position, _mm512_set1_epi32(kLanes));
  }
}

inline void largest_positions(const SelectArgs& a) {
  constexpr int kHalvings = 4;  // between shrinkings
  const int64_t padded = (a.n + kLanes - 1) / kLanes * kLanes;
  uint32_t* const order = a.work;
  Interval in = {a.work + padded, a.n, 0, 0, 0};
  __m512i low = _mm512_set1_epi32(-1), high = _mm512_setzero_si512();
  for (int64_t i = 0; i < a.n; i += kLanes) {
    const __mmask16 lanes = first_lanes(a.n - i);
    const __m512i own = _mm512_maskz_mov_epi32(lanes, order_of(_mm512_maskz_loadu_ps(lanes, a.score + i)));
    low = _mm512_mask_min_epu32(low, lanes, low, own);
    high = _mm512_max_epu32(high, own);
    _mm512_storeu_si512(order + i, own);
    _mm512_storeu_si512(in.order + i, own);
  }
  in.low = _mm512_reduce_min_epu32(low);
  in.high = _mm512_reduce_max_epu32(high);
  while (in.low < in.high) {
    for (int i = 0; i < kHalvings && in.low < in.high; ++i) halve(in, a.count);
    shrink(in);
  }
  write_positions(a, order, in.low, a.count - in.n_above);
}

}  // namespace
}  // namespace drawbridge
