// Fuzzes api_request: see fuzz_bodies.h for what must hold.
#include <cstdint>

#include "server/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_api_request({reinterpret_cast<const char*>(data), size});
  return 0;
}
