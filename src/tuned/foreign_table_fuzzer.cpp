// Fuzzes the readers of other engines' tuning files: see fuzz_bodies.h for what must hold.
#include "tuned/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_foreign_table({reinterpret_cast<const char*>(data), size});
  return 0;
}
