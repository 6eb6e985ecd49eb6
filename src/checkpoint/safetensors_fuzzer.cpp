// Fuzzes the safetensors header: any bytes give tensors inside the file or an error, never a crash.
#include <cstdint>

#include "checkpoint/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto tensors = drawbridge::parse_safetensors_header(bytes, "fuzz");
  if (!tensors.ok()) return 0;
  for (const auto& tensor : *tensors) DB_CHECK(tensor.begin <= tensor.end && tensor.end <= size);
  return 0;
}
