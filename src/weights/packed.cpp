#include "weights/packed.h"

#include "base/check.h"

namespace drawbridge {
namespace {

/// A dense matrix under construction, bf16 or f32.
struct Target {
  Matrix matrix;
  void* data = nullptr;

  void set(int64_t n, int64_t k, float value) const {
    const int64_t i = n * matrix.k + k;
    if (matrix.format == WeightFormat::kBF16) {
      static_cast<uint16_t*>(data)[i] = f32_to_bf16(value);
    } else {
      static_cast<float*>(data)[i] = value;
    }
  }
};

Target make_target(WeightFormat format, int64_t n, int64_t k, PackedStore& store) {
  void* data = store.add(n * matrix_row_bytes(format, k));
  return Target{Matrix{format, n, k, data, nullptr}, data};
}

}  // namespace

void* PackedStore::add(int64_t n_bytes) {
  buffers_.push_back(std::make_unique<uint8_t[]>(static_cast<size_t>(n_bytes)));
  n_bytes_ += n_bytes;
  return buffers_.back().get();
}

SplitKvB split_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store) {
  DB_CHECK(kv_b.n % n_heads == 0);
  const int64_t head_rows = kv_b.n / n_heads, v = head_rows - nope, latent = kv_b.k;
  const WeightFormat format = kv_b.format == WeightFormat::kBF16 ? WeightFormat::kBF16 : WeightFormat::kF32;
  const Target k_b = make_target(format, n_heads * latent, nope, store);
  const Target v_b = make_target(format, n_heads * v, latent, store);
  std::vector<float> row(static_cast<size_t>(latent));
  for (int64_t h = 0; h < n_heads; ++h) {
    for (int64_t r = 0; r < head_rows; ++r) {
      dequantize_row(kv_b, h * head_rows + r, row.data());
      for (int64_t c = 0; c < latent; ++c) {
        const float value = row[static_cast<size_t>(c)];
        if (r < nope) {
          k_b.set(h * latent + c, r, value);
        } else {
          v_b.set(h * v + r - nope, c, value);
        }
      }
    }
  }
  return SplitKvB{k_b.matrix, v_b.matrix};
}

}  // namespace drawbridge
