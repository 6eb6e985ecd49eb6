#include "bench/random_weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/checked_math.h"
#include "base/rng.h"
#include "tensor/panel.h"
#include "weights/panel_packer.h"

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

Matrix draw_matrix(WeightFormat format, int64_t n, int64_t k, PackedStore& store) {
  constexpr uint64_t kSeed = 0x77656967687473;
  Matrix w;
  w.format = format;
  w.n = n;
  w.k = k;
  const int64_t data_bytes = n * matrix_row_bytes(format, k), scale_bytes = matrix_bytes(w) - data_bytes;
  void* const data = store.add(data_bytes);
  draw_elements(w, data, kSeed);
  w.data = data;
  if (scale_bytes == 0) return w;
  void* const scale = store.add(scale_bytes);
  draw_scales(w, scale, scale_bytes);
  w.scale = scale;
  return w;
}

int64_t copies_for(int64_t footprint, int64_t bytes) {
  constexpr int64_t kMost = 512;
  return std::clamp<int64_t>(ceil_div(footprint, std::max<int64_t>(bytes, 1)), 1, kMost);
}

Result<MatrixCopies> MatrixCopies::create(const Backend& backend, const Matrix& rows, const CopyOptions& options) {
  MatrixCopies made;
  made.copies_.assign(index(options.n_copies), rows);
  if (!options.allow_panels || !backend.prefers_panels(rows.format) || !has_panels(rows.format, rows.k)) {
    DB_TRY(made.copy_rows());
    return made;
  }
  PanelPacker packer;
  for (Matrix& copy : made.copies_) {
    if (rows.format == WeightFormat::kFp8Block) {  // its panels use the scales of the rows
      const int64_t n_bytes = matrix_bytes(rows) - rows.n * matrix_row_bytes(rows.format, rows.k);
      copy.scale = std::memcpy(made.store_->add(n_bytes), rows.scale, index(n_bytes));
    }
    packer.add(copy);
  }
  DB_TRY(packer.pack(*made.store_, 1, [](const Matrix&) {}));
  return made;
}

Status MatrixCopies::copy_rows() {
  const Matrix rows = copies_[0];
  constexpr int64_t kAlignment = 64;
  const int64_t data_bytes = rows.n * matrix_row_bytes(rows.format, rows.k);
  const int64_t scale_bytes = matrix_bytes(rows) - data_bytes;
  const int64_t data_room = ceil_div(data_bytes, kAlignment) * kAlignment;
  const int64_t room = data_room + ceil_div(scale_bytes, kAlignment) * kAlignment;
  DB_ASSIGN(uint8_t * at, store_->add_region(room * size()));
  for (Matrix& copy : copies_) {
    copy.data = std::memcpy(at, rows.data, index(data_bytes));
    if (scale_bytes > 0) copy.scale = std::memcpy(at + data_room, rows.scale, index(scale_bytes));
    at += room;
  }
  return Status();
}

}  // namespace drawbridge
