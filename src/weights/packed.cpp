#include "weights/packed.h"

#include <algorithm>
#include <cstring>
#include <iterator>

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

/// The rows of each head: first `nope` of keys, then those of values.
struct KvB {
  const Matrix& matrix;
  int64_t n_heads;
  int64_t head_rows;
  int64_t nope;

  int64_t values() const { return head_rows - nope; }
  int64_t value_row(int64_t h) const { return h * head_rows + nope; }
};

/// bf16 holds MXFP4 exactly: two bits of mantissa, 2^-128 at the least. FP8 and q8 times their scales need f32.
Matrix transpose_keys(const KvB& source, PackedStore& store) {
  const WeightFormat from = source.matrix.format;
  const bool is_exact_in_bf16 = from == WeightFormat::kBF16 || from == WeightFormat::kMxfp4;
  const int64_t latent = source.matrix.k;
  const Target k_b = make_target(is_exact_in_bf16 ? WeightFormat::kBF16 : WeightFormat::kF32, source.n_heads * latent,
                                 source.nope, store);
  std::vector<float> row(static_cast<size_t>(latent));
  for (int64_t h = 0; h < source.n_heads; ++h) {
    for (int64_t r = 0; r < source.nope; ++r) {
      dequantize_row(source.matrix, h * source.head_rows + r, row.data());
      for (int64_t c = 0; c < latent; ++c) k_b.set(h * latent + c, r, row[static_cast<size_t>(c)]);
    }
  }
  return k_b.matrix;
}

/// FP8 blocks span heads, so their rows cannot be taken apart as they are.
Matrix decode_values(const KvB& source, PackedStore& store) {
  const int64_t latent = source.matrix.k;
  const Target v_b = make_target(WeightFormat::kF32, source.n_heads * source.values(), latent, store);
  for (int64_t h = 0; h < source.n_heads; ++h) {
    for (int64_t r = 0; r < source.values(); ++r) {
      dequantize_row(source.matrix, source.value_row(h) + r,
                     static_cast<float*>(v_b.data) + (h * source.values() + r) * latent);
    }
  }
  return v_b.matrix;
}

/// Rows and their scales byte for byte, for formats whose scales belong to one row.
Matrix copy_values(const KvB& source, PackedStore& store) {
  const Matrix& w = source.matrix;
  const int64_t row_bytes = matrix_row_bytes(w.format, w.k);
  const int64_t scale_bytes = w.n == 0 ? 0 : matrix_bytes(w) / w.n - row_bytes;
  const auto copy = [&](const void* from, int64_t n_bytes) {
    auto* const to = static_cast<uint8_t*>(store.add(source.n_heads * source.values() * n_bytes));
    for (int64_t h = 0; h < source.n_heads; ++h) {
      std::memcpy(to + h * source.values() * n_bytes, static_cast<const uint8_t*>(from) + source.value_row(h) * n_bytes,
                  static_cast<size_t>(source.values() * n_bytes));
    }
    return to;
  };
  Matrix v_b{w.format, source.n_heads * source.values(), w.k, copy(w.data, row_bytes), nullptr};
  if (w.scale != nullptr) v_b.scale = copy(w.scale, scale_bytes);
  return v_b;
}

}  // namespace

void* PackedStore::add(int64_t n_bytes) {
  buffers_.push_back(std::make_unique<uint8_t[]>(static_cast<size_t>(n_bytes)));
  n_bytes_ += n_bytes;
  return buffers_.back().get();
}

Result<uint8_t*> PackedStore::add_region(int64_t n_bytes) {
  DB_ASSIGN(HugeRegion region, HugeRegion::allocate(n_bytes));
  n_bytes_ += region.size();
  return regions_.emplace_back(std::move(region)).data();
}

const MappedFile& PackedStore::add_file(MappedFile file) {
  n_bytes_ += static_cast<int64_t>(file.bytes().size());
  return files_.emplace_back(std::move(file));
}

void PackedStore::absorb(PackedStore other) {
  std::move(other.buffers_.begin(), other.buffers_.end(), std::back_inserter(buffers_));
  std::move(other.regions_.begin(), other.regions_.end(), std::back_inserter(regions_));
  std::move(other.files_.begin(), other.files_.end(), std::back_inserter(files_));
  n_bytes_ += other.n_bytes_;
}

SplitKvB split_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store) {
  DB_CHECK(kv_b.n % n_heads == 0);
  const KvB source{kv_b, n_heads, kv_b.n / n_heads, nope};
  return SplitKvB{transpose_keys(source, store),
                  kv_b.format == WeightFormat::kFp8Block ? decode_values(source, store) : copy_values(source, store)};
}

}  // namespace drawbridge
