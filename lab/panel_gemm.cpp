// y [T, 768] = x [T, 2048] w^T, an expert's gate or up: weights in rows against panels, for one token with weights from
// memory, and for 8, 16 and 256 tokens.
//
// Layout: tensor/panel.h; inputs on the grid of InputCodec::kInt8, where bf16 holds them exactly, so that int8, bf16
// and f32 products differ in rounding alone. MXFP4: 272 bytes and 1024 operations a token for a block of 16 x 32. Bound
// by reading for a token, by multiplying from about 8 on.
#include <fmt/core.h>

#include <algorithm>

#include "backend/cpu/panel_kernels.h"
#include "backend/cpu/scratch.h"
#include "backend/cpu/thread_pool.h"
#include "base/rng.h"
#include "ladder.h"
#include "tensor/panel.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kRows = 768, kWidth = 2048;

/// What an entry multiplies with. `kernels`: weights in rows; else panels.
struct Method {
  std::string name;
  const Kernels* kernels = nullptr;
  const PanelProduct* panels = nullptr;
  TilePlan plan = {};
  ThreadPool* pool = nullptr;
};

class Product {
 public:
  /// `n_sets` of the same weights, to be read in turn.
  Product(WeightFormat format, int64_t n_tokens, int64_t n_sets) : n_tokens_(n_tokens), n_sets_(n_sets) {
    rows_ = {format, kRows, kWidth, nullptr, nullptr};
    scale_bytes_ = matrix_bytes(rows_) - kRows * matrix_row_bytes(format, kWidth);
    fill_rows();
    fill_panels();
    fill_inputs();
    y_.resize(static_cast<size_t>(n_tokens * kRows));
  }

  double operations() const { return 2.0 * kRows * kWidth * static_cast<double>(n_tokens_); }
  double bytes() const { return static_cast<double>(matrix_bytes(rows_)); }
  std::vector<float> take_result() {
    std::vector<float> result(y_.size(), -1.0f);
    result.swap(y_);
    return result;
  }

  Version plain() {
    const auto decoded = std::make_shared<std::vector<float>>(kRows * kWidth);
    for (int64_t n = 0; n < kRows; ++n) dequantize_row(rows_, n, decoded->data() + n * kWidth);
    return {"plain, decoded beforehand", [this, decoded](int64_t) { multiply_plain(*decoded); }};
  }
  Version version(const Method& method) {
    if (method.kernels != nullptr) {
      return {method.name, [this, method](int64_t turn) { multiply_rows(*method.kernels, turn); }};
    }
    const auto packed = std::make_shared<Scratch>(), work = std::make_shared<Scratch>();
    const int64_t stride = method.panels->row_bytes(kWidth);
    auto* const x = packed->room<uint8_t>(stride * n_tokens_);
    for (int64_t t = 0; t < n_tokens_; ++t) method.panels->pack(x + t * stride, kWidth, 0, input(t), kWidth);
    work_bytes_ = std::max<int64_t>(64, method.panels->work_bytes(panels_));
    work->room<uint8_t>(2 * work_bytes_);
    return {method.name, [this, method, packed, work](int64_t turn) {
              multiply_panels(method, packed->data<uint8_t>(), work->data<uint8_t>(), turn);
            }};
  }

 private:
  const float* input(int64_t t) const { return x_.data() + t * kWidth; }

