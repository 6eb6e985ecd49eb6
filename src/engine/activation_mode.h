// --activation: on which grid products with quantized weights take their inputs, and what the user must know about it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/inventory.h"
#include "model/quantization_config.h"
#include "tensor/input_codec.h"

namespace drawbridge {

/// "auto" is bf16, whatever the checkpoint asks for (docs/decisions/0015). The parity presets take no other: they
/// reproduce HuggingFace, which quantizes no inputs.
Result<InputCodec> read_activation(const std::string& activation, const std::string& numerics);

/// Where the inputs are not as the checkpoint's exporter or the user asked.
std::vector<std::string> activation_notices(InputCodec codec, const QuantizationConfig& config,
                                            const Inventory& inventory);

}  // namespace drawbridge
