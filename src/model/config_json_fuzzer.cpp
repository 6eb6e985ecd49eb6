// Fuzzes config.json: any text gives a checked config or an error, never a crash.
#include <cstdint>

#include "model/glm52_config.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto json = drawbridge::parse_json(text, "fuzz");
  if (!json.ok()) return 0;
  const auto config = drawbridge::parse_glm52_config(*json, "fuzz");
  if (config.ok()) DB_CHECK(config->index_source(config->n_layers - 1) >= 0);
  return 0;
}
