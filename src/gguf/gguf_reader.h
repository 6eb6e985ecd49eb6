// The header of a GGUF file (versions 2 and 3): keys, then tensors, then data. Parsed as hostile input: every count,
// length, extent and offset is checked before use; tensors may neither overlap nor leave the file.
// Format: github.com/ggml-org/ggml docs/gguf.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "gguf/ggml_type.h"
#include "gguf/gguf_keys.h"

namespace drawbridge {

inline constexpr uint64_t kMaxGgufTensors = 1u << 20;
inline constexpr uint64_t kMaxGgufKeys = 1u << 16;
inline constexpr uint64_t kMaxGgufArrayElements = 4u << 20;  // of all arrays of a file
inline constexpr size_t kMaxGgufNameBytes = 64;
inline constexpr size_t kMaxGgufKeyBytes = 65535;
inline constexpr uint64_t kGgufAlignment = 32;  // where general.alignment is absent

/// One tensor, borrowed from the bytes it was parsed from.
struct GgufTensor {
  std::string name;
  GgmlType type = GgmlType::kF32;
  std::vector<int64_t> shape;  // rows outermost, as in HuggingFace: ggml's extents read backwards
  std::span<const std::byte> data;
};

/// "MXFP4 [8, 256, 512]", for messages.
std::string describe_gguf_tensor(const GgufTensor& tensor);

struct GgufHeader {
  GgufKeys keys;
  std::vector<GgufTensor> tensors;  // in the order in which the file lists them
};

/// Parses a file whose whole content is `file`; `source` starts every message.
Result<GgufHeader> parse_gguf(std::span<const std::byte> file, const std::string& source);

/// A mapped GGUF file. Movable; its tensors stay valid as long as it lives.
class GgufFile {
 public:
  static Result<GgufFile> open(const std::string& path);

  const std::string& path() const { return file_.path(); }
  const GgufKeys& keys() const { return keys_; }
  const GgufTensor* find(std::string_view name) const;
  const std::map<std::string, GgufTensor, std::less<>>& tensors() const { return tensors_; }

 private:
  explicit GgufFile(MappedFile file) : file_(std::move(file)) {}

  MappedFile file_;
  GgufKeys keys_;
  std::map<std::string, GgufTensor, std::less<>> tensors_;
};

}  // namespace drawbridge
