// drawbridge_manifest.json: what a quantized checkpoint was made of, how, and a hash of each tensor.
#pragma once

#include <string>

#include "quantize/journal.h"
#include "quantize/quantize.h"

namespace drawbridge {

inline constexpr const char* kManifestName = "drawbridge_manifest.json";

/// The manifest's text.
std::string manifest_text(const QuantizeOptions& options, const QuantizePlan& plan, const RunIdentity& identity,
                          const FinishedShards& shards);

/// "recipe amd, rule even, --set 'GLOB=FORMAT' ...": the options that decide what is written.
std::string options_text(const QuantizeOptions& options);

/// The index of safetensors shards; empty when there is only one file.
std::string shard_index_text(const QuantizePlan& plan, const FinishedShards& shards);

}  // namespace drawbridge
