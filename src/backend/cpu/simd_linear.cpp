// Products with weight matrices: inputs are packed once, then threads share the rows of the weights or, where those are
// few, the tokens. Either way the bits are the same.
#include <algorithm>
#include <cstring>

#include "backend/cpu/simd.h"
#include "base/checked_math.h"

namespace drawbridge {
namespace {

// What goes to one thread together, in whole tiles of every kernel.
constexpr int64_t kStripRows = 16;
constexpr int64_t kStripTokens = 24;

}  // namespace

int64_t SimdBackend::element_bytes(Storage storage) {
  if (storage == Storage::kInt8) return sizeof(Int8Group);
  return storage == Storage::kBf16 ? 2 : 4;
}

int64_t SimdBackend::packed_elements(Storage storage, int64_t n) {
  constexpr int64_t kStep = 32;
  return storage == Storage::kInt8 ? ceil_div(n, kGroupWidth) : ceil_div(n, kStep) * kStep;
}

const void* SimdBackend::Input::row(int64_t t, int64_t head) const {
  return data + (t * row_stride + head * head_stride) * element_bytes(storage);
}

SimdBackend::InputForm SimdBackend::input_form(WeightFormat format, InputCodec codec) const {
  if (codec == InputCodec::kNone && !rounds_input(format)) return {};
  if (codec == InputCodec::kInt8 && format == WeightFormat::kMxfp4 && int8_ != nullptr) {
    return {Storage::kInt8, false, codec};
  }
  const bool as_bf16 = bf16_dot_ && format != WeightFormat::kF16;
  return {as_bf16 ? Storage::kBf16 : Storage::kF32, codec == InputCodec::kNone, codec};
}

/// Writes x [n] as values [from, from + n) of the packed `row`, `from` a multiple of 32, and zeros up to the next one.
void SimdBackend::pack_values(const InputForm& form, uint8_t* row, int64_t from, const float* x, int64_t n) const {
  if (form.storage == Storage::kInt8) return int8_->pack(reinterpret_cast<Int8Group*>(row), from, x, n);
  const int64_t rest = packed_elements(form.storage, n) - n;
  if (form.storage == Storage::kF32) {
    auto* const out = reinterpret_cast<float*>(row) + from;
    if (form.codec != InputCodec::kNone) {
      kernels_.quantize_row(out, x, n, form.codec);
    } else if (form.round) {
      kernels_.round_row(out, x, n);
    } else {
      std::copy_n(x, n, out);
    }
    std::fill_n(out + n, rest, 0.0f);
    return;
  }
  auto* const out = reinterpret_cast<uint16_t*>(row) + from;
  if (form.codec == InputCodec::kNone) {
    kernels_.narrow_row(out, x, n);
  } else {
    float block[kInputBlock];
    for (int64_t i = 0; i < n; i += kInputBlock) {
      const int64_t width = std::min(kInputBlock, n - i);
      kernels_.quantize_row(block, x + i, width, form.codec);
      kernels_.narrow_row(out + i, block, width);
    }
  }
  std::fill_n(out + n, rest, uint16_t{0});
}

SimdBackend::Input SimdBackend::pack(const View& x, const InputForm& form, Scratch& scratch) {
  const int64_t heads = x.rank == 3 ? x.dim(1) : 1;
  if (form.is_as_given()) {
    return Input{form.storage, reinterpret_cast<const uint8_t*>(x.f32()), x.stride[0], heads > 1 ? x.stride[1] : 0};
  }
  const int64_t width = packed_elements(form.storage, x.cols()), row_bytes = width * element_bytes(form.storage);
  auto* const out = scratch.room<uint8_t>(x.rows() * row_bytes);
  pool_->parallel_for(x.rows(), x.cols(), [&](int64_t from, int64_t to, int) {
    for (int64_t r = from; r < to; ++r) pack_values(form, out + r * row_bytes, 0, flat_row(x, r), x.cols());
  });
  return Input{form.storage, out, heads * width, width};
}

void SimdBackend::gemm(Storage storage, const GemmArgs& args) const {
  switch (storage) {
    case Storage::kF32:
      return kernels_.gemm(args);
    case Storage::kBf16:
      return kernels_.gemm_bf16(args);
    case Storage::kInt8:
      return int8_->gemm(args);
  }
}

/// y [T, N] = x w^T, or y [T, H, N] = x w_h^T with w_h = rows [h N, (h + 1) N).
void SimdBackend::multiply(const View& y, const View& x, const Matrix& w, const InputForm& form, bool round_output) {
  const int64_t n_heads = y.rank == 3 ? y.dim(1) : 1, n_tokens = x.dim(0), n = y.cols();
  DB_CHECK(x.rank == y.rank && x.rows() == y.rows() && x.dim(0) == y.dim(0) && x.cols() == w.k && w.n == n_heads * n);
  const Input input = pack(x, form, input_);
  const int64_t row_strips = ceil_div(n, kStripRows), token_strips = ceil_div(n_tokens, kStripTokens);
  const bool by_rows = row_strips >= token_strips;
  const int64_t n_strips = by_rows ? row_strips : token_strips;
  const int64_t cost = w.k * (by_rows ? kStripRows * n_tokens : kStripTokens * n);
  pool_->parallel_for(n_heads * n_strips, cost, [&](int64_t from, int64_t to, int) {
    while (from < to) {
      const int64_t h = from / n_strips, first = from % n_strips, last = std::min(n_strips, first + to - from);
      const int64_t row = by_rows ? first * kStripRows : 0, end_row = by_rows ? std::min(last * kStripRows, n) : n;
      const int64_t t = by_rows ? 0 : first * kStripTokens;
      GemmArgs args;
      args.w = w;
      args.n_from = h * n + row;
      args.n_to = h * n + end_row;
      args.x = input.row(t, h);
      args.x_stride = input.row_stride;
      args.n_tokens = by_rows ? n_tokens : std::min(last * kStripTokens, n_tokens) - t;
      args.y = flat_row(y, t * n_heads + h) + row;
      args.y_stride = y.stride[0];
      args.round_output = round_output;
      gemm(input.storage, args);
      from += last - first;
    }
  });
}

void SimdBackend::linear(View y, View x, const Matrix& w) {
  multiply(y, x, w, input_form(w.format), rounds_output());
}

void SimdBackend::linear_f32(View y, View x, const Matrix& w) {
  multiply(y, x, w, InputForm(), false);
}

void SimdBackend::linear_heads(View y, View x, const Matrix& w) {
  DB_CHECK(y.rank == 3);
  multiply(y, x, w, input_form(w.format, InputCodec::kNone), rounds_output());
}

}  // namespace drawbridge
