// Writes safetensors files: the header first, then each tensor's bytes in the order in which they were declared.
// Data is streamed, so a file may be larger than memory. The header is padded so that data begins on 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/dtype.h"

namespace drawbridge {

struct TensorSpec {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;

  int64_t bytes() const;
};

/// The start of a file that holds `tensors` in this order: header length and JSON, padded so that data begins on 64
/// bytes. `data_bytes` is what follows. Errors, which name `path`: a name declared twice.
Result<std::string> safetensors_preamble(const std::string& path, const std::vector<TensorSpec>& tensors,
                                         int64_t& data_bytes);

class SafetensorsWriter {
 public:
  /// Creates `path` and writes its header. Errors: the file cannot be written, a name declared twice.
  static Result<SafetensorsWriter> create(const std::string& path, const std::vector<TensorSpec>& tensors);

  /// Appends data; all tensors together must add up to what the header says.
  Status append(std::span<const std::byte> data);
  /// Flushes and checks that every promised byte was written.
  Status finish();

 private:
  std::string path_;
  std::ofstream out_;
  int64_t n_missing_bytes_ = 0;
};

}  // namespace drawbridge
