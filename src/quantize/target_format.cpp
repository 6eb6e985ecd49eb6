#include "quantize/target_format.h"

#include "base/checked_math.h"

namespace drawbridge {

const char* target_format_name(TargetFormat format) {
  switch (format) {
    case TargetFormat::kKeep:
      return "keep";
    case TargetFormat::kBF16:
      return "bf16";
    case TargetFormat::kMxfp4:
      return "mxfp4";
    case TargetFormat::kFp8:
      return "fp8";
    case TargetFormat::kQ8:
      return "q8";
  }
  return "unknown";
}

std::optional<TargetFormat> target_format_from_name(std::string_view name) {
  for (const TargetFormat format :
       {TargetFormat::kKeep, TargetFormat::kBF16, TargetFormat::kMxfp4, TargetFormat::kFp8, TargetFormat::kQ8}) {
    if (name == target_format_name(format)) return format;
  }
  return std::nullopt;
}

std::optional<WeightFormat> stored_format(TargetFormat format) {
  switch (format) {
    case TargetFormat::kKeep:
      return std::nullopt;
    case TargetFormat::kBF16:
      return WeightFormat::kBF16;
    case TargetFormat::kMxfp4:
      return WeightFormat::kMxfp4;
    case TargetFormat::kFp8:
      return WeightFormat::kFp8Block;
    case TargetFormat::kQ8:
      return WeightFormat::kQ8;
  }
  return std::nullopt;
}

bool fits_width(TargetFormat format, int64_t k) {
  if (format == TargetFormat::kMxfp4) return k % kMxfp4Block == 0;
  return format != TargetFormat::kQ8 || k % kQ8Block == 0;
}

std::vector<TensorSpec> target_tensors(const SourceTensor& source, TargetFormat format) {
  const std::string& name = source.name;
  const int64_t n = source.n, k = source.k;
  switch (format) {
    case TargetFormat::kKeep: {
      std::vector<TensorSpec> specs = {{name, source.dtype, source.shape}};
      if (!source.scale_name.empty()) specs.push_back({source.scale_name, source.scale_dtype, source.scale_shape});
      return specs;
    }
    case TargetFormat::kBF16:
      return {{name, DType::kBF16, {n, k}}};
    case TargetFormat::kMxfp4:
      return {{name, DType::kU8, {n, k / 2}}, {name + "_scale", DType::kU8, {n, k / kMxfp4Block}}};
    case TargetFormat::kFp8:
      return {{name, DType::kF8E4M3, {n, k}},
              {name + "_scale_inv", DType::kF32, {ceil_div(n, kFp8BlockEdge), ceil_div(k, kFp8BlockEdge)}}};
    case TargetFormat::kQ8:
      return {{name, DType::kI8, {n, k}}, {name + "_scale", DType::kF16, {n, k / kQ8Block}}};
  }
  return {};
}

}  // namespace drawbridge
