#include "quantize/quark_config.h"

#include <fnmatch.h>

#include <algorithm>
#include <set>
namespace drawbridge {
namespace {

/// A tensor spec as Quark 0.13 writes it: all keys, with what differs.
Json tensor_spec(const Json& changes) {
  Json spec = {{"dtype", nullptr},
               {"is_dynamic", false},
               {"qscheme", "per_group"},
               {"ch_axis", -1},
               {"group_size", nullptr},
               {"block_size", nullptr},
               {"symmetric", nullptr},
               {"round_method", "half_even"},
               {"scale_type", "float"},
               {"zero_point_type", "int32"},
               {"scale_format", nullptr},
               {"scale_calculation_mode", nullptr},
               {"mx_element_dtype", nullptr},
               {"observer_cls", nullptr},
               {"is_scale_quant", false}};
  spec.update(changes);
  return spec;
}

/// Weights are stored; activations are quantized as they come, by Quark's default rule.
Json layer_config(Json weight, Json input) {
  return {{"input_tensors", std::move(input)},
          {"output_tensors", nullptr},
          {"weight", std::move(weight)},
          {"bias", nullptr},
          {"target_device", nullptr}};
}

Json mxfp4_config() {
  Json spec = tensor_spec({{"dtype", "fp4"},
                           {"group_size", 32},
                           {"scale_format", "e8m0"},
                           {"scale_calculation_mode", "even"},
                           {"observer_cls", "PerBlockMXObserver"}});
  Json dynamic = spec;
  dynamic["is_dynamic"] = true;
  return layer_config(std::move(spec), std::move(dynamic));
}

Json fp8_config() {
  return layer_config(tensor_spec({{"dtype", "fp8_e4m3"},
                                   {"qscheme", "per_block"},
                                   {"ch_axis", nullptr},
                                   {"block_size", {kFp8BlockEdge, kFp8BlockEdge}},
                                   {"symmetric", true},
                                   {"observer_cls", "PerBlock2DMinMaxObserver"}}),
                      tensor_spec({{"dtype", "fp8_e4m3"},
                                   {"is_dynamic", true},
                                   {"group_size", kFp8BlockEdge},
                                   {"symmetric", true},
                                   {"observer_cls", "PerGroupMinMaxObserver"}}));
}

/// Every matrix of the target by what it is stored as.
class Modules {
 public:
  explicit Modules(const QuantizePlan& plan) : mtp_prefix_(fmt::format("model.layers.{}.", plan.config.n_layers)) {
    for (const Conversion& conversion : plan.conversions) {
      const SourceTensor& source = conversion.source;
      if (!source.is_matrix()) continue;
      const WeightFormat format = stored_format(conversion.format).value_or(*source.format);
      if (format == WeightFormat::kQ8) continue;  // ours alone: neither plain nor anything that Quark has a word for
      auto& list = format == WeightFormat::kMxfp4 ? mxfp4_ : format == WeightFormat::kFp8Block ? fp8_ : plain_;
      list.insert(source.module());
    }
  }

  const std::set<std::string>& mxfp4() const { return mxfp4_; }
  const std::set<std::string>& fp8() const { return fp8_; }

  /// Names of plain modules: as the checkpoint spells them and as engines spell the modules that they fuse them into.
  std::vector<std::string> excluded() const {
    std::set<std::string> names;
    const bool skips_mtp = has_only_plain(mtp_prefix_);
    for (const std::string& module : plain_) {
      if (skips_mtp && module.starts_with(mtp_prefix_)) continue;
      names.insert(module);
      add_fused(module, names);
    }
    if (skips_mtp) {
      // sglang's draft model calls the layer model.decoder and its extras model.*; experts are asked for as one module.
      for (const std::string& layer : {mtp_prefix_, std::string("model.decoder.")}) {
        names.insert(layer + "*");
        names.insert(layer + "mlp.experts");
      }
      names.insert("model.eh_proj");
    }
    return {names.begin(), names.end()};
  }

  /// Names and globs that match all FP8 modules and no other.
  std::vector<std::string> fp8_patterns() const {
    std::set<std::string> patterns;
    for (const std::string& module : fp8_) {
      if (!std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return matches(p, module); })) {
        patterns.insert(widest_pattern(module));
      }
    }
    return {patterns.begin(), patterns.end()};
  }

