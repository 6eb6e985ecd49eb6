#include "checkpoint/matrix_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace drawbridge {
namespace {

using Shape = std::vector<int64_t>;

std::string shape_text(const Shape& shape) {
  return describe_tensor(Tensor{"", DType::kF32, shape, {}}).substr(4);
}

int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

std::optional<WeightFormat> float_format(DType dtype) {
  if (dtype == DType::kF32) return WeightFormat::kF32;
  if (dtype == DType::kF16) return WeightFormat::kF16;
  if (dtype == DType::kBF16) return WeightFormat::kBF16;
  return std::nullopt;
}

Result<const Tensor*> require(const Checkpoint& checkpoint, const std::string& name) {
  const Tensor* tensor = checkpoint.find(name);
  if (tensor == nullptr) return fail(Code::kNotFound, "{}: tensor {} is missing", checkpoint.directory(), name);
  return tensor;
}

Status check_shape(const Tensor& tensor, const std::string& name, const Shape& wanted) {
  if (tensor.shape == wanted) return Status();
  return fail(Code::kCorrupt, "{}: tensor {}: wanted shape {}, found {}", tensor.file, name, shape_text(wanted),
              describe_tensor(tensor));
}

/// Kernels load whole elements, so data must lie on a multiple of its element size.
Status check_alignment(const Tensor& tensor, const std::string& name) {
  const auto address = reinterpret_cast<uintptr_t>(tensor.data.data());
  if (address % static_cast<uintptr_t>(dtype_bytes(tensor.dtype)) == 0) return Status();
  return fail(Code::kUnsupported, "{}: tensor {}: data of {} begins at an odd byte; rewrite the file aligned",
              tensor.file, name, dtype_name(tensor.dtype));
}

/// A scale beside a weight that is not quantized means that one of the two is not what it seems.
Status check_no_scale(const Checkpoint& checkpoint, const Tensor& weight, const std::string& name) {
  for (const char* suffix : {"_scale_inv", "_scale"}) {
    const Tensor* scale = checkpoint.find(name + suffix);
    if (scale == nullptr) continue;
    return fail(Code::kCorrupt, "{}: tensor {} is {}, which takes no scale, but {}{} is {} in {}", weight.file, name,
                describe_tensor(weight), name, suffix, describe_tensor(*scale), scale->file);
  }
  return Status();
}

Result<Matrix> fp8_matrix(const Checkpoint& checkpoint, const Tensor& weight, const std::string& module, int64_t n,
                          int64_t k) {
  const std::string name = module + ".weight";
  DB_TRY(check_shape(weight, name, {n, k}));
  std::string scale_name = module + ".weight_scale_inv";
  if (checkpoint.find(scale_name) == nullptr) {
    scale_name = module + ".weight_scale";
  } else if (checkpoint.find(module + ".weight_scale") != nullptr) {
    return fail(Code::kCorrupt, "{}: tensor {}: found both {} and {}.weight_scale, wanted one", weight.file, name,
                scale_name, module);
  }
  const Tensor* scale = checkpoint.find(scale_name);
  if (scale == nullptr) {
    return fail(Code::kCorrupt, "{}: tensor {} is F8_E4M3: wanted {}.weight_scale_inv beside it, found none",
                weight.file, name, module);
  }
  if (scale->dtype != DType::kF32) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted F32 scales, found {}", scale->file, scale_name,
                describe_tensor(*scale));
  }
  DB_TRY(check_shape(*scale, scale_name, {ceil_div(n, kFp8BlockEdge), ceil_div(k, kFp8BlockEdge)}));
  DB_TRY(check_alignment(*scale, scale_name));
  const auto* values = reinterpret_cast<const float*>(scale->data.data());
  for (size_t i = 0; i < scale->data.size() / 4; ++i) {
    if (!std::isfinite(values[i])) {
      return fail(Code::kCorrupt, "{}: tensor {}: scale {} is {}", scale->file, scale_name, i, values[i]);
    }
  }
  return Matrix{WeightFormat::kFp8Block, n, k, weight.data.data(), scale->data.data()};
}

