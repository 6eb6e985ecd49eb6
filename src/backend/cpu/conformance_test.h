// What the conformance tests are made of: views whose surroundings are watched, weights that end at an unreadable page,
// and the comparison of a kernel's result with the reference.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "backend/cpu/cpu_features.h"
#include "backend/cpu/panel_kernels.h"
#include "backend/cpu/scalar.h"
#include "backend/cpu/simd.h"
#include "tensor/panel.h"

namespace drawbridge {

/// A strided tensor with sentinels before, after and between its rows. The sentinel is a NaN: a kernel that reads one
/// spoils its result, one that writes one is found by intact().
class Guarded {
 public:
  Guarded(DType dtype, std::initializer_list<int64_t> shape, int64_t gap = 3)
      : view_(dense_view(nullptr, dtype, shape)) {
    DB_CHECK(dtype_bytes(dtype) == sizeof(uint32_t));
    int64_t step = view_.cols() + gap;
    for (int d = view_.rank - 2; d >= 0; --d) {
      view_.stride[static_cast<size_t>(d)] = step;
      step = step * view_.dim(d) + gap;
    }
    storage_.assign(static_cast<size_t>(step + 2 * kMargin), kSentinel);
    view_.data = storage_.data() + kMargin;
  }
  Guarded(const Guarded& other) : view_(other.view_), storage_(other.storage_) {
    view_.data = storage_.data() + kMargin;
  }
  Guarded& operator=(const Guarded&) = delete;

  const View& view() const { return view_; }
  float* row(int64_t r) const { return reinterpret_cast<float*>(raw_row(r)); }
  int32_t* ints(int64_t r) const { return reinterpret_cast<int32_t*>(raw_row(r)); }

  /// Whether everything outside the view is as it was.
  bool intact() const {
    std::vector<uint32_t> rest = storage_;
    for (int64_t r = 0; r < view_.rows(); ++r) {
      const auto from = raw_row(r) - storage_.data();
      std::fill_n(rest.begin() + from, view_.cols(), kSentinel);
    }
    return std::all_of(rest.begin(), rest.end(), [](uint32_t bits) { return bits == kSentinel; });
  }
  /// Bits of all elements, row by row.
  std::vector<uint32_t> bits() const {
    std::vector<uint32_t> all;
    for (int64_t r = 0; r < view_.rows(); ++r) all.insert(all.end(), raw_row(r), raw_row(r) + view_.cols());
    return all;
  }

 private:
  static constexpr int64_t kMargin = 37;
  static constexpr uint32_t kSentinel = 0x7fc0beefu;

  uint32_t* raw_row(int64_t r) const {
    const int64_t heads = view_.rank == 3 ? view_.dim(1) : 1;
    const int64_t at = view_.rank == 1 ? 0 : r / heads * view_.stride[0] + r % heads * view_.stride[1];
    return view_.as<uint32_t>() + at;
  }

  View view_;
  std::vector<uint32_t> storage_;
};

/// Bytes that end where an unreadable page begins, as a mapped file may.
class PageEnd {
 public:
  explicit PageEnd(int64_t n_bytes) {
    const auto page = static_cast<int64_t>(::sysconf(_SC_PAGESIZE));
    const int64_t room = (n_bytes + page - 1) / page * page;
    mapped_bytes_ = static_cast<size_t>(room + page);
    mapped_ = ::mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    DB_CHECK(mapped_ != MAP_FAILED && ::mprotect(static_cast<uint8_t*>(mapped_) + room, 1, PROT_NONE) == 0);
    data_ = static_cast<uint8_t*>(mapped_) + room - n_bytes;
  }
  ~PageEnd() { ::munmap(mapped_, mapped_bytes_); }
  PageEnd(const PageEnd&) = delete;
  PageEnd& operator=(const PageEnd&) = delete;

  uint8_t* data() const { return data_; }

 private:
  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  uint8_t* data_ = nullptr;
};

/// kReal: uniform in [-1, 1), any representable bits. kWhole: whole numbers in [-4, 4], so small that every sum of
/// products is exact in f32 and any order gives the same bits.
enum class Values { kReal, kWhole };

class Draw {
 public:
  explicit Draw(uint32_t seed) : engine_(seed) {}

