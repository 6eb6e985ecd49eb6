#include "tensor/panel.h"

#include <algorithm>
#include <array>
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

/// Words [j][r] of a block: word j of row r, of n_words; rows beyond n_rows are zero.
template <int kWords>
using BlockWords = std::array<std::array<uint32_t, kPanelRows>, kWords>;

/// The blocks of a panel word by word, `change` applied to all words of a block at once.
template <int kWords, typename Change>
void write_word_panel(const uint8_t* rows, int64_t row_bytes, int64_t n_rows, uint8_t* out, const Change& change) {
  constexpr int64_t kBytes = kWords * 4;
  const int64_t n_blocks = (row_bytes + kBytes - 1) / kBytes;
  for (int64_t b = 0; b < n_blocks; ++b, out += kWords * kVector) {
    BlockWords<kWords> words = {};
    const auto n_bytes = static_cast<size_t>(std::min(kBytes, row_bytes - b * kBytes));
    for (int64_t r = 0; r < n_rows; ++r) {
      std::array<uint32_t, kWords> row = {};
      const uint8_t* const from = rows + r * row_bytes + b * kBytes;
      n_bytes == kBytes ? std::memcpy(row.data(), from, kBytes) : std::memcpy(row.data(), from, n_bytes);
      for (size_t j = 0; j < kWords; ++j) words[j][static_cast<size_t>(r)] = row[j];
    }
    for (auto& vector : words) {
      for (uint32_t& word : vector) word = change(word);
    }
    std::memcpy(out, words.data(), sizeof words);
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
  const int64_t row_bytes = matrix_row_bytes(rows.format, rows.k);
  const auto* const from = static_cast<const uint8_t*>(rows.data) + panel * kPanelRows * row_bytes;
  switch (rows.format) {
    case WeightFormat::kMxfp4:
      return write_word_panel<4>(from, row_bytes, n_rows, out, pair_nibbles);
    case WeightFormat::kQ8:  // with an offset of 128, as kernels take it
      return write_word_panel<8>(from, row_bytes, n_rows, out, [](uint32_t bytes) { return bytes ^ 0x80808080u; });
    case WeightFormat::kFp8Block:
      return write_word_panel<8>(from, row_bytes, n_rows, out, [](uint32_t bytes) { return bytes; });
    default:
      std::memset(out, 0, static_cast<size_t>(panel_blocks(rows) * panel_block_bytes(rows.format)));
      for (int64_t r = 0; r < n_rows; ++r) {
        write_bf16_row(reinterpret_cast<const uint16_t*>(from + r * row_bytes), rows.k, out + 4 * r);
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
