#include "checkpoint/matrix_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

#include "base/checked_math.h"

namespace drawbridge {
namespace {

using Shape = std::vector<int64_t>;

std::string shape_text(const Shape& shape) {
  return describe_tensor(Tensor{"", DType::kF32, shape, {}}).substr(4);
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
  DB_CHECK(static_cast<int64_t>(tensor.data.size()) == tensor.bytes());  // opened with Contents::kData
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

Result<MatrixLayout> fp8_layout(const Checkpoint& checkpoint, const Tensor& weight, const std::string& name, int64_t n,
                                int64_t k) {
  DB_TRY(check_shape(weight, name, {n, k}));
  std::string scale_name = name + "_scale_inv";
  if (checkpoint.find(scale_name) == nullptr) {
    scale_name = name + "_scale";
  } else if (checkpoint.find(name + "_scale") != nullptr) {
    return fail(Code::kCorrupt, "{}: tensor {}: found both {} and {}_scale, wanted one", weight.file, name, scale_name,
                name);
  }
  const Tensor* scale = checkpoint.find(scale_name);
  if (scale == nullptr) {
    return fail(Code::kCorrupt, "{}: tensor {} is F8_E4M3: wanted {}_scale_inv beside it, found none", weight.file,
                name, name);
  }
  if (scale->dtype != DType::kF32) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted F32 scales, found {}", scale->file, scale_name,
                describe_tensor(*scale));
  }
  DB_TRY(check_shape(*scale, scale_name, {ceil_div(n, kFp8BlockEdge), ceil_div(k, kFp8BlockEdge)}));
  return MatrixLayout{WeightFormat::kFp8Block, &weight, scale, scale_name};
}

Result<MatrixLayout> mxfp4_layout(const Checkpoint& checkpoint, const Tensor& weight, const std::string& name,
                                  int64_t n, int64_t k) {
  if (k % kMxfp4Block != 0) {
    return fail(Code::kUnsupported, "{}: tensor {}: MXFP4 needs a width that is a multiple of {}, found {}",
                weight.file, name, kMxfp4Block, k);
  }
  DB_TRY(check_shape(weight, name, {n, k / 2}));
  const std::string scale_name = name + "_scale";
  const Tensor* scale = checkpoint.find(scale_name);
  if (scale == nullptr) {
    return fail(Code::kCorrupt, "{}: tensor {} is {}, MXFP4 codes: wanted {} beside it, found none", weight.file, name,
                describe_tensor(weight), scale_name);
  }
  if (scale->dtype != DType::kU8) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted U8 (E8M0) scales, found {}", scale->file, scale_name,
                describe_tensor(*scale));
  }
  DB_TRY(check_shape(*scale, scale_name, {n, k / kMxfp4Block}));
  return MatrixLayout{WeightFormat::kMxfp4, &weight, scale, scale_name};
}

/// int8 with an f16 scale for each 32 columns: GGUF's q8_0, its scales apart from its values.
Result<MatrixLayout> q8_layout(const Checkpoint& checkpoint, const Tensor& weight, const std::string& name, int64_t n,
                               int64_t k) {
  if (k % kQ8Block != 0) {
    return fail(Code::kUnsupported, "{}: tensor {}: q8 needs a width that is a multiple of {}, found {}", weight.file,
                name, kQ8Block, k);
  }
  DB_TRY(check_shape(weight, name, {n, k}));
  const std::string scale_name = name + "_scale";
  DB_ASSIGN(const Tensor* scale, require(checkpoint, scale_name));
  if (scale->dtype != DType::kF16) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted F16 scales, found {}", scale->file, scale_name,
                describe_tensor(*scale));
  }
  DB_TRY(check_shape(*scale, scale_name, {n, k / kQ8Block}));
  return MatrixLayout{WeightFormat::kQ8, &weight, scale, scale_name};
}

Status check_fp8_scales(const Tensor& scale, const std::string& name) {
  DB_TRY(check_alignment(scale, name));
  const auto* values = reinterpret_cast<const float*>(scale.data.data());
  for (size_t i = 0; i < scale.data.size() / 4; ++i) {
    if (std::isfinite(values[i])) continue;
    return fail(Code::kCorrupt, "{}: tensor {}: scale {} is {}", scale.file, name, i, values[i]);
  }
  return Status();
}

Status check_mxfp4_scales(const Tensor& scale, const std::string& name) {
  const auto nan = std::find(scale.data.begin(), scale.data.end(), std::byte{255});
  if (nan == scale.data.end()) return Status();
  return fail(Code::kCorrupt, "{}: tensor {}: scale byte {} is 255 (NaN)", scale.file, name, nan - scale.data.begin());
}

