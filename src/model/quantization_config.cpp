#include "model/quantization_config.h"

#include "base/json_path.h"
#include "model/module_patterns.h"
#include "tensor/matrix.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxExcluded = 1u << 20;

/// How often something was found, and the first of them.
struct Finding {
  int64_t count = 0;
  std::string example;

  void add(const std::string& text) {
    if (count++ == 0) example = text;
  }
};

bool is_quantized(const Tensor& tensor) {
  return tensor.dtype == DType::kF8E4M3 || tensor.dtype == DType::kU8 || tensor.dtype == DType::kI8;
}

/// Quark's global_quant_config.input_tensors: the dtype to which inputs are quantized as they come. Anything else is no
/// request that we know.
std::string dynamic_input_dtype(const Json& value) {
  const Json inputs = value_at(value, {"global_quant_config", "input_tensors"});
  if (!inputs.is_object() || inputs.value("is_dynamic", Json()) != Json(true)) return "";
  const Json dtype = inputs.value("dtype", Json());
  return dtype.is_string() ? dtype.get<std::string>() : "";
}

/// Adds a claim unless the config leaves it out or says `wanted`, which is what we read.
void compare(const Json& config, const char* key, const Json& wanted, DType stored, std::vector<OtherReading>& out) {
  const Json found = config.value(key, Json());
  if (found.is_null() || found == wanted) return;
  out.push_back({stored, fmt::format("{} is {}, read is {}", key, dump_json(found).substr(0, 200), dump_json(wanted))});
}

bool is_filled(const Json& config, const char* key) {
  const Json value = config.value(key, Json());
  return value.is_object() && !value.empty();
}

std::vector<OtherReading> fp8_readings(const Json& config) {
  std::vector<OtherReading> readings;
  compare(config, "fmt", "e4m3", DType::kF8E4M3, readings);
  compare(config, "weight_block_size", Json::array({kFp8BlockEdge, kFp8BlockEdge}), DType::kF8E4M3, readings);
  readings.push_back({DType::kU8, "quant_method is \"fp8\""});
  return readings;
}

/// What Quark says of all weights; layers with a configuration of their own may differ, and then nothing is known.
std::vector<OtherReading> quark_readings(const Json& config) {
  const Json weight = value_at(config, {"global_quant_config", "weight"});
  if (!weight.is_object() || is_filled(config, "layer_quant_config") || is_filled(config, "layer_type_quant_config")) {
    return {};
  }
  std::vector<OtherReading> readings;
  compare(weight, "dtype", "fp4", DType::kU8, readings);
  compare(weight, "group_size", kMxfp4Block, DType::kU8, readings);
  compare(weight, "scale_format", "e8m0", DType::kU8, readings);
  return readings;
}

/// Matrices that quantizers leave alone without listing them: they are no Linear modules.
bool is_never_listed(const std::string& name) {
  return name == "model.embed_tokens.weight" || name.ends_with(".mlp.gate.weight");
}

/// Names that only engines use, listed so that they find the modules that they fuse or rename. Beside a list that has
/// every module under its own name too they are nothing unusual.
bool is_engine_spelling(const std::string& entry) {
  return entry.starts_with("model.decoder.") || entry == "model.eh_proj" || entry.ends_with(".gate_up_proj") ||
         entry.ends_with(".fused_qkv_a_proj_with_mqa");
}

}  // namespace

Result<QuantizationConfig> parse_quantization_config(const Json& value, const std::string& source) {
  if (!value.is_object()) {
    return fail(Code::kInvalidArgument, "{}: quantization_config: wanted an object, found {}", source,
                dump_json(value).substr(0, 200));
  }
  QuantizationConfig config;
  const Json method = value.value("quant_method", Json("unnamed"));
  if (!method.is_string() || method.empty()) {
    return fail(Code::kInvalidArgument, "{}: quantization_config.quant_method: wanted a name, found {}", source,
                dump_json(method).substr(0, 200));
  }
  config.method = method.get<std::string>();
  config.input_dtype = dynamic_input_dtype(value);
  if (config.method == "fp8") config.other_readings = fp8_readings(value);
  if (config.method == "quark") config.other_readings = quark_readings(value);
  for (const char* key : {"modules_to_not_convert", "exclude", "ignore"}) {
    if (!value.contains(key) || value[key].is_null()) continue;
    const Json& list = value[key];
    const auto refuse = [&] {
      return fail(Code::kInvalidArgument, "{}: quantization_config.{}: wanted a list of at most {} names, found {}",
                  source, key, kMaxExcluded, dump_json(list).substr(0, 200));
    };
    if (!list.is_array() || list.size() > kMaxExcluded) return refuse();
    for (const Json& name : list) {
      if (!name.is_string()) return refuse();
      config.excluded.push_back(name.get<std::string>());
    }
    config.list_key = key;
  }
  return config;
}

Status check_quantization(const QuantizationConfig& config, const Checkpoint& checkpoint) {
  if (config.other_readings.empty()) return Status();
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    if (tensor.shape.size() < 2 || !name.ends_with(".weight")) continue;
    for (const OtherReading& reading : config.other_readings) {
      if (reading.stored != tensor.dtype) continue;
      return fail(Code::kCorrupt,
                  "quantization_config: {}, but {} in {} is {}; config.json and the file belong not "
                  "together, or one of them was not written as it says",
                  reading.claim, name, tensor.file, describe_tensor(tensor));
    }
  }
  return Status();
}

std::vector<std::string> quantization_notices(const QuantizationConfig& config, const Checkpoint& checkpoint) {
  if (config.method.empty()) return {};
  const std::string list = "quantization_config" + (config.list_key.empty() ? "" : "." + config.list_key);
  auto patterns = ModulePatterns::compile(config.excluded);
  if (!patterns.ok()) return {fmt::format("{}: not compared with the file: {}", list, patterns.status().message())};
  Finding quantized, plain, unknown;
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::string* entry = patterns->match(name);
    if (tensor.shape.size() < 2 || !name.ends_with(".weight")) continue;
    if (is_quantized(tensor)) {
      if (entry != nullptr) quantized.add(fmt::format("'{}', but {} is {}", *entry, name, describe_tensor(tensor)));
    } else if (entry == nullptr && !is_never_listed(name)) {
      plain.add(fmt::format("{}, which is {}", name, describe_tensor(tensor)));
    }
  }
  for (const std::string& entry : patterns->unused()) {
    if (plain.count > 0 || !is_engine_spelling(entry)) unknown.add(entry);
  }
  std::vector<std::string> notices;
  const auto say = [&](const Finding& finding, const std::string& text) {
    if (finding.count == 0) return;
    notices.push_back(fmt::format("{} {}{}; types are read from the tensors", list, text,
                                  finding.count == 1 ? "" : fmt::format(" ({} such)", finding.count)));
  };
  say(quantized, "lists as not quantized " + quantized.example);
  say(plain, "does not list " + plain.example);
  say(unknown, fmt::format("names '{}', which is in no tensor's name", unknown.example));
  return notices;
}

}  // namespace drawbridge
