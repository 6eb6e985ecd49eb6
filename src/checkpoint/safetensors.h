// The safetensors header: 8 bytes little-endian length, JSON {name: {dtype, shape, data_offsets}}, then the data.
// Parsed as hostile input: every size is checked before use, ranges may neither overlap nor leave the file.
// Format: github.com/huggingface/safetensors README.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"

namespace drawbridge {

inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100u << 20;
inline constexpr size_t kMaxTensorRank = 8;

struct TensorInfo {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes from the start of the file
  uint64_t end = 0;
};

/// Whether the data that a header describes must be there: it may be missing where only shapes and types are asked for.
enum class Contents { kData, kHeader };

/// Reads the header of a file whose whole content is `file`; `source` starts every message. Tensors come in file order.
Result<std::vector<TensorInfo>> parse_safetensors_header(std::span<const std::byte> file, const std::string& source,
                                                         Contents contents = Contents::kData);

}  // namespace drawbridge