Result<Matrix> mxfp4_matrix(const Checkpoint& checkpoint, const Tensor& weight, const std::string& module, int64_t n,
                            int64_t k) {
  const std::string name = module + ".weight";
  const std::string scale_name = module + ".weight_scale";
  if (k % kMxfp4Block != 0) {
    return fail(Code::kUnsupported, "{}: tensor {}: MXFP4 needs a width that is a multiple of {}, found {}",
                weight.file, name, kMxfp4Block, k);
  }
  DB_TRY(check_shape(weight, name, {n, k / 2}));
  DB_ASSIGN(const Tensor* scale, require(checkpoint, scale_name));
  if (scale->dtype != DType::kU8) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted U8 (E8M0) scales, found {}", scale->file, scale_name,
                describe_tensor(*scale));
  }
  DB_TRY(check_shape(*scale, scale_name, {n, k / kMxfp4Block}));
  const auto nan = std::find(scale->data.begin(), scale->data.end(), std::byte{255});
  if (nan != scale->data.end()) {
    return fail(Code::kCorrupt, "{}: tensor {}: scale byte {} is 255 (NaN)", scale->file, scale_name,
                nan - scale->data.begin());
  }
  return Matrix{WeightFormat::kMxfp4, n, k, weight.data.data(), scale->data.data()};
}

}  // namespace

Result<Matrix> find_matrix(const Checkpoint& checkpoint, const std::string& module, int64_t n, int64_t k) {
  const std::string name = module + ".weight";
  DB_ASSIGN(const Tensor* weight, require(checkpoint, name));
  if (weight->dtype == DType::kF8E4M3) return fp8_matrix(checkpoint, *weight, module, n, k);
  if (weight->dtype == DType::kU8) return mxfp4_matrix(checkpoint, *weight, module, n, k);
  const auto format = float_format(weight->dtype);
  if (!format) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted BF16, F16, F32, F8_E4M3 or U8, found {}", weight->file, name,
                describe_tensor(*weight));
  }
  DB_TRY(check_no_scale(checkpoint, *weight, name));
  DB_TRY(check_shape(*weight, name, {n, k}));
  DB_TRY(check_alignment(*weight, name));
  return Matrix{*format, n, k, weight->data.data(), nullptr};
}

Result<Matrix> find_stacked_matrix(const Checkpoint& checkpoint, const std::string& name, int64_t index,
                                   const std::vector<int64_t>& shape) {
  DB_CHECK(shape.size() == 3 && index >= 0 && index < shape[0]);
  DB_ASSIGN(const Tensor* tensor, require(checkpoint, name));
  const auto format = float_format(tensor->dtype);
  if (!format) {
    return fail(Code::kUnsupported, "{}: tensor {}: stacked experts must be BF16, F16 or F32, found {}", tensor->file,
                name, describe_tensor(*tensor));
  }
  DB_TRY(check_no_scale(checkpoint, *tensor, name));
  DB_TRY(check_shape(*tensor, name, shape));
  DB_TRY(check_alignment(*tensor, name));
  const int64_t bytes = shape[1] * matrix_row_bytes(*format, shape[2]);
  return Matrix{*format, shape[1], shape[2], tensor->data.data() + index * bytes, nullptr};
}

Result<std::vector<float>> find_vector(const Checkpoint& checkpoint, const std::string& name, int64_t n) {
  DB_ASSIGN(const Tensor* tensor, require(checkpoint, name));
  const auto format = float_format(tensor->dtype);
  if (!format) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted BF16, F16 or F32, found {}", tensor->file, name,
                describe_tensor(*tensor));
  }
  DB_TRY(check_shape(*tensor, name, {n}));
  DB_TRY(check_alignment(*tensor, name));
  std::vector<float> values(static_cast<size_t>(n));
  dequantize_row(Matrix{*format, 1, n, tensor->data.data(), nullptr}, 0, values.data());
  return values;
}

}  // namespace drawbridge