  float value(Values values) {
    if (values == Values::kWhole) return static_cast<float>(whole(-4, 4));
    return static_cast<float>(engine_() >> 8) / 8388608.0f - 1.0f;
  }
  int whole(int low, int high) { return low + static_cast<int>(engine_() % static_cast<uint32_t>(high - low + 1)); }
  void fill(const Guarded& tensor, Values values, float scale = 1) {
    for (int64_t r = 0; r < tensor.view().rows(); ++r) {
      for (int64_t i = 0; i < tensor.view().cols(); ++i) tensor.row(r)[i] = scale * value(values);
    }
  }

 private:
  std::mt19937 engine_;
};

/// A weight matrix of its own, in any format; in panels where that is asked for and the format has them.
class Weights {
 public:
  Weights(WeightFormat format, int64_t n, int64_t k, Values values, Draw& draw, RowOrder order = RowOrder::kRows)
      : matrix_{format, n, k, nullptr, nullptr},
        data_(n * matrix_row_bytes(format, k)),
        scale_(matrix_bytes(matrix_) - n * matrix_row_bytes(format, k)) {
    matrix_.data = data_.data();
    if (scaled()) matrix_.scale = scale_.data();
    fill_data(values, draw);
    fill_scales(values, draw);
    if (order == RowOrder::kPanels && has_panels(format, k)) to_panels();
  }

  const Matrix& matrix() const { return matrix_; }

 private:
  bool scaled() const {
    return matrix_.format == WeightFormat::kFp8Block || matrix_.format == WeightFormat::kMxfp4 ||
           matrix_.format == WeightFormat::kQ8;
  }

  void fill_data(Values values, Draw& draw) {
    for (int64_t i = 0; i < matrix_.n * matrix_.k; ++i) {
      const float value = draw.value(values);
      switch (matrix_.format) {
        case WeightFormat::kF32:
          std::memcpy(data_.data() + 4 * i, &value, 4);
          break;
        case WeightFormat::kF16:
          reinterpret_cast<uint16_t*>(data_.data())[i] = f32_to_f16(value);
          break;
        case WeightFormat::kBF16:
          reinterpret_cast<uint16_t*>(data_.data())[i] = f32_to_bf16(value);
          break;
        case WeightFormat::kFp8Block:
          data_.data()[i] = static_cast<uint8_t>(code_of(value, 256, e4m3_to_f32, values, draw));
          break;
        case WeightFormat::kMxfp4:
          data_.data()[i / 2] = static_cast<uint8_t>(data_.data()[i / 2] | code_of(value, 16, e2m1_to_f32, values, draw)
                                                                               << (i % 2 == 0 ? 0 : 4));
          break;
        case WeightFormat::kQ8:
          reinterpret_cast<int8_t*>(data_.data())[i] =
              static_cast<int8_t>(values == Values::kWhole ? static_cast<int>(value) : draw.whole(-128, 127));
          break;
      }
    }
  }
  /// The code of a whole number, or any code but NaN's.
  static int code_of(float value, int n_codes, float (*decode)(uint8_t), Values values, Draw& draw) {
    for (int code = values == Values::kWhole ? 0 : draw.whole(0, n_codes - 1);; code = (code + 1) % n_codes) {
      const float decoded = decode(static_cast<uint8_t>(code));
      if (values == Values::kWhole ? decoded == value : !std::isnan(decoded)) return code;
    }
  }
  void fill_scales(Values values, Draw& draw) {
    const int64_t bytes = matrix_bytes(matrix_) - matrix_.n * matrix_row_bytes(matrix_.format, matrix_.k);
    if (matrix_.format == WeightFormat::kMxfp4) {
      const int spread = values == Values::kWhole ? 1 : 12;
      for (int64_t i = 0; i < bytes; ++i) scale_.data()[i] = static_cast<uint8_t>(127 + draw.whole(-spread, 1));
    } else if (matrix_.format == WeightFormat::kQ8) {
      for (int64_t i = 0; i < bytes / 2; ++i) {
        const float scale = values == Values::kWhole ? std::ldexp(1.0f, draw.whole(-1, 1)) : draw.value(values) / 128;
        const uint16_t half = f32_to_f16(scale);
        std::memcpy(scale_.data() + 2 * i, &half, 2);
      }
    } else if (matrix_.format == WeightFormat::kFp8Block) {
      for (int64_t i = 0; i < bytes / 4; ++i) {
        const float scale = values == Values::kWhole ? std::ldexp(1.0f, draw.whole(-1, 1)) : draw.value(values) / 64;
        std::memcpy(scale_.data() + 4 * i, &scale, 4);
      }
    }
  }

