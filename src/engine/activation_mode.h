// --activation: on which grid products with quantized weights take their inputs, and what the user must know about it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/inventory.h"
#include "model/quantization_config.h"
#include "tensor/input_codec.h"

namespace drawbridge {

/// Nothing for "auto" where the weights decide (auto_activation). The parity presets quantize no inputs: they reproduce
/// HuggingFace, which does not.
Result<std::optional<InputCodec>> read_activation(const std::string& activation, const std::string& numerics);

/// What "auto" stands for: int8 where every quantized weight is MXFP4 or q8, which have integer kernels and lost
/// nothing (docs/decisions/0015), else bf16. The machine does not matter, so that a model answers alike everywhere.
InputCodec auto_activation(const Inventory& inventory);

/// That "auto" passes integer kernels by, which --activation int8 would use; empty where it does not.
std::vector<std::string> auto_activation_notices(const Inventory& inventory);

/// Where the inputs are not as the checkpoint's exporter or the user asked.
std::vector<std::string> activation_notices(InputCodec codec, const QuantizationConfig& config,
                                            const Inventory& inventory);

}  // namespace drawbridge
