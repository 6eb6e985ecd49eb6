#include "quantize/manifest.h"

#include <map>

#include "base/json.h"
#include "checkpoint/shard_index.h"

namespace drawbridge {
namespace {

constexpr int kVersion = 1;

/// Tensors of the target and what they were made of.
std::map<std::string, const Conversion*> conversions_by_tensor(const QuantizePlan& plan) {
  std::map<std::string, const Conversion*> by_name;
  for (const Conversion& conversion : plan.conversions) {
    for (const TensorSpec& tensor : conversion.tensors) by_name[tensor.name] = &conversion;
  }
  return by_name;
}

Json tensors_json(const QuantizePlan& plan, const FinishedShards& shards) {
  const auto conversions = conversions_by_tensor(plan);
  Json list = Json::array();
  for (const auto& [shard, tensors] : shards) {
    for (const TensorDigest& tensor : tensors) {
      const Conversion& conversion = *conversions.at(tensor.name);
      list.push_back({{"name", tensor.name},
                      {"file", shard},
                      {"format", target_format_name(conversion.format)},
                      {"sha256", tensor.sha256}});
    }
  }
  return list;
}

}  // namespace

std::string options_text(const QuantizeOptions& options) {
  std::string text = fmt::format("--recipe {} --scale-rule {}", recipe_name(options.plan.recipe),
                                 quantize_rule_name(options.plan.rule));
  for (const FormatOverride& set : options.plan.overrides) {
    text += fmt::format(" --set '{}={}'", set.glob, target_format_name(set.format));
  }
  text += fmt::format(" --shard-bytes {}", options.plan.shard_bytes);
  if (!options.calibration.empty()) text += " --calibration " + options.calibration;
  if (options.allow_uncalibrated) text += " --allow-uncalibrated";
  return text + (options.allow_nan ? " --allow-nan" : "");
}

std::string manifest_text(const QuantizeOptions& options, const QuantizePlan& plan, const RunIdentity& identity,
                          const FinishedShards& shards) {
  Json sources = Json::array();
  for (const FileFingerprint& file : identity.sources) {
    sources.push_back({{"file", file.file}, {"bytes", file.bytes}, {"header_sha256", file.header_sha256}});
  }
  const Json manifest = {{"drawbridge_manifest", kVersion},
                         {"made_by", "drawbridge quantize"},
                         {"recipe", recipe_name(options.plan.recipe)},
                         {"scale_rule", quantize_rule_name(options.plan.rule)},
                         {"options", identity.options},
                         {"plan", identity.plan},
                         {"source", options.source},
                         {"source_files", std::move(sources)},
                         {"source_bytes", plan.source_bytes()},
                         {"target_bytes", plan.target_bytes()},
                         {"notices", plan.notices},
                         {"tensors", tensors_json(plan, shards)}};
  return pretty_json(manifest);
}

std::string shard_index_text(const QuantizePlan& plan, const FinishedShards& shards) {
  ShardIndex index;
  for (const auto& [shard, tensors] : shards) {
    for (const TensorDigest& tensor : tensors) index.add(tensor.name, shard);
  }
  return index.text(plan.target_bytes());
}

}  // namespace drawbridge