  /// Vectors of panels are aligned, and so is the end of a page.
  void to_panels() {
    const auto room = [](int64_t n_bytes) { return std::make_unique<PageEnd>((n_bytes + 63) / 64 * 64); };
    panel_data_ = room(panel_data_bytes(matrix_));
    panel_scale_ = room(panel_scale_bytes(matrix_));
    write_panels(matrix_, 0, panel_count(matrix_), panel_data_->data(), panel_scale_->data());
    matrix_ = panel_matrix(matrix_, panel_data_->data(), panel_scale_->data());
  }

  Matrix matrix_;
  PageEnd data_;
  PageEnd scale_;
  std::unique_ptr<PageEnd> panel_data_, panel_scale_;
};

constexpr double kUnit = 0x1p-24;  // unit roundoff of f32

/// Bound of n roundings in a row (Higham, Accuracy and Stability of Numerical Algorithms, 3.1).
inline double gamma(int64_t n) {
  return static_cast<double>(n) * kUnit / (1 - static_cast<double>(n) * kUnit);
}

/// What an error may grow to when both values are rounded to bf16: to the same or to neighbouring numbers, which lie at
/// most 2^-7 of their size apart.
inline double after_rounding(double bound, double wanted, bool bf16) {
  return bf16 ? bound + 0x1p-7 * (std::fabs(wanted) + bound) : bound;
}

/// |found - wanted| <= bound(row, column, wanted) everywhere; not-a-number is close to nothing. With activations in
/// bf16 the bound is that of the values before they are rounded: all must then lie on that grid, and all but a few must
/// be the same, for errors of f32 seldom reach the next bf16 number; a rounding left out shows in many.
using Bound = std::function<double(int64_t, int64_t, double)>;
inline testing::AssertionResult is_close(const Guarded& found, const Guarded& wanted, DType activation,
                                         const Bound& bound) {
  if (!found.intact()) return testing::AssertionFailure() << "wrote outside its output";
  const bool bf16 = activation == DType::kBF16;
  int64_t n_different = 0;
  for (int64_t r = 0; r < wanted.view().rows(); ++r) {
    for (int64_t i = 0; i < wanted.view().cols(); ++i) {
      const float f = found.row(r)[i], w = wanted.row(r)[i];
      const double off = static_cast<double>(f) - w, allowed = after_rounding(bound(r, i, w), w, bf16);
      n_different += f != w ? 1 : 0;
      if (!(std::fabs(off) <= allowed) || (bf16 && f != round_to_bf16(f))) {
        return testing::AssertionFailure() << "row " << r << " column " << i << ": wanted " << w << " +- " << allowed
                                           << ", found " << f << " (" << off / allowed << " times the bound)";
      }
    }
  }
  const int64_t n = wanted.view().rows() * wanted.view().cols();
  if (!bf16 || n_different <= 2 + n / 20) return testing::AssertionSuccess();
  return testing::AssertionFailure() << n_different << " of " << n << " values were rounded another way";
}
/// The same bits everywhere.
inline testing::AssertionResult is_same(const Guarded& found, const Guarded& wanted) {
  if (!found.intact()) return testing::AssertionFailure() << "wrote outside its output";
  const auto f = found.bits(), w = wanted.bits();
  const auto place = std::mismatch(f.begin(), f.end(), w.begin(), w.end());
  if (place.first == f.end() && place.second == w.end()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "element " << place.first - f.begin() << ": wanted bits " << *place.second
                                     << ", found " << *place.first;
}

/// A backend to be held against the reference.
struct Target {
  std::string isa;
  int n_threads;
  bool dots;                         // false: as on a CPU without dot products of bf16 and int8
  RowOrder order = RowOrder::kRows;  // of the weights
};

inline void PrintTo(const Target& target, std::ostream* out) {
  const bool hidden = target.isa == "avx512" && !target.dots;
  *out << target.isa << (hidden ? "_without_dots" : "") << "_threads_" << target.n_threads
       << (target.order == RowOrder::kPanels ? "_panels" : "");
}

inline std::vector<Target> all_targets() {
  std::vector<Target> targets;
  const CpuFeatures features = detect_cpu_features();
  for (const std::string& isa : usable_isas(features)) {
    if (isa == "scalar") continue;
    for (const int n_threads : {1, 3}) targets.push_back({isa, n_threads, true});
    targets.push_back({isa, 3, true, RowOrder::kPanels});
    if (isa != "avx512") continue;
    for (const RowOrder order : {RowOrder::kRows, RowOrder::kPanels}) targets.push_back({isa, 2, false, order});
  }
  return targets;
}

inline std::string target_name(const testing::TestParamInfo<Target>& info) {
  return testing::PrintToString(info.param);
}

class Conformance : public testing::TestWithParam<Target> {
 protected:
  static const Kernels& kernels() {
#if defined(__x86_64__)
    if (GetParam().isa == "avx2") return avx2_kernels();
    if (GetParam().isa == "avx512") return avx512_kernels();
#endif
    return portable_kernels();
  }
  static SimdBackend backend(const Numerics& numerics, int n_threads = GetParam().n_threads) {
    CpuFeatures features = detect_cpu_features();
    const Isa isa = choose_isa(GetParam().isa, features).value();
    features.avx512_bf16 &= GetParam().dots;
    features.avx512_vnni &= GetParam().dots;
    return SimdBackend(numerics, {kernels(), panel_kernels(isa, features), features.avx512_bf16}, nullptr,
                       ThreadPool::start(n_threads).value());
  }
  /// Rows of a head: in panels whole ones.
  static int64_t head_rows() {
    return GetParam().order == RowOrder::kPanels ? 32 : 33;
  }
  static Weights weights(WeightFormat format, int64_t n, int64_t k, Values values, Draw& draw) {
    return Weights(format, n, k, values, draw, GetParam().order);
  }
  static std::vector<Numerics> all_numerics() {
    std::vector<Numerics> all = {Numerics::parity(DType::kF32), Numerics::parity(DType::kBF16), Numerics::serving()};
    for (const InputCodec codec : {InputCodec::kInt8, InputCodec::kMxfp8, InputCodec::kMxfp4}) {
      all.push_back(Numerics::serving());
      all.back().input_codec = codec;
    }
    return all;
  }
};

constexpr WeightFormat kAllFormats[] = {WeightFormat::kF32,      WeightFormat::kF16,   WeightFormat::kBF16,
                                        WeightFormat::kFp8Block, WeightFormat::kMxfp4, WeightFormat::kQ8};

/// Formats whose rows must be whole blocks of 32.
inline bool whole_blocks_only(WeightFormat format) {
  return format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8;
}

/// A row of x as a product with weights in `format` takes it.
inline std::vector<float> prepared_row(const float* x, int64_t n, const Numerics& numerics, WeightFormat format) {
  std::vector<float> row(x, x + n);
  const InputCodec codec = codec_for_weights(numerics.input_codec, format);
  quantize_input(codec, row);
  if (codec == InputCodec::kNone && numerics.round_gemm_input && format != WeightFormat::kF32) {
    std::transform(row.begin(), row.end(), row.begin(), round_to_bf16);
  }
  return row;
}

/// Error of y = x w^T [T, N] against the exact product: with S = sum_k |x[k]| |w[n][k]|, K products and sums (twice,
/// for pairs), a rounded scale, the lanes' tree and the last rounding give gamma(2 K + 16) S; subnormal products may
/// vanish.
class ProductBound {
 public:
  /// `input_error` [T, K], if any: by how much each input may be off.
  ProductBound(const View& x, const Matrix& w, const Numerics& numerics, const std::vector<double>& input_error = {})
      : n_(w.n), bound_(static_cast<size_t>(x.rows() * w.n)) {
    std::vector<float> row(static_cast<size_t>(w.k));
    std::vector<std::vector<float>> input;
    for (int64_t t = 0; t < x.rows(); ++t) input.push_back(prepared_row(x.row(t), w.k, numerics, w.format));
    for (int64_t n = 0; n < w.n; ++n) {
      dequantize_row(w, n, row.data());
      for (int64_t t = 0; t < x.rows(); ++t) {
        double absolute = 0, carried = 0;
        for (int64_t k = 0; k < w.k; ++k) {
          const double weight = std::fabs(row[static_cast<size_t>(k)]);
          const double error = input_error.empty() ? 0 : input_error[static_cast<size_t>(t * w.k + k)];
          const double value = std::fabs(input[static_cast<size_t>(t)][static_cast<size_t>(k)]);
          absolute += (value + error) * weight;
          carried += error * weight;
        }
        at(t, n) = carried + gamma(2 * w.k + 16) * absolute + static_cast<double>(w.k) * 0x1p-120;
      }
    }
  }
  double& at(int64_t t, int64_t n) { return bound_[static_cast<size_t>(t * n_ + n)]; }
  double operator()(int64_t t, int64_t n) const { return bound_[static_cast<size_t>(t * n_ + n)]; }
  const std::vector<double>& all() const { return bound_; }

 private:
  int64_t n_;
  std::vector<double> bound_;
};

}  // namespace drawbridge