Status check_q8_scales(const Tensor& scale, const std::string& name) {
  DB_TRY(check_alignment(scale, name));
  const auto* values = reinterpret_cast<const uint16_t*>(scale.data.data());
  for (size_t i = 0; i < scale.data.size() / 2; ++i) {
    if (std::isfinite(f16_to_f32(values[i]))) continue;
    return fail(Code::kCorrupt, "{}: tensor {}: scale {} is {}", scale.file, name, i, f16_to_f32(values[i]));
  }
  return Status();
}

Status check_scales(const MatrixLayout& layout) {
  switch (layout.format) {
    case WeightFormat::kFp8Block:
      return check_fp8_scales(*layout.scale, layout.scale_name);
    case WeightFormat::kMxfp4:
      return check_mxfp4_scales(*layout.scale, layout.scale_name);
    case WeightFormat::kQ8:
      return check_q8_scales(*layout.scale, layout.scale_name);
    case WeightFormat::kF32:
    case WeightFormat::kF16:
    case WeightFormat::kBF16:
      return Status();
  }
  return Status();
}

}  // namespace

Result<MatrixLayout> find_matrix_layout(const Checkpoint& checkpoint, const std::string& module, int64_t n, int64_t k) {
  const std::string name = module + ".weight";
  DB_ASSIGN(const Tensor* weight, require(checkpoint, name));
  if (weight->dtype == DType::kF8E4M3) {
    return fp8_layout(checkpoint, *weight, name, n, k);
  }
  if (weight->dtype == DType::kU8) {
    return mxfp4_layout(checkpoint, *weight, name, n, k);
  }
  if (weight->dtype == DType::kI8) {
    return q8_layout(checkpoint, *weight, name, n, k);
  }
  const auto format = float_format(weight->dtype);
  if (!format) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted BF16, F16, F32, F8_E4M3, U8 or I8, found {}", weight->file,
                name, describe_tensor(*weight));
  }
  DB_TRY(check_no_scale(checkpoint, *weight, name));
  DB_TRY(check_shape(*weight, name, {n, k}));
  return MatrixLayout{*format, weight, nullptr, ""};
}

Result<Matrix> find_matrix(const Checkpoint& checkpoint, const std::string& module, int64_t n, int64_t k) {
  DB_ASSIGN(const MatrixLayout layout, find_matrix_layout(checkpoint, module, n, k));
  DB_TRY(check_alignment(*layout.weight, module + ".weight"));
  DB_TRY(check_scales(layout));
  return Matrix{layout.format, n, k, layout.weight->data.data(),
                layout.scale == nullptr ? nullptr : layout.scale->data.data()};
}

Result<const Tensor*> find_stack(const Checkpoint& checkpoint, const std::string& name,
                                 const std::vector<int64_t>& shape) {
  DB_ASSIGN(const Tensor* tensor, require(checkpoint, name));
  if (!float_format(tensor->dtype)) {
    return fail(Code::kUnsupported, "{}: tensor {}: stacked experts must be BF16, F16 or F32, found {}", tensor->file,
                name, describe_tensor(*tensor));
  }
  DB_TRY(check_no_scale(checkpoint, *tensor, name));
  DB_TRY(check_shape(*tensor, name, shape));
  return tensor;
}

Result<Matrix> find_stacked_matrix(const Checkpoint& checkpoint, const std::string& name, int64_t index,
                                   const std::vector<int64_t>& shape) {
  DB_CHECK(shape.size() == 3 && index >= 0 && index < shape[0]);
  DB_ASSIGN(const Tensor* tensor, find_stack(checkpoint, name, shape));
  DB_TRY(check_alignment(*tensor, name));
  const WeightFormat format = *float_format(tensor->dtype);
  const int64_t bytes = shape[1] * matrix_row_bytes(format, shape[2]);
  return Matrix{format, shape[1], shape[2], tensor->data.data() + index * bytes, nullptr};
}

Result<const Tensor*> find_vector_tensor(const Checkpoint& checkpoint, const std::string& name, int64_t n) {
  DB_ASSIGN(const Tensor* tensor, require(checkpoint, name));
  if (!float_format(tensor->dtype)) {
    return fail(Code::kUnsupported, "{}: tensor {}: wanted BF16, F16 or F32, found {}", tensor->file, name,
                describe_tensor(*tensor));
  }
  DB_TRY(check_shape(*tensor, name, {n}));
  return tensor;
}

Result<std::vector<float>> find_vector(const Checkpoint& checkpoint, const std::string& name, int64_t n) {
  DB_ASSIGN(const Tensor* tensor, find_vector_tensor(checkpoint, name, n));
  DB_TRY(check_alignment(*tensor, name));
  std::vector<float> values(static_cast<size_t>(n));
  dequantize_row(Matrix{*float_format(tensor->dtype), 1, n, tensor->data.data(), nullptr}, 0, values.data());
  return values;
}

}  // namespace drawbridge
