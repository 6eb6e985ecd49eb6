#include "engine/activation_mode.h"

#include <fmt/ranges.h>

namespace drawbridge {

Result<std::optional<InputCodec>> read_activation(const std::string& activation, const std::string& numerics) {
  const bool quantizes = numerics == "serving";
  if (activation == "auto") return quantizes ? std::optional<InputCodec>() : InputCodec::kNone;
  for (const InputCodec codec : {InputCodec::kNone, InputCodec::kInt8, InputCodec::kMxfp8, InputCodec::kMxfp4}) {
    if (activation != input_codec_name(codec)) continue;
    if (codec == InputCodec::kNone || quantizes) return std::optional(codec);
    return fail(Code::kInvalidArgument, "--activation {}: --numerics {} quantizes no inputs; wanted --numerics serving",
                activation, numerics);
  }
  return fail(Code::kInvalidArgument, "--activation: wanted auto, bf16, int8, mxfp8 or mxfp4, found '{}'", activation);
}

namespace {

bool holds(const Inventory& inventory, WeightFormat format) {
  return inventory.total().formats.contains(weight_format_name(format));
}
bool has_integer_kernels(const Inventory& inventory) {
  return holds(inventory, WeightFormat::kMxfp4) || holds(inventory, WeightFormat::kQ8);
}

}  // namespace

InputCodec auto_activation(const Inventory& inventory) {
  const bool has_others = holds(inventory, WeightFormat::kFp8Block);
  return has_integer_kernels(inventory) && !has_others ? InputCodec::kInt8 : InputCodec::kNone;
}

std::vector<std::string> auto_activation_notices(const Inventory& inventory) {
  if (!has_integer_kernels(inventory) || auto_activation(inventory) == InputCodec::kInt8) return {};
  return {
      "--activation auto is bf16, for some weights are FP8; the integer kernels of MXFP4 and q8 weights are not used: "
      "--activation int8 uses them, and puts the inputs of FP8 weights on its grid, too"};
}

std::vector<std::string> activation_notices(InputCodec codec, const QuantizationConfig& config,
                                            const Inventory& inventory) {
  std::vector<std::string> notices;
  if (config.input_dtype == "fp4" && codec != InputCodec::kMxfp4) {
    notices.push_back(fmt::format(
        "quantization_config asks for inputs quantized to MXFP4 (W4A4); they are taken as {}, which is more precise; "
        "--activation mxfp4 does as asked",
        input_codec_name(codec)));
  }
  if (codec == InputCodec::kNone) return notices;
  const auto formats = inventory.total().formats;
  std::vector<std::string> untouched;
  bool any = false;
  for (const WeightFormat format : {WeightFormat::kMxfp4, WeightFormat::kFp8Block, WeightFormat::kQ8}) {
    const auto held = formats.find(weight_format_name(format));
    if (held == formats.end()) continue;
    any = true;
    if (codec_for_weights(codec, format) != codec) {
      untouched.push_back(fmt::format("{} ({} parameters)", held->first, held->second));
    }
  }
  if (!untouched.empty()) {
    notices.push_back(fmt::format("--activation {} does not hold for weights in {}: their inputs are bf16",
                                  input_codec_name(codec), fmt::join(untouched, ", ")));
  } else if (!any) {
    notices.push_back(
        fmt::format("--activation {} changes nothing: no weights are quantized", input_codec_name(codec)));
  }
  return notices;
}

}  // namespace drawbridge
