#include "engine/activation_mode.h"

#include <fmt/ranges.h>

namespace drawbridge {

Result<InputCodec> read_activation(const std::string& activation, const std::string& numerics) {
  InputCodec codec = InputCodec::kNone;
  if (activation == "int8") {
    codec = InputCodec::kInt8;
  } else if (activation == "mxfp8") {
    codec = InputCodec::kMxfp8;
  } else if (activation == "mxfp4") {
    codec = InputCodec::kMxfp4;
  } else if (activation != "auto" && activation != "bf16") {
    return fail(Code::kInvalidArgument, "--activation: wanted auto, bf16, int8, mxfp8 or mxfp4, found '{}'",
                activation);
  }
  if (codec != InputCodec::kNone && numerics != "serving") {
    return fail(Code::kInvalidArgument, "--activation {}: --numerics {} quantizes no inputs; wanted --numerics serving",
                activation, numerics);
  }
  return codec;
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
