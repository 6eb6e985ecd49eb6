// Writes a GGUF file (version 3): the header first, then each tensor's bytes in the order in which they were declared.
// Data is streamed, so a file may be larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gguf/ggml_type.h"
#include "gguf/gguf_keys.h"

namespace drawbridge {

struct GgufSpec {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<int64_t> shape;  // rows outermost; the last is a multiple of the type's block

  int64_t bytes() const;
};

/// Keys in the order in which they are written.
using GgufKeyList = std::vector<std::pair<std::string, GgufValue>>;

class GgufWriter {
 public:
  /// Creates `path` and writes its header. Errors: the file cannot be written; a key or tensor declared twice; a name
  /// too long, or an integer, that the format cannot hold.
  static Result<GgufWriter> create(const std::string& path, const GgufKeyList& keys,
                                   const std::vector<GgufSpec>& tensors);

  /// Appends to the tensor that is not complete yet; a piece belongs to one tensor.
  Status append(std::span<const std::byte> data);
  /// Flushes and checks that every promised byte was written.
  Status finish();

 private:
  Status write(std::span<const std::byte> data);

  std::string path_;
  std::ofstream out_;
  std::vector<int64_t> sizes_;  // bytes of each tensor
  size_t tensor_ = 0;           // being written
  int64_t written_ = 0;         // bytes of it
};

}  // namespace drawbridge
