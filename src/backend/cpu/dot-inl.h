// y [T, N] = x [T, K] w^T with weights in rows, in every stored format, and inputs in f32. Included by
// kernels_<isa>.cpp after its vec_<isa>.h.
//
// A tile is 4 rows x up to 6 inputs (AVX-512; 3 with AVX2, 2 in plain C++), whose sums stay in registers; a vector of
// each row is widened to f32 and multiplied with all inputs, lane by lane, the lanes added at the end. Many rows go by
// each group of inputs, so that a row's bytes (4, 2, 1 or about 1/2 a weight) are read once a group. 2 K operations an
// output. Limit: memory for one token; else the rate of f32 FMAs, for formats with codes that of widening them.
#pragma once

#include <cstring>

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

constexpr int kTileRows = 4;

/// n < kLanes elements, the lanes beyond them `fill`.
inline Vec load_some(const float* p, int64_t n, float fill = 0) {
  float lanes[kLanes];
  for (float& lane : lanes) lane = fill;
  std::memcpy(lanes, p, static_cast<size_t>(n) * sizeof(float));
  return load(lanes);
}
inline void store_some(float* p, Vec v, int64_t n) {
  float lanes[kLanes];
  store(lanes, v);
  std::memcpy(p, lanes, static_cast<size_t>(n) * sizeof(float));
}

struct Row {
  const void* data;
  const void* scale;
};

// A format: how kLanes elements become floats (widen), and the scale that belongs to element k.
struct Unscaled {
  static constexpr int kPerElement = 1;  // weights in one stored element
  static const void* scale_row(const Matrix&, int64_t) { return nullptr; }
  static Vec scaled(const Row&, int64_t, Vec v) { return v; }
};
struct F32Format : Unscaled {
  using Element = float;
  static Vec widen(const Element* p) { return load(p); }
};
struct F16Format : Unscaled {
  using Element = uint16_t;
  static Vec widen(const Element* p) { return widen_f16(p); }
};
struct Bf16Format : Unscaled {
  using Element = uint16_t;
  static Vec widen(const Element* p) { return widen_bf16(p); }
};
struct Fp8Format {
  using Element = uint8_t;
  static constexpr int kPerElement = 1;
  static constexpr int64_t kBlock = kFp8BlockEdge;
  static Vec widen(const Element* p) { return widen_e4m3(p); }
  static const void* scale_row(const Matrix& w, int64_t n) {
    return static_cast<const float*>(w.scale) + (n / kBlock) * ((w.k + kBlock - 1) / kBlock);
  }
  static float scale(const Row& row, int64_t k) { return static_cast<const float*>(row.scale)[k / kBlock]; }
  static Vec scaled(const Row& row, int64_t k, Vec v) { return mul(v, splat(scale(row, k))); }
};
struct Mxfp4Format {
  using Element = uint8_t;
  static constexpr int kPerElement = 2;
  static constexpr int64_t kBlock = kMxfp4Block;
  static Vec widen(const Element* p) { return widen_e2m1(p); }
  static const void* scale_row(const Matrix& w, int64_t n) {
    return static_cast<const uint8_t*>(w.scale) + n * (w.k / kBlock);
  }
  /// 2^(byte - 127); the smallest is subnormal in f32.
  static float scale(const Row& row, int64_t k) {
    const uint32_t byte = static_cast<const uint8_t*>(row.scale)[k / kBlock];
    const uint32_t bits = byte == 0 ? 0x400000u : byte << 23;
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  static Vec scaled(const Row& row, int64_t k, Vec v) { return mul(v, splat(scale(row, k))); }
};

struct Q8Format {
  using Element = int8_t;
  static constexpr int kPerElement = 1;
  static constexpr int64_t kBlock = kQ8Block;
  static Vec widen(const Element* p) { return widen_i8(p); }
  static const void* scale_row(const Matrix& w, int64_t n) {
    return static_cast<const uint16_t*>(w.scale) + n * ((w.k + kBlock - 1) / kBlock);
  }
  static float scale(const Row& row, int64_t k) {
    return widen_f16(static_cast<const uint16_t*>(row.scale)[k / kBlock]);
  }
  static Vec scaled(const Row& row, int64_t k, Vec v) { return mul(v, splat(scale(row, k))); }
};

template <class Format>
Row row_of(const Matrix& w, int64_t n) {
  const int64_t elements = w.k / Format::kPerElement;
  return Row{static_cast<const typename Format::Element*>(w.data) + n * elements, Format::scale_row(w, n)};
}
template <class Format>
const typename Format::Element* element_at(const Row& row, int64_t k) {
  return static_cast<const typename Format::Element*>(row.data) + k / Format::kPerElement;
}
template <class Format>
Vec load_weights(const Row& row, int64_t k) {
  return Format::scaled(row, k, Format::widen(element_at<Format>(row, k)));
}
/// n < kLanes weights, the lanes beyond them zero. Nothing past the row is read: it may be the end of the file.
template <class Format>
Vec load_some_weights(const Row& row, int64_t k, int64_t n) {
  typename Format::Element lanes[kLanes] = {};
  std::memcpy(lanes, element_at<Format>(row, k),
              static_cast<size_t>(n / Format::kPerElement) * sizeof(typename Format::Element));
  return Format::scaled(row, k, Format::widen(lanes));
}

/// Four weight rows by C inputs in f32: lane i of an accumulator sums k = i, i + kLanes, ... in that order.
template <class WeightFormat>
struct LaneTile {
  using Format = WeightFormat;
  using Input = float;
  static constexpr int kColumns = kTileColumns;

