// Integer dot products (vpdpbusd) of MXFP4 weights with int8 inputs: exact within a block of 32, scaled and summed over
// the blocks in f32. Included by kernels_avx512_vnni.cpp after dot-inl.h and quantize-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// Four blocks of a weight row as 2 * weight + kWeightOffset: what multiplies Int8Group::even and ::odd.
struct WeightCodes {
  __m512i even;
  __m512i odd;
};

inline WeightCodes unpack_codes(__m512i bytes) {
  const __m512i values =
      _mm512_broadcast_i32x4(_mm_setr_epi8(12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0));
  const __m512i nibble = _mm512_set1_epi8(15);
  return {_mm512_shuffle_epi8(values, _mm512_and_si512(bytes, nibble)),
          _mm512_shuffle_epi8(values, _mm512_and_si512(_mm512_srli_epi16(bytes, 4), nibble))};
}

/// Lane 4 j + r: the sum of the four lanes of block j in row r.
inline __m512i sum_blocks(const __m512i (&row)[kTileRows]) {
  const __m512i ab = _mm512_add_epi32(_mm512_unpacklo_epi32(row[0], row[1]), _mm512_unpackhi_epi32(row[0], row[1]));
  const __m512i cd = _mm512_add_epi32(_mm512_unpacklo_epi32(row[2], row[3]), _mm512_unpackhi_epi32(row[2], row[3]));
  return _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
}

/// Lane 4 j + r: element j of `four`.
inline __m512 spread(__m128 four) {
  const __m512i lane = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  return _mm512_permutexvar_ps(lane, _mm512_castps128_ps512(four));
}

/// The stored scales of four blocks in each of four rows.
struct ScaleBytes {
  uint32_t row[kTileRows];

  /// Lane 4 j + r: the scale of block j in row r; 2^-127 is subnormal.
  Vec scales() const {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(row));
    const __m128i by_block =
        _mm_shuffle_epi8(bytes, _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    const __m512i bits = _mm512_slli_epi32(_mm512_cvtepu8_epi32(by_block), 23);
    return _mm512_castsi512_ps(_mm512_max_epi32(bits, _mm512_set1_epi32(0x400000)));
  }
};

/// Four weight rows by C inputs. Lane 4 j + r of an accumulator sums blocks j, j + 4, ... of row r in that order.
struct Int8Tile {
  using Format = Mxfp4Format;
  using Input = Int8Group;
  static constexpr int kColumns = 8;

  /// The first n of 128 weights of each row; nothing past a row is read.
  static __m512i load_bytes(const Row& row, int64_t k, int64_t n) {
    const uint8_t* p = element_at<Format>(row, k);
    if (n >= kGroupWidth) return _mm512_loadu_si512(p);
    uint8_t bytes[64] = {};
    std::memcpy(bytes, p, static_cast<size_t>(n / 2));
    return _mm512_loadu_si512(bytes);
  }
  static ScaleBytes load_scales(const Row (&row)[kTileRows], int64_t k, int64_t n) {
    ScaleBytes bytes = {};
    const auto n_bytes = static_cast<size_t>(n < kGroupWidth ? n / kMxfp4Block : kGroupBlocks);
    for (int r = 0; r < kTileRows; ++r) {
      std::memcpy(&bytes.row[r], static_cast<const uint8_t*>(row[r].scale) + k / kMxfp4Block, n_bytes);
    }
    return bytes;
  }
  /// The first blocks of a group that is not full, the others zero.
  static Int8Group first_blocks(const Int8Group& group, int64_t n) {
    Int8Group part = {};
    const auto n_bytes = static_cast<size_t>(n / 2), n_blocks = static_cast<size_t>(n / kInputBlock);
    std::memcpy(part.even, group.even, n_bytes);
    std::memcpy(part.odd, group.odd, n_bytes);
    std::memcpy(part.scale, group.scale, n_blocks * sizeof(float));
    std::memcpy(part.offset, group.offset, n_blocks * sizeof(int32_t));
    return part;
  }

  static Vec add_product(const WeightCodes (&w)[kTileRows], Vec weight_scale, const Int8Group& x, Vec acc) {
    const __m512i even = _mm512_loadu_si512(x.even), odd = _mm512_loadu_si512(x.odd);
    __m512i dot[kTileRows];
    for (int r = 0; r < kTileRows; ++r) {
      dot[r] = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), w[r].even, even), w[r].odd, odd);
    }
    const __m512i offset = _mm512_castps_si512(spread(_mm_loadu_ps(reinterpret_cast<const float*>(x.offset))));
    const Vec sum = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum_blocks(dot), offset));
    return mul_add(sum, mul(weight_scale, spread(_mm_loadu_ps(x.scale))), acc);
  }

  template <int C>
  static void add_group(const Row (&row)[kTileRows], const Input* const* x, int64_t k, int64_t n, Vec (&acc)[C]) {
    WeightCodes w[kTileRows];
    for (int r = 0; r < kTileRows; ++r) w[r] = unpack_codes(load_bytes(row[r], k, n));
    const Vec scale = load_scales(row, k, n).scales();
    for (int c = 0; c < C; ++c) {
      const Int8Group& group = x[c][k / kGroupWidth];
      acc[c] = add_product(w, scale, n >= kGroupWidth ? group : first_blocks(group, n), acc[c]);
    }
  }

  template <int C>
  static void run(const Row (&row)[kTileRows], const Input* const* x, int64_t n_k, float (*sum)[kTileRows]) {
    Vec acc[C];
    for (Vec& a : acc) a = zero();
    const int64_t whole = n_k - n_k % kGroupWidth;
    for (int64_t k = 0; k < whole; k += kGroupWidth) add_group<C>(row, x, k, kGroupWidth, acc);
    if (whole < n_k) add_group<C>(row, x, whole, n_k - whole, acc);
    for (int c = 0; c < C; ++c) {
      const __m256 two = _mm256_add_ps(_mm512_castps512_ps256(acc[c]), _mm512_extractf32x8_ps(acc[c], 1));
      _mm_storeu_ps(sum[c], _mm_add_ps(_mm256_castps256_ps128(two), _mm256_extractf128_ps(two, 1)));
    }
  }
};

}  // namespace
}  // namespace drawbridge
