#include "quantize/quark_config.h"

namespace drawbridge {
namespace {

/// MXFP4 as Quark describes it; weights are stored, activations quantized as they come.
Json mxfp4_spec(bool is_dynamic) {
  return {{"dtype", "fp4"},
          {"is_dynamic", is_dynamic},
          {"qscheme", "per_group"},
          {"ch_axis", -1},
          {"group_size", 32},
          {"symmetric", nullptr},
          {"round_method", "half_even"},
          {"scale_type", "float"},
          {"scale_format", "e8m0"},
          {"scale_calculation_mode", "even"},
          {"mx_element_dtype", nullptr},
          {"observer_cls", "PerBlockMXObserver"},
          {"is_scale_quant", false}};
}

Json quark_config(const std::vector<std::string>& excluded) {
  return {{"quant_method", "quark"},
          {"quant_mode", "eager_mode"},
          {"global_quant_config",
           {{"input_tensors", mxfp4_spec(true)},
            {"output_tensors", nullptr},
            {"weight", mxfp4_spec(false)},
            {"bias", nullptr},
            {"target_device", nullptr}}},
          {"layer_quant_config", Json::object()},
          {"layer_type_quant_config", Json::object()},
          {"kv_cache_quant_config", Json::object()},
          {"exclude", excluded},
          {"algo_config", nullptr},
          {"export",
           {{"kv_cache_group", Json::array()},
            {"min_kv_scale", 0.0},
            {"pack_method", "reorder"},
            {"weight_format", "real_quantized"},
            {"weight_merge_groups", nullptr}}},
          {"version", "0.13"}};
}

}  // namespace

Json quantized_config_json(Json config, const QuantizePlan& plan) {
  config.erase("quantization_config");
  std::vector<std::string> excluded;
  for (const Conversion& conversion : plan.conversions) {
    const SourceTensor& source = conversion.source;
    if (source.is_matrix() && conversion.format != TargetFormat::kMxfp4) excluded.push_back(source.module());
  }
  config["quantization_config"] = quark_config(excluded);
  return config;
}

}  // namespace drawbridge
