// Fuzzes gguf: see fuzz_bodies.h for what must hold.
#include "gguf/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_gguf({reinterpret_cast<const char*>(data), size});
  return 0;
}
