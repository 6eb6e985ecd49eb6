// What the fuzzer of this folder does with one input; the tests run the same on the stored corpus.
#pragma once

#include <string_view>

#include "model/glm52_config.h"
#include "model/glm52_tensors.h"
#include "model/module_patterns.h"

namespace drawbridge {

/// Any text as config.json: an error, or a config whose tensors can be listed and counted.
inline void fuzz_config_json(std::string_view input) {
  const auto json = parse_json(input, "fuzz");
  if (!json.ok()) return;
  const auto config = parse_glm52_config(*json, "fuzz");
  if (!config.ok()) {
    DB_CHECK(config.status().message().starts_with("fuzz: "));
    return;
  }
  for (int64_t i = 0; i < config->n_all_layers(); ++i) DB_CHECK(config->index_source(i) >= 0);
  DB_CHECK(config->rope_theta > 0 && config->rms_eps > 0);
  auto patterns = ModulePatterns::compile(config->quantization.excluded);
  if (patterns.ok()) (void)patterns->match("model.layers.78.mlp.experts.255.down_proj.weight");
  // The full list of a large model takes too long for a fuzzer.
  if (config->n_all_layers() * (config->n_experts + 1) > 1000) return;
  int64_t total = 0;
  for (const ExpectedTensor& tensor : expected_tensors(*config)) {
    DB_CHECK(element_count(tensor) > 0);
    total += element_count(tensor);
  }
  DB_CHECK(0 < active_parameters(*config) && active_parameters(*config) <= total);
}

}  // namespace drawbridge
