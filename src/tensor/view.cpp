#include "tensor/view.h"

namespace drawbridge {

int64_t View::rows() const {
  int64_t product = 1;
  for (int i = 0; i + 1 < rank; ++i) product *= dim(i);
  return product;
}

View dense_view(void* data, DType dtype, std::initializer_list<int64_t> shape) {
  DB_CHECK(shape.size() >= 1 && shape.size() <= kMaxRank);
  View view{data, dtype, static_cast<int>(shape.size()), {}, {}};
  size_t i = 0;
  for (int64_t extent : shape) view.shape[i++] = extent;
  int64_t step = 1;
  for (int d = view.rank - 1; d >= 0; --d) {
    view.stride[static_cast<size_t>(d)] = step;
    step *= view.dim(d);
  }
  return view;
}

View slice_cols(const View& view, int64_t from, int64_t count) {
  DB_CHECK(from >= 0 && count >= 0 && from + count <= view.cols());
  View part = view;
  part.data = view.as<char>() + from * dtype_bytes(view.dtype);
  part.shape[static_cast<size_t>(view.rank - 1)] = count;
  return part;
}

View slice_rows(const View& view, int64_t from, int64_t count) {
  DB_CHECK(from >= 0 && count >= 0 && from + count <= view.dim(0));
  View part = view;
  part.data = view.as<char>() + from * view.stride[0] * dtype_bytes(view.dtype);
  part.shape[0] = count;
  return part;
}

View split_heads(const View& view, int64_t heads) {
  DB_CHECK(view.rank == 2 && view.cols() % heads == 0);
  const int64_t width = view.cols() / heads;
  return View{view.data, view.dtype, 3, {view.dim(0), heads, width}, {view.stride[0], width, 1}};
}

}  // namespace drawbridge
