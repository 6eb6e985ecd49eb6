// Fuzzes eval's result reader: see fuzz_bodies.h for what must hold.
#include "eval/fuzz_bodies.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  drawbridge::fuzz_eval_result({reinterpret_cast<const char*>(data), size});
  return 0;
}
