// Fuzzes response_parser: see fuzz_bodies.h for what must hold.
#include <cstdint>

#include "http/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_response_parser({reinterpret_cast<const char*>(data), size});
  return 0;
}
