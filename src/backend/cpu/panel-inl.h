// Products of weights in panels (tensor/panel.h), the part that every instruction set shares: which tokens make a tile,
// where a panel lies, how its sums leave. Included by kernels_<isa>.cpp after dot-inl.h and quantize-inl.h.
//
// y [T, N] = x [T, K] w^T, a panel of 16 rows at a time: it is read once (and with plan.expand unpacked once into
// `work`, which stays in the caches), and all tokens pass by it in tiles of plan.columns. A panel of K columns costs
// its bytes from memory and 2 * 16 * K operations a token.
//
// A Product has, beside `kColumns`, the widest tile whose sums fit the registers:
//   Product(args, panel)  where the panel lies; with plan.expand unpacked
//   run<C>(x, sum)        16 sums for each of C packed rows, each summed over K in the one order that K decides
#pragma once

#include "backend/cpu/kernels.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr int kRows = 16;
constexpr int kVecs = kRows / kLanes;
constexpr int64_t kBlockColumns = 32;
static_assert(kRows == kPanelRows && kBlockColumns == kPanelBlock && kBlockColumns == kInputBlock &&
              kRows % kLanes == 0);

inline int64_t blocks_of(int64_t k) {
  return (k + kBlockColumns - 1) / kBlockColumns;
}
inline int64_t whole_lines(int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}
inline int64_t no_work(const Matrix&) {
  return 0;
}

using PanelSums = float[kMaxTileColumns][kRows];

/// Product::run for the number of tokens at hand.
template <int C, class Product>
void run_columns(int64_t n, const Product& product, const uint8_t* const* x, PanelSums& sum) {
  if constexpr (C > 1) {
    if (n < C) return run_columns<C - 1>(n, product, x, sum);
  }
  product.template run<C>(x, sum);
}

/// The sums of n tokens to rows t, t + 1 ... of y; rows beyond w.n stay out.
inline void store_sums(const PanelArgs& a, int64_t panel, int64_t t, int64_t n, PanelSums& sum) {
  const int64_t rows = a.w.n - panel * kRows < kRows ? a.w.n - panel * kRows : kRows;
  float* const y = a.y + t * a.y_stride + (panel - a.panel_from) * kRows;
  for (int64_t c = 0; c < n; ++c) {
    if (a.round_output) {
      for (int r = 0; r < kRows; r += kLanes) store(sum[c] + r, round_bf16(load(sum[c] + r)));
    }
    if (rows == kRows) {
      std::memcpy(y + c * a.y_stride, sum[c], sizeof sum[c]);
    } else {
      std::memcpy(y + c * a.y_stride, sum[c], static_cast<size_t>(rows) * sizeof(float));
    }
  }
}

/// Tokens [t, t + n) through one panel.
template <class Product>
void multiply_tile(const PanelArgs& a, const Product& product, int64_t panel, int64_t t, int64_t n) {
  const uint8_t* x[kMaxTileColumns];
  for (int64_t c = 0; c < n; ++c) x[c] = a.x + (a.x_row == nullptr ? t + c : a.x_row[t + c]) * a.x_stride;
  alignas(64) PanelSums sum;
  run_columns<Product::kColumns>(n, product, x, sum);
  store_sums(a, panel, t, n, sum);
}

/// Narrow panels, a few at a time, stay in the first-level cache: a tile of tokens passes by all of them before the
/// next does, so that a row of y is written some lines at a time. Where rows of y lie a multiple of 4 KiB apart, lines
/// written one by one drive each other out of the caches. A panel that is unpacked first has all tokens pass by.
constexpr int64_t kGroupBlocks = 64;

template <class Product>
void gemm_panels(const PanelArgs& a) {
  const int64_t width = a.plan.columns < Product::kColumns ? a.plan.columns : Product::kColumns;
  const auto n_at = [&](int64_t t) { return a.n_tokens - t < width ? a.n_tokens - t : width; };
  const int64_t fitting = kGroupBlocks / blocks_of(a.w.k), group = a.plan.expand || fitting < 1 ? 1 : fitting;
  for (int64_t first = a.panel_from; first < a.panel_to; first += group) {
    if (group == 1) {
      const Product product(a, first);
      for (int64_t t = 0; t < a.n_tokens; t += width) multiply_tile(a, product, first, t, n_at(t));
      continue;
    }
    const int64_t last = first + group < a.panel_to ? first + group : a.panel_to;
    for (int64_t t = 0; t < a.n_tokens; t += width) {
      for (int64_t p = first; p < last; ++p) multiply_tile(a, Product(a, p), p, t, n_at(t));
    }
  }
}

/// Asks for the block that will be read so many bytes later. Panels lie one after the other, so this crosses from one
/// to the next; past the last one it asks for what is there, which never faults. Without it a tile of four and more
/// tokens spends too long on a block for the CPU's own prefetchers to see the next in time.
template <int64_t kBytes>
inline void prefetch_ahead(const uint8_t* block) {
  constexpr int64_t kAhead = 4096;
  for (int64_t i = 0; i < kBytes; i += 64) __builtin_prefetch(block + kAhead + i);
}

/// The block's elements and scales of a panel, whatever they are.
inline const uint8_t* panel_data(const Matrix& w, int64_t panel, int64_t block_bytes) {
  return static_cast<const uint8_t*>(w.data) + panel * blocks_of(w.k) * block_bytes;
}
template <typename Scale>
const Scale* panel_scales(const Matrix& w, int64_t panel) {
  return static_cast<const Scale*>(w.scale) + panel * blocks_of(w.k) * kRows;
}

}  // namespace
}  // namespace drawbridge