  template <int C>
  static void add_products(const Vec (&a)[kTileRows], const Vec (&b)[C], Vec (&acc)[C][kTileRows]) {
    for (int r = 0; r < kTileRows; ++r) {
      for (int c = 0; c < C; ++c) acc[c][r] = mul_add(a[r], b[c], acc[c][r]);
    }
  }

  template <int C>
  static void run(const Row (&row)[kTileRows], const Input* const* x, int64_t n_k, float (*sum)[kTileRows]) {
    Vec acc[C][kTileRows], a[kTileRows], b[C];
    for (auto& column : acc) {
      for (Vec& v : column) v = zero();
    }
    const int64_t whole = n_k - n_k % kLanes;
    for (int64_t k = 0; k < whole; k += kLanes) {
      for (int c = 0; c < C; ++c) b[c] = load(x[c] + k);
      for (int r = 0; r < kTileRows; ++r) a[r] = load_weights<Format>(row[r], k);
      add_products<C>(a, b, acc);
    }
    if (whole < n_k) {
      for (int c = 0; c < C; ++c) b[c] = load_some(x[c] + whole, n_k - whole);
      for (int r = 0; r < kTileRows; ++r) a[r] = load_some_weights<Format>(row[r], whole, n_k - whole);
      add_products<C>(a, b, acc);
    }
    for (int c = 0; c < C; ++c) sum4(acc[c][0], acc[c][1], acc[c][2], acc[c][3], sum[c]);
  }
};

/// Tile::run for the number of columns at hand.
template <class Tile, int C = Tile::kColumns>
void run_tile(int64_t n_columns, const Row (&row)[kTileRows], const typename Tile::Input* const* x, int64_t n_k,
              float (*sum)[kTileRows]) {
  if constexpr (C > 1) {
    if (n_columns < C) return run_tile<Tile, C - 1>(n_columns, row, x, n_k, sum);
  }
  Tile::template run<C>(row, x, n_k, sum);
}

/// Rounds the sums of a tile, [kMaxColumns][kTileRows], to bf16.
constexpr int kMaxColumns = 8;
inline void round_sums(float (*sum)[kTileRows]) {
  for (int i = 0; i < kMaxColumns * kTileRows; i += kLanes) store(*sum + i, round_bf16(load(*sum + i)));
}

/// Rows [from, to) of w against all tokens.
template <class Tile>
void gemm_rows(const GemmArgs& a, int64_t from, int64_t to) {
  using Input = typename Tile::Input;
  for (int64_t t = 0; t < a.n_tokens; t += Tile::kColumns) {
    const int64_t n_columns = a.n_tokens - t < Tile::kColumns ? a.n_tokens - t : Tile::kColumns;
    const Input* x[Tile::kColumns] = {};
    for (int64_t c = 0; c < n_columns; ++c) {
      x[c] = static_cast<const Input*>(a.x) + (a.x_row == nullptr ? t + c : a.x_row[t + c]) * a.x_stride;
    }
    for (int64_t n = from; n < to; n += kTileRows) {
      Row row[kTileRows];
      for (int r = 0; r < kTileRows; ++r) row[r] = row_of<typename Tile::Format>(a.w, n + r < to ? n + r : to - 1);
      float sum[kMaxColumns][kTileRows] = {};
      run_tile<Tile>(n_columns, row, x, a.w.k, sum);
      if (a.round_output) round_sums(sum);
      const auto bytes = static_cast<size_t>(to - n < kTileRows ? to - n : kTileRows) * sizeof(float);
      for (int64_t c = 0; c < n_columns; ++c) {
        std::memcpy(a.y + (t + c) * a.y_stride + (n - a.n_from), sum[c], bytes);
      }
    }
  }
}

/// Weights are taken in blocks that stay in the second-level cache while all tokens pass by.
template <class Tile>
void gemm(const GemmArgs& a) {
  constexpr int64_t kBlockBytes = 128 << 10;
  using Format = typename Tile::Format;
  const int64_t row_bytes = a.w.k / Format::kPerElement * static_cast<int64_t>(sizeof(typename Format::Element));
  const int64_t tiles = kBlockBytes / (kTileRows * (row_bytes > 0 ? row_bytes : 1));
  const int64_t step = kTileRows * (tiles > 1 ? tiles : 1);
  for (int64_t n = a.n_from; n < a.n_to; n += step) gemm_rows<Tile>(a, n, n + step < a.n_to ? n + step : a.n_to);
}

inline void gemm_f32(const GemmArgs& a) {
  switch (a.w.format) {
    case WeightFormat::kF32:
      return gemm<LaneTile<F32Format>>(a);
    case WeightFormat::kF16:
      return gemm<LaneTile<F16Format>>(a);
    case WeightFormat::kBF16:
      return gemm<LaneTile<Bf16Format>>(a);
    case WeightFormat::kFp8Block:
      return gemm<LaneTile<Fp8Format>>(a);
    case WeightFormat::kMxfp4:
      return gemm<LaneTile<Mxfp4Format>>(a);
    case WeightFormat::kQ8:
      return gemm<LaneTile<Q8Format>>(a);
  }
}

template <class Format>
void decode(float* y, const Matrix& w, int64_t n) {
  const Row row = row_of<Format>(w, n);
  const int64_t whole = w.k - w.k % kLanes;
  for (int64_t k = 0; k < whole; k += kLanes) store(y + k, load_weights<Format>(row, k));
  if (whole < w.k) store_some(y + whole, load_some_weights<Format>(row, whole, w.k - whole), w.k - whole);
}

inline void decode_row(float* y, const Matrix& w, int64_t n) {
  switch (w.format) {
    case WeightFormat::kF32:
      return decode<F32Format>(y, w, n);
    case WeightFormat::kF16:
      return decode<F16Format>(y, w, n);
    case WeightFormat::kBF16:
      return decode<Bf16Format>(y, w, n);
    case WeightFormat::kFp8Block:
      return decode<Fp8Format>(y, w, n);
    case WeightFormat::kMxfp4:
      return decode<Mxfp4Format>(y, w, n);
    case WeightFormat::kQ8:
      return decode<Q8Format>(y, w, n);
  }
}

}  // namespace
}  // namespace drawbridge
