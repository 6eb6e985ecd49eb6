// Fuzzes stream_event: see fuzz_bodies.h for what must hold.
#include <cstdint>

#include "load/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_stream_event({reinterpret_cast<const char*>(data), size});
  return 0;
}
