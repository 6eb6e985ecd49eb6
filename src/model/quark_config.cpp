#include "model/quark_config.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>
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

/// Every matrix by what it is stored as. The MTP layer's modules are there twice: sglang's draft model calls the layer
/// model.decoder and its extras model.*.
class Modules {
 public:
  Modules(const std::vector<StoredModule>& modules, int64_t n_layers) {
    const std::string mtp = fmt::format("model.layers.{}.", n_layers);
    for (const StoredModule& module : modules) {
      if (module.format == WeightFormat::kQ8) continue;  // neither plain nor anything that either form has a word for
      auto& list = module.format == WeightFormat::kMxfp4      ? mxfp4_
                   : module.format == WeightFormat::kFp8Block ? fp8_
                                                              : plain_;
      list.insert(module.name);
      if (!module.name.starts_with(mtp)) continue;
      const std::string rest = module.name.substr(mtp.size());
      list.insert((rest == "eh_proj" ? "model." : "model.decoder.") + rest);
    }
  }

  const std::set<std::string>& mxfp4() const { return mxfp4_; }
  const std::set<std::string>& fp8() const { return fp8_; }

  /// Names of plain modules: as the checkpoint spells them and as engines spell the modules that they fuse them into.
  std::vector<std::string> excluded() const {
    std::set<std::string> names;
    for (const std::string& module : plain_) {
      names.insert(module);
      add_fused(module, names);
    }
    return {names.begin(), names.end()};
  }

  /// Names and globs that match all FP8 modules and no other, and the experts that are all FP8 as one module.
  std::vector<std::string> fp8_patterns() const {
    std::set<std::string> patterns;
    for (const std::string& module : fp8_) {
      if (const auto stack = stack_of(module); stack && is_all(fp8_, *stack + ".")) patterns.insert(*stack);
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

  /// Whether all modules below `prefix` are in `list`, one of the three.
  bool is_all(const std::set<std::string>& list, const std::string& prefix) const {
    for (const auto* other : {&mxfp4_, &fp8_, &plain_}) {
      const auto first = other->lower_bound(prefix);
      if (other != &list && first != other->end() && first->starts_with(prefix)) return false;
    }
    return true;
  }

  /// "model.layers.3.mlp.experts" of one expert's matrix.
  static std::optional<std::string> stack_of(const std::string& module) {
    const size_t experts = module.find(".experts.");
    if (experts == std::string::npos) return std::nullopt;
    return module.substr(0, experts) + ".experts";
  }

  void add_fused(const std::string& module, std::set<std::string>& names) const {
    const std::string parent = module.substr(0, module.rfind('.') + 1);
    if (module.ends_with(".gate_proj") && plain_.count(parent + "up_proj") != 0) {
      names.insert(parent + "gate_up_proj");
    }
    if (module.ends_with(".q_a_proj") && plain_.count(parent + "kv_a_proj_with_mqa") != 0) {
      names.insert(parent + "fused_qkv_a_proj_with_mqa");
    }
    if (const auto stack = stack_of(module); stack && is_all(plain_, *stack + ".")) names.insert(*stack);
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

Json quantization_config_json(const std::vector<StoredModule>& modules, int64_t n_layers) {
  const Modules sorted(modules, n_layers);
  if (!sorted.mxfp4().empty()) return quark_config(sorted);
  if (!sorted.fp8().empty()) return official_fp8_config(sorted);
  return nullptr;
}

}  // namespace drawbridge
