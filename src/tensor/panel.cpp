#include "tensor/panel.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace drawbridge {
namespace {

/// Column bytes of row r go to byte r * 4 of each vector.
constexpr int64_t kVector = 64;

/// Eight codes 0 .. 7 from the low half byte on, as pairs (0, 4), (1, 5), (2, 6), (3, 7).
uint32_t pair_nibbles(uint32_t codes) {
  const auto spread = [](uint32_t x) {
    x = (x | x << 8) & 0x00ff00ffu;
    return (x | x << 4) & 0x0f0f0f0fu;
  };
  return spread(codes & 0xffffu) | spread(codes >> 16) << 4;
}

void write_mxfp4_row(const uint8_t* row, int64_t n_blocks, uint8_t* out) {
  for (int64_t b = 0; b < n_blocks; ++b, out += panel_block_bytes(WeightFormat::kMxfp4)) {
    uint32_t codes[4];
    std::memcpy(codes, row + b * kPanelBlock / 2, sizeof codes);
    for (int64_t j = 0; j < 4; ++j) {
      const uint32_t paired = pair_nibbles(codes[j]);
      std::memcpy(out + j * kVector, &paired, sizeof paired);
    }
  }
}

/// Bytes, the last block filled up with `fill`; q8 is stored with an offset of 128, as kernels take it.
void write_byte_row(const uint8_t* row, int64_t k, uint8_t flip, uint8_t* out) {
  const int64_t n_blocks = (k + kPanelBlock - 1) / kPanelBlock;
  for (int64_t b = 0; b < n_blocks; ++b, out += panel_block_bytes(WeightFormat::kQ8)) {
    uint8_t block[kPanelBlock] = {};
    std::memcpy(block, row + b * kPanelBlock, static_cast<size_t>(std::min(kPanelBlock, k - b * kPanelBlock)));
    for (uint8_t& byte : block) byte ^= flip;
    for (int64_t j = 0; j < 8; ++j) std::memcpy(out + j * kVector, block + 4 * j, 4);
  }
}

void write_bf16_row(const uint16_t* row, int64_t k, uint8_t* out) {
  const int64_t n_blocks = (k + kPanelBlock - 1) / kPanelBlock;
  for (int64_t b = 0; b < n_blocks; ++b, out += panel_block_bytes(WeightFormat::kBF16)) {
    uint16_t block[kPanelBlock] = {};
    const int64_t n = std::min(kPanelBlock, k - b * kPanelBlock);
    for (int64_t i = 0; i < n; ++i) block[panel_column(i)] = row[b * kPanelBlock + i];
    for (int64_t j = 0; j < 16; ++j) std::memcpy(out + j * kVector, block + 2 * j, 4);
  }
}

constexpr uint8_t kQ8Flip = 0x80;

template <typename Scale>
void write_scales(const Matrix& rows, int64_t panel, Scale* out) {
  const int64_t n_blocks = panel_blocks(rows);
  const auto* scale = static_cast<const Scale*>(rows.scale);
  out += panel * n_blocks * kPanelRows;
  std::fill_n(out, n_blocks * kPanelRows, Scale{0});
  const int64_t n_rows = std::min(kPanelRows, rows.n - panel * kPanelRows);
  for (int64_t r = 0; r < n_rows; ++r) {
    const Scale* const row = scale + (panel * kPanelRows + r) * n_blocks;
    for (int64_t b = 0; b < n_blocks; ++b) out[b * kPanelRows + r] = row[b];
  }
}

void write_panel(const Matrix& rows, int64_t panel, uint8_t* out) {
  const int64_t n_rows = std::min(kPanelRows, rows.n - panel * kPanelRows);
  const int64_t bytes = panel_blocks(rows) * panel_block_bytes(rows.format);
  const bool is_q8 = rows.format == WeightFormat::kQ8;
  if (n_rows < kPanelRows) std::memset(out, is_q8 ? kQ8Flip : 0, static_cast<size_t>(bytes));
  for (int64_t r = 0; r < n_rows; ++r) {
    const auto* row =
        static_cast<const uint8_t*>(rows.data) + (panel * kPanelRows + r) * matrix_row_bytes(rows.format, rows.k);
    if (rows.format == WeightFormat::kMxfp4) {
      write_mxfp4_row(row, panel_blocks(rows), out + 4 * r);
    } else if (rows.format == WeightFormat::kBF16) {
      write_bf16_row(reinterpret_cast<const uint16_t*>(row), rows.k, out + 4 * r);
    } else {
      write_byte_row(row, rows.k, is_q8 ? kQ8Flip : 0, out + 4 * r);
    }
  }
}

}  // namespace

bool has_panels(WeightFormat format, int64_t k) {
  if (format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8) return k % kPanelBlock == 0;
  return format == WeightFormat::kBF16 || format == WeightFormat::kFp8Block;
}

int64_t panel_block_bytes(WeightFormat format) {
  return kPanelRows * matrix_row_bytes(format, kPanelBlock);
}

int64_t panel_data_bytes(const Matrix& w) {
  return panel_count(w) * panel_blocks(w) * panel_block_bytes(w.format);
}

int64_t panel_scale_bytes(const Matrix& w) {
  const int64_t n_scales = panel_count(w) * panel_blocks(w) * kPanelRows;
  if (w.format == WeightFormat::kMxfp4) return n_scales;
  return w.format == WeightFormat::kQ8 ? 2 * n_scales : 0;
}

void write_panels(const Matrix& rows, int64_t from, int64_t to, void* data, void* scale) {
  DB_CHECK(rows.order == RowOrder::kRows && has_panels(rows.format, rows.k));
  const int64_t bytes = panel_blocks(rows) * panel_block_bytes(rows.format);
  for (int64_t p = from; p < to; ++p) {
    write_panel(rows, p, static_cast<uint8_t*>(data) + p * bytes);
    if (rows.format == WeightFormat::kMxfp4) write_scales(rows, p, static_cast<uint8_t*>(scale));
    if (rows.format == WeightFormat::kQ8) write_scales(rows, p, static_cast<uint16_t*>(scale));
  }
}

Matrix panel_matrix(const Matrix& rows, const void* data, const void* scale) {
  Matrix w = rows;
  w.order = RowOrder::kPanels;
  w.data = data;
  if (panel_scale_bytes(rows) > 0) w.scale = scale;
  return w;
}

}  // namespace drawbridge
