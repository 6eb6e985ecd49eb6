#include "bench/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked_math.h"
#include "base/rng.h"
#include "bench/machine_info.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

/// Random bytes, each with the bits of `mask` alone.
void draw_bytes(void* out, int64_t n_bytes, uint64_t seed, uint8_t mask) {
  auto* const bytes = static_cast<uint8_t*>(out);
  const uint64_t masks = 0x0101010101010101u * mask;
  for (int64_t i = 0; i < n_bytes; i += 8) {
    const uint64_t bits = bits_at(seed, static_cast<uint64_t>(i)) & masks;
    std::memcpy(bytes + i, &bits, index(std::min<int64_t>(8, n_bytes - i)));
  }
}

/// Uniform with variance 1 / k.
float draw_weight(uint64_t seed, int64_t i, int64_t k) {
  const double unit = 2 * uniform_at(seed, static_cast<uint64_t>(i)) - 1;
  return static_cast<float>(unit * std::sqrt(3.0 / static_cast<double>(k)));
}

void draw_elements(Matrix& w, void* data, uint64_t seed) {
  const int64_t n_bytes = w.n * matrix_row_bytes(w.format, w.k);
  constexpr uint8_t kNoNan = 0xbf;  // E4M3 below 2
  switch (w.format) {
    case WeightFormat::kF32:
      for (int64_t i = 0; i < w.n * w.k; ++i) static_cast<float*>(data)[i] = draw_weight(seed, i, w.k);
      return;
    case WeightFormat::kF16:
      for (int64_t i = 0; i < w.n * w.k; ++i) static_cast<uint16_t*>(data)[i] = f32_to_f16(draw_weight(seed, i, w.k));
      return;
    case WeightFormat::kBF16:
      for (int64_t i = 0; i < w.n * w.k; ++i) static_cast<uint16_t*>(data)[i] = f32_to_bf16(draw_weight(seed, i, w.k));
      return;
    case WeightFormat::kFp8Block:
      return draw_bytes(data, n_bytes, seed, kNoNan);
    case WeightFormat::kMxfp4:
    case WeightFormat::kQ8:
      return draw_bytes(data, n_bytes, seed, 0xff);
  }
}

/// One scale for all blocks, so that codes stand for about the values of draw_weight.
void draw_scales(const Matrix& w, void* scale, int64_t n_bytes) {
  const double deviation = 1 / std::sqrt(static_cast<double>(w.k));
  if (w.format == WeightFormat::kFp8Block) {
    std::fill_n(static_cast<float*>(scale), n_bytes / 4, static_cast<float>(2 * deviation));
  } else if (w.format == WeightFormat::kMxfp4) {
    constexpr double kCodeDeviation = 2.9;
    std::memset(scale, 127 + static_cast<int>(std::lround(std::log2(deviation / kCodeDeviation))), index(n_bytes));
  } else {
    constexpr double kCodeDeviation = 74;
    std::fill_n(static_cast<uint16_t*>(scale), n_bytes / 2, f32_to_f16(static_cast<float>(deviation / kCodeDeviation)));
  }
}

}  // namespace

Result<RandomMatrix> draw_matrix(Backend& backend, WeightFormat format, int64_t n, int64_t k, uint64_t seed) {
  RandomMatrix drawn;
  drawn.matrix.format = format;
  drawn.matrix.n = n;
  drawn.matrix.k = k;
  const int64_t data_bytes = n * matrix_row_bytes(format, k), scale_bytes = matrix_bytes(drawn.matrix) - data_bytes;
  DB_ASSIGN(drawn.data, backend.allocate(data_bytes));
  drawn.matrix.data = drawn.data.get();
  draw_elements(drawn.matrix, drawn.data.get(), seed);
  if (scale_bytes == 0) return drawn;
  DB_ASSIGN(drawn.scale, backend.allocate(scale_bytes));
  drawn.matrix.scale = drawn.scale.get();
  draw_scales(drawn.matrix, drawn.scale.get(), scale_bytes);
  return drawn;
}

int64_t copies_beyond_caches(int64_t bytes) {
  static const int64_t kCaches = std::max<int64_t>(read_machine_info().last_level_bytes(), 1 << 20);
  constexpr int64_t kTimesCaches = 4, kMost = 512;
  return std::clamp<int64_t>(ceil_div(kTimesCaches * kCaches, std::max<int64_t>(bytes, 1)), 1, kMost);
}

Result<MatrixCopies> MatrixCopies::create(Backend& backend, const Matrix& rows, int64_t n_copies) {
  MatrixCopies copies;
  n_copies = std::max(n_copies, copies_beyond_caches(matrix_bytes(rows)));
  while (copies.size() < n_copies) DB_TRY(copies.add(backend, rows));
  return copies;
}

/// FP8 in panels keeps the scales of the rows.
Status MatrixCopies::add(Backend& backend, const Matrix& rows) {
  const bool panels = backend.prefers_panels(rows.format) && has_panels(rows.format, rows.k);
  const int64_t row_bytes = rows.n * matrix_row_bytes(rows.format, rows.k);
  const int64_t row_scales = matrix_bytes(rows) - row_bytes, panel_scales = panels ? panel_scale_bytes(rows) : 0;
  DB_ASSIGN(Buffer data, backend.allocate(panels ? panel_data_bytes(rows) : row_bytes));
  DB_ASSIGN(Buffer scale, backend.allocate(panel_scales > 0 ? panel_scales : row_scales));
  Matrix copy = rows;
  copy.data = data.get();
  copy.scale = row_scales > 0 ? scale.get() : nullptr;
  if (panel_scales == 0 && row_scales > 0) std::memcpy(scale.get(), rows.scale, index(row_scales));
  if (panels) {
    write_panels(rows, 0, panel_count(rows), data.get(), scale.get());
    copy = panel_matrix(copy, data.get(), scale.get());
  } else {
    std::memcpy(data.get(), rows.data, index(row_bytes));
  }
  buffers_.push_back(std::move(data));
  buffers_.push_back(std::move(scale));
  copies_.push_back(copy);
  return Status();
}

}  // namespace drawbridge