  /// Random codes; scales of the size that checkpoints have.
  void fill_rows() {
    const int64_t data_bytes = kRows * matrix_row_bytes(rows_.format, kWidth);
    row_data_.resize(static_cast<size_t>(data_bytes * n_sets_));
    row_scale_.resize(static_cast<size_t>(scale_bytes_ * n_sets_));
    for (size_t i = 0; i < static_cast<size_t>(data_bytes); ++i) row_data_[i] = static_cast<uint8_t>(bits_at(1, i));
    for (size_t i = 0; i < static_cast<size_t>(scale_bytes_); i += 2) {
      const auto bits = static_cast<uint16_t>(bits_at(2, i));
      const bool e8m0 = rows_.format == WeightFormat::kMxfp4;
      const auto scale = static_cast<uint16_t>(e8m0 ? 0x7878u + (bits & 0x0303u) : 0x2000u + (bits & 0x03ffu));
      std::memcpy(row_scale_.data() + i, &scale, sizeof scale);
    }
    for (int64_t s = 1; s < n_sets_; ++s) {
      std::copy_n(row_data_.data(), data_bytes, row_data_.data() + s * data_bytes);
      std::copy_n(row_scale_.data(), scale_bytes_, row_scale_.data() + s * scale_bytes_);
    }
    rows_.data = row_data_.data();
    if (scale_bytes_ > 0) rows_.scale = row_scale_.data();
  }
  void fill_panels() {
    const int64_t data_bytes = panel_data_bytes(rows_);
    auto* const data = panel_data_.room<uint8_t>(data_bytes * n_sets_);
    auto* const scale = panel_scale_.room<uint8_t>(scale_bytes_ * n_sets_ + 1);
    for (int64_t s = 0; s < n_sets_; ++s) {
      write_panels(rows_, 0, panel_count(rows_), data + s * data_bytes, scale + s * scale_bytes_);
    }
    panels_ = panel_matrix(rows_, data, scale);
  }
  void fill_inputs() {
    x_.resize(static_cast<size_t>(n_tokens_ * kWidth));
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(2 * uniform_at(3, i) - 1);
    for (int64_t t = 0; t < n_tokens_; ++t) {
      quantize_input(InputCodec::kInt8, std::span(x_).subspan(static_cast<size_t>(t * kWidth), kWidth));
    }
    x_bf16_.resize(x_.size());
    std::transform(x_.begin(), x_.end(), x_bf16_.begin(), f32_to_bf16);
  }
  /// The matrix of this turn: the same numbers in other memory.
  Matrix of_turn(const Matrix& w, int64_t turn) const {
    const int64_t s = turn % n_sets_;
    Matrix other = w;
    other.data = static_cast<const uint8_t*>(w.data) + s * kRows * matrix_row_bytes(w.format, kWidth);
    if (scale_bytes_ > 0) other.scale = static_cast<const uint8_t*>(w.scale) + s * scale_bytes_;
    return other;
  }

  void multiply_plain(const std::vector<float>& w) {
    for (int64_t t = 0; t < n_tokens_; ++t) {
      for (int64_t n = 0; n < kRows; ++n) {
        double sum = 0;
        const float *x = input(t), *row = w.data() + n * kWidth;
        for (int64_t k = 0; k < kWidth; ++k) sum += static_cast<double>(x[k]) * static_cast<double>(row[k]);
        y_[static_cast<size_t>(t * kRows + n)] = static_cast<float>(sum);
      }
    }
  }
  void multiply_rows(const Kernels& kernels, int64_t turn) {
    GemmArgs args;
    args.w = of_turn(rows_, turn);
    args.n_to = kRows;
    args.x = x_bf16_.data();
    args.x_stride = kWidth;
    args.n_tokens = n_tokens_;
    args.y = y_.data();
    args.y_stride = kRows;
    kernels.gemm_bf16(args);
  }
  void multiply_panels(const Method& method, const uint8_t* x, uint8_t* work, int64_t turn) {
    const auto strip = [&](int64_t from, int64_t to, int thread) {
      PanelArgs args;
      args.w = of_turn(panels_, turn);
      args.panel_from = from;
      args.panel_to = to;
      args.x = x;
      args.x_stride = method.panels->row_bytes(kWidth);
      args.n_tokens = n_tokens_;
      args.y = y_.data() + from * kPanelRows;
      args.y_stride = kRows;
      args.plan = method.plan;
      args.work = work + thread * work_bytes_;
      method.panels->gemm(args);
    };
    const int64_t n_panels = panel_count(panels_);
    if (method.pool == nullptr) return strip(0, n_panels, 0);
    method.pool->parallel_for(n_panels, n_tokens_ * kPanelRows * kWidth, strip);
  }

