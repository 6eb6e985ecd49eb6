// Fuzzes tokenizer_json: see fuzz_bodies.h for what must hold.
#include <cstdint>

#include "text/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_tokenizer_json({reinterpret_cast<const char*>(data), size});
  return 0;
}
