// TargetFormat: how a quantized checkpoint stores a matrix, and what that is as tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/safetensors_writer.h"
#include "quantize/source_tensors.h"

namespace drawbridge {

enum class TargetFormat : uint8_t { kKeep, kBF16, kMxfp4, kFp8, kQ8 };

/// "keep", "bf16", "mxfp4", "fp8", "q8".
const char* target_format_name(TargetFormat format);
std::optional<TargetFormat> target_format_from_name(std::string_view name);

/// The matrix format that is stored; nothing for kKeep.
std::optional<WeightFormat> stored_format(TargetFormat format);

/// Whether rows of `k` columns can be stored so.
bool fits_width(TargetFormat format, int64_t k);

/// The tensors that `source` becomes: itself, or the matrix and its scale.
std::vector<TensorSpec> target_tensors(const SourceTensor& source, TargetFormat format);

}  // namespace drawbridge
