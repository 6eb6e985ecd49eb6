// View: a borrowed, strided window on a tensor. Plain data, passed by value; whoever allocated the memory owns it.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "base/check.h"
#include "tensor/dtype.h"

namespace drawbridge {

inline constexpr int kMaxRank = 3;

/// Row-major window: element (i, j, k) lies at data + (i*stride[0] + j*stride[1] + k*stride[2]) * dtype bytes.
/// The last dimension is always dense (stride 1).
struct View {
  void* data = nullptr;
  DType dtype = DType::kF32;
  int rank = 0;
  std::array<int64_t, kMaxRank> shape = {};
  std::array<int64_t, kMaxRank> stride = {};  // in elements

  int64_t dim(int i) const { return shape[static_cast<size_t>(i < 0 ? rank + i : i)]; }
  int64_t rows() const;  ///< product of all dimensions but the last
  int64_t cols() const { return dim(-1); }

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  float* f32() const {
    DB_CHECK(dtype == DType::kF32);
    return static_cast<float*>(data);
  }
  /// Start of row i of dimension 0, f32.
  float* row(int64_t i) const { return f32() + i * stride[0]; }
  /// Start of row (i, j) of a rank-3 view, f32.
  float* row(int64_t i, int64_t j) const { return f32() + i * stride[0] + j * stride[1]; }
};

/// A dense view of `shape` on `data`.
View dense_view(void* data, DType dtype, std::initializer_list<int64_t> shape);
/// Columns [from, from + count) of the last dimension.
View slice_cols(const View& view, int64_t from, int64_t count);
/// Rows [from, from + count) of dimension 0.
View slice_rows(const View& view, int64_t from, int64_t count);
/// [T, H*D] seen as [T, H, D]; the last dimension of `view` must be heads * D.
View split_heads(const View& view, int64_t heads);

}  // namespace drawbridge