 private:
  static bool matches(const std::string& pattern, const std::string& module) {
    return ::fnmatch(pattern.c_str(), module.c_str(), 0) == 0;
  }

  bool has_only_plain(const std::string& prefix) const {
    const auto lies_there = [&](const std::string& module) { return module.starts_with(prefix); };
    return std::any_of(plain_.begin(), plain_.end(), lies_there) &&
           std::none_of(mxfp4_.begin(), mxfp4_.end(), lies_there) && std::none_of(fp8_.begin(), fp8_.end(), lies_there);
  }

  void add_fused(const std::string& module, std::set<std::string>& names) const {
    const std::string parent = module.substr(0, module.rfind('.') + 1);
    if (module.ends_with(".gate_proj") && plain_.count(parent + "up_proj") != 0) {
      names.insert(parent + "gate_up_proj");
    }
    if (module.ends_with(".q_a_proj") && plain_.count(parent + "kv_a_proj_with_mqa") != 0) {
      names.insert(parent + "fused_qkv_a_proj_with_mqa");
    }
    const size_t experts = module.find(".experts.");
    const std::string all = module.substr(0, experts) + ".experts";
    if (experts != std::string::npos && has_only_plain(all + ".")) names.insert(all);
  }

  /// `module` with `*` for all its numbers, or for all but the layer, or itself: the first that matches nothing else.
  std::string widest_pattern(const std::string& module) const {
    const size_t layer_end = module.find('.', std::string_view("model.layers.").size());
    const bool has_layer = module.starts_with("model.layers.") && layer_end != std::string::npos;
    std::vector<std::string> candidates = {stars(module)};
    if (has_layer) candidates.push_back(module.substr(0, layer_end) + stars(module.substr(layer_end)));
    for (const std::string& candidate : candidates) {
      const auto hit = [&](const std::string& other) { return matches(candidate, other); };
      if (std::none_of(mxfp4_.begin(), mxfp4_.end(), hit) && std::none_of(plain_.begin(), plain_.end(), hit)) {
        return candidate;
      }
    }
    return module;
  }

  /// `*` for each part of the name that is a number.
  static std::string stars(const std::string& name) {
    std::string text;
    for (size_t at = 0; at <= name.size();) {
      const size_t end = std::min(name.find('.', at), name.size());
      const std::string part = name.substr(at, end - at);
      const bool is_number = !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
      text += (at == 0 ? "" : ".") + (is_number ? "*" : part);
      at = end + 1;
    }
    return text;
  }

  const std::string mtp_prefix_;
  std::set<std::string> mxfp4_, fp8_, plain_;
};

Json quark_config(const Modules& modules) {
  Json layers = Json::object();
  for (const std::string& pattern : modules.fp8_patterns()) layers[pattern] = fp8_config();
  return {{"quant_method", "quark"},
          {"quant_mode", "eager_mode"},
          {"version", "0.13"},
          {"global_quant_config", mxfp4_config()},
          {"layer_quant_config", std::move(layers)},
          {"layer_type_quant_config", Json::object()},
          {"kv_cache_quant_config", Json::object()},
          {"exclude", modules.excluded()},
          {"algo_config", nullptr},
          {"export",
           {{"kv_cache_group", Json::array()},
            {"min_kv_scale", 0.0},
            {"pack_method", "reorder"},
            {"weight_format", "real_quantized"},
            {"weight_merge_groups", nullptr}}}};
}

Json official_fp8_config(const Modules& modules) {
  return {{"quant_method", "fp8"},
          {"fmt", "e4m3"},
          {"activation_scheme", "dynamic"},
          {"weight_block_size", {kFp8BlockEdge, kFp8BlockEdge}},
          {"modules_to_not_convert", modules.excluded()}};
}

}  // namespace

Json quantized_config_json(Json config, const QuantizePlan& plan) {
  config.erase("quantization_config");
  const Modules modules(plan);
  if (!modules.mxfp4().empty()) {
    config["quantization_config"] = quark_config(modules);
  } else if (!modules.fp8().empty()) {
    config["quantization_config"] = official_fp8_config(modules);
  }
  return config;
}

}  // namespace drawbridge