  int64_t n_tokens_;
  int64_t n_sets_;
  int64_t scale_bytes_ = 0;
  int64_t work_bytes_ = 0;
  Matrix rows_, panels_;
  std::vector<uint8_t> row_data_, row_scale_;
  Scratch panel_data_, panel_scale_;
  std::vector<float> x_, y_;
  std::vector<uint16_t> x_bf16_;
};

bool climb_product(WeightFormat format, int64_t n_tokens, bool from_memory, const std::vector<Method>& methods) {
  constexpr int64_t kSets = 96;  // 80 MB of MXFP4
  Product product(format, n_tokens, from_memory ? kSets : 1);
  Ladder ladder;
  const bool is_int8 = methods.back().panels->name == std::string_view("avx512 vnni");
  ladder.name = fmt::format("{} x {}, {} tokens, weights from {}", weight_format_name(format),
                            is_int8 ? "int8" : "bf16", n_tokens, from_memory ? "memory" : "the caches");
  ladder.limit = from_memory ? "memory read" : is_int8 ? "int8 dot" : "bf16 dot";
  ladder.work = from_memory ? product.bytes() : product.operations();
  ladder.take_result = [&product] { return product.take_result(); };
  ladder.tolerance = 1e-5;
  if (!from_memory && n_tokens <= 16) ladder.versions.push_back(product.plain());
  for (const Method& method : methods) ladder.versions.push_back(product.version(method));
  return climb(ladder, {n_tokens > 16 ? 10 : 15, 2e-3});
}

/// Every plan worth knowing of one form of input.
bool climb_all(WeightFormat format, const Kernels& rows, const PanelProduct& plain, const PanelProduct& panels,
               ThreadPool& pool) {
  const Method in_rows{"rows, bf16", &rows}, in_loops{"panels, plain loops", nullptr, &plain, {2, false, 4}};
  const auto tile = [&](int32_t columns, bool expand, ThreadPool* threads = nullptr) {
    const std::string name = fmt::format("panels, {} columns{}{}", columns, expand ? ", unpacked" : "",
                                         threads != nullptr ? ", 2 threads" : "");
    return Method{name, nullptr, &panels, {columns, expand, 4}, threads};
  };
  bool right = climb_product(format, 1, true, {in_rows, in_loops, tile(1, false), tile(1, false, &pool)});
  right &= climb_product(format, 8, true, {in_rows, tile(8, false), tile(8, false, &pool)});
  right &= climb_product(format, 8, false, {in_rows, in_loops, tile(4, false), tile(8, false)});
  right &= climb_product(format, 16, false, {in_rows, tile(8, false), tile(12, false), tile(16, false)});
  return climb_product(
             format, 256, false,
             {in_rows, tile(8, false), tile(8, true), tile(12, true), tile(16, true), tile(8, true, &pool)}) &&
         right;
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge;
  const CpuFeatures features = detect_cpu_features();
  const PanelKernels panels = panel_kernels(Isa::kAvx512, features);
  if (!features.avx512bw || panels.int8 == nullptr || panels.bf16 == nullptr) {
    fmt::print("this ladder needs AVX-512 with VNNI and BF16\n");
    return 0;
  }
  auto pool = ThreadPool::start(2);
  if (!pool.ok()) {
    fmt::print("{}\n", pool.status().message());
    return 1;
  }
  const PanelKernels& plain = portable_panels();
  bool right = true;
  for (const WeightFormat format : {WeightFormat::kMxfp4, WeightFormat::kQ8}) {
    right &= lab::climb_all(format, avx512_kernels(), *plain.int8, *panels.int8, **pool);
    right &= lab::climb_all(format, avx512_kernels(), plain.f32, *panels.bf16, **pool);
  }
  return right ? 0 : 1;
}
