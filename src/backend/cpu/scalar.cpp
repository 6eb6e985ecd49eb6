#include "backend/cpu/scalar.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace drawbridge {
namespace {

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

}  // namespace

void ScalarBackend::embed(View x, const Matrix& table, std::span<const int32_t> token) {
  DB_CHECK(x.rank == 2 && x.cols() == table.k && x.dim(0) == static_cast<int64_t>(token.size()));
  for (int64_t t = 0; t < x.dim(0); ++t) dequantize_row(table, token[index(t)], x.row(t));
}

void ScalarBackend::rms_norm(View y, View x, std::span<const float> w, float eps) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape && y.cols() == static_cast<int64_t>(w.size()));
  const int64_t n = x.cols();
  for (int64_t t = 0; t < x.dim(0); ++t) {
    const float* in = x.row(t);
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += static_cast<double>(in[i]) * in[i];
    const double r = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps));
    for (int64_t i = 0; i < n; ++i) {
      auto unit = static_cast<float>(in[i] * r);
      if (numerics_.norm_rounds_twice) unit = round_to_bf16(unit);
      y.row(t)[i] = round_output(w[index(i)] * unit);
    }
  }
}

void ScalarBackend::layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape && y.cols() == static_cast<int64_t>(w.size()) && w.size() == b.size());
  const int64_t n = x.cols();
  for (int64_t t = 0; t < x.dim(0); ++t) {
    const float* in = x.row(t);
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += in[i];
    const double mean = sum / static_cast<double>(n);
    double squares = 0;
    for (int64_t i = 0; i < n; ++i) squares += (in[i] - mean) * (in[i] - mean);
    const double r = 1.0 / std::sqrt(squares / static_cast<double>(n) + static_cast<double>(eps));
    for (int64_t i = 0; i < n; ++i) {
      const double value = (in[i] - mean) * r * w[index(i)] + b[index(i)];
      y.row(t)[i] = round_output(static_cast<float>(value));
    }
  }
}

void ScalarBackend::prepare_input(WeightFormat format, InputCodec codec, std::span<float> row) const {
  if (codec != InputCodec::kNone) return quantize_input(codec, row);
  if (rounds_input(format)) std::transform(row.begin(), row.end(), row.begin(), round_to_bf16);
}

void ScalarBackend::matmul(View y, View x, const Matrix& w, bool exact, InputCodec codec) const {
  DB_CHECK(x.cols() == w.k && y.cols() == w.n && x.rows() == y.rows());
  std::vector<float> row(index(w.k));
  std::vector<float> input(index(w.k));
  for (int64_t n = 0; n < w.n; ++n) {
    dequantize_row(w, n, row.data());
    for (int64_t t = 0; t < x.rows(); ++t) {
      std::copy_n(flat_row(x, t), w.k, input.begin());
      if (!exact) prepare_input(w.format, codec, input);
      double sum = 0;
      for (size_t k = 0; k < row.size(); ++k) sum += static_cast<double>(input[k]) * row[k];
      const auto value = static_cast<float>(sum);
      flat_row(y, t)[n] = exact ? value : round_output(value);
    }
  }
}

void ScalarBackend::linear(View y, View x, const Matrix& w) {
  matmul(y, x, w, false, input_codec(w.format));
}

void ScalarBackend::linear_f32(View y, View x, const Matrix& w) {
  matmul(y, x, w, true, InputCodec::kNone);
}

void ScalarBackend::linear_heads(View y, View x, const Matrix& w) {
  DB_CHECK(y.rank == 3 && x.rank == 3 && y.dim(1) == x.dim(1) && w.n == y.dim(1) * y.dim(2));
  for (int64_t h = 0; h < y.dim(1); ++h) {
    View x_head = x, y_head = y;
    x_head.data = x.f32() + h * x.stride[1];
    y_head.data = y.f32() + h * y.stride[1];
    x_head.shape[1] = y_head.shape[1] = 1;
    matmul(y_head, x_head, matrix_rows(w, h * y.dim(2), y.dim(2)), false, InputCodec::kNone);
  }
}

void ScalarBackend::rope(View x, std::span<const int32_t> pos, float theta) {
  const int64_t width = x.cols();
  DB_CHECK(width % 2 == 0 && x.dim(0) == static_cast<int64_t>(pos.size()));
  const bool products = numerics_.rope_rounds_products;
  const auto grid = [&](float v) { return products ? round_to_bf16(v) : v; };
  const int64_t heads = x.rank == 3 ? x.dim(1) : 1;
  for (int64_t r = 0; r < x.rows(); ++r) {
    float* row = flat_row(x, r);
    const auto p = static_cast<float>(pos[index(r / heads)]);
    for (int64_t i = 0; i < width / 2; ++i) {
      // The angle is an f32 product at every position, as in the reference; more digits give other logits far out.
      const float frequency = 1.0f / std::pow(theta, static_cast<float>(2 * i) / static_cast<float>(width));
      const float angle = frequency * p;
      const float c = grid(std::cos(angle)), s = grid(std::sin(angle));
      const float even = row[2 * i], odd = row[2 * i + 1];
      row[2 * i] = round_output(grid(even * c) - grid(odd * s));
      row[2 * i + 1] = round_output(grid(odd * c) + grid(even * s));
    }
  }
}

void ScalarBackend::swiglu(View y, View gate, View up) {
  DB_CHECK(y.rank == 2 && y.shape == gate.shape && y.shape == up.shape);
  for (int64_t t = 0; t < y.dim(0); ++t) {
    for (int64_t i = 0; i < y.cols(); ++i) {
      const double g = gate.row(t)[i];
      const float silu = round_output(static_cast<float>(g / (1.0 + std::exp(-g))));
      y.row(t)[i] = round_output(silu * up.row(t)[i]);
    }
  }
}

void ScalarBackend::add(View y, View x) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape);
  for (int64_t t = 0; t < y.dim(0); ++t) {
    for (int64_t i = 0; i < y.cols(); ++i) y.row(t)[i] = round_output(y.row(t)[i] + x.row(t)[i]);
  }
}

}  // namespace drawbridge
