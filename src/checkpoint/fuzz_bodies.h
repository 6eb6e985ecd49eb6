// What the fuzzer of this folder does with one input; the tests run the same on the stored corpus.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "checkpoint/safetensors.h"

namespace drawbridge {

inline void fuzz_safetensors_header(std::string_view input, Contents contents) {
  const auto tensors = parse_safetensors_header(std::as_bytes(std::span(input)), "fuzz", contents);
  if (!tensors.ok()) {
    DB_CHECK(tensors.status().message().starts_with("fuzz: "));
    return;
  }
  const uint64_t file_end = contents == Contents::kData ? input.size() : INT64_MAX;
  std::set<std::string> names;
  uint64_t last_end = 8;
  for (const TensorInfo& tensor : *tensors) {
    DB_CHECK(names.insert(tensor.name).second);
    DB_CHECK(last_end <= tensor.begin && tensor.begin <= tensor.end && tensor.end <= file_end);
    uint64_t bytes = static_cast<uint64_t>(dtype_bytes(tensor.dtype));
    for (const int64_t extent : tensor.shape) bytes *= static_cast<uint64_t>(extent);
    DB_CHECK(bytes == tensor.end - tensor.begin);
    last_end = tensor.end;
  }
}

/// Any bytes as a safetensors file: an error, or named tensors that lie inside the file, apart, and are as large as
/// dtype and shape say.
inline void fuzz_safetensors(std::string_view input) {
  fuzz_safetensors_header(input, Contents::kData);
  fuzz_safetensors_header(input, Contents::kHeader);
}

}  // namespace drawbridge
