// quantization_config of config.json: what the exporter says it did. It is never obeyed, since exports misspell names
// (docs/decisions/0011): the format of a matrix follows from its tensors. It is compared with them: a disagreement
// about names is said with both names, one about what the stored numbers mean is refused.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace drawbridge {

/// A claim under which weights of one stored type would be other numbers than those that we read.
struct OtherReading {
  DType stored;
  std::string claim;  // "weight_block_size is [64,64], read are blocks of [128,128]"
};

struct QuantizationConfig {
  std::string method;                 // quant_method, such as "fp8" or "quark"; empty: there is no quantization_config
  std::string input_dtype;            // of inputs that are to be quantized on the fly, such as "fp4"; empty: none
  std::string list_key;               // the key that holds `excluded`
  std::vector<std::string> excluded;  // modules that it says are not quantized: names, globs, `re:` patterns
  std::vector<OtherReading> other_readings;
};

/// `value` is the quantization_config object. Its list is named modules_to_not_convert (FP8), exclude (Quark) or ignore
/// (compressed-tensors, ModelOpt); anything but a list of strings is refused by name.
Result<QuantizationConfig> parse_quantization_config(const Json& value, const std::string& source);

/// kCorrupt when weights are stored in a type that the config reads otherwise, with the claim and the first such
/// tensor.
Status check_quantization(const QuantizationConfig& config, const Checkpoint& checkpoint);

/// One line for each kind of disagreement, with an example of both names and how many there are.
std::vector<std::string> quantization_notices(const QuantizationConfig& config, const Checkpoint& checkpoint);

}  // namespace drawbridge
