#include "quantize/plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "base/sha256.h"

namespace drawbridge {
namespace {

/// Files of at most `shard_bytes`; a matrix and its scale share one.
std::vector<std::vector<size_t>> cut_into_shards(const std::vector<Conversion>& conversions, int64_t shard_bytes) {
  std::vector<std::vector<size_t>> shards;
  int64_t used = 0;
  for (size_t i = 0; i < conversions.size(); ++i) {
    const int64_t bytes = conversions[i].target_bytes();
    if (shards.empty() || used + bytes > shard_bytes) {
      shards.emplace_back();
      used = 0;
    }
    shards.back().push_back(i);
    used += bytes;
  }
  return shards;
}

/// Beside MXFP4 the config is Quark's, whose FP8 scales are called weight_scale; the official export's name is
/// weight_scale_inv. Both multiply.
void name_fp8_scales(std::vector<Conversion>& conversions) {
  const auto is_mxfp4 = [](const Conversion& c) {
    return c.source.is_matrix() && stored_format(c.format).value_or(*c.source.format) == WeightFormat::kMxfp4;
  };
  if (std::none_of(conversions.begin(), conversions.end(), is_mxfp4)) return;
  constexpr std::string_view kOfficial = ".weight_scale_inv";
  for (Conversion& conversion : conversions) {
    for (TensorSpec& tensor : conversion.tensors) {
      if (tensor.name.ends_with(kOfficial)) tensor.name.resize(tensor.name.size() - std::string_view("_inv").size());
    }
  }
}

}  // namespace

const char* quantize_rule_name(QuantizeRule rule) {
  switch (rule) {
    case QuantizeRule::kEven:
      return "even";
    case QuantizeRule::kFloor:
      return "floor";
    case QuantizeRule::kCeil:
      return "ceil";
    case QuantizeRule::kSearch:
      return "search";
  }
  return "unknown";
}

std::optional<QuantizeRule> quantize_rule_from_name(std::string_view name) {
  for (const QuantizeRule rule :
       {QuantizeRule::kEven, QuantizeRule::kFloor, QuantizeRule::kCeil, QuantizeRule::kSearch}) {
    if (name == quantize_rule_name(rule)) return rule;
  }
  return std::nullopt;
}

int64_t Conversion::target_bytes() const {
  int64_t sum = 0;
  for (const TensorSpec& tensor : tensors) sum += tensor.bytes();
  return sum;
}

int64_t QuantizePlan::source_bytes() const {
  int64_t sum = 0;
  for (const Conversion& conversion : conversions) sum += conversion.source.bytes();
  return sum;
}

int64_t QuantizePlan::target_bytes() const {
  int64_t sum = 0;
  for (const Conversion& conversion : conversions) sum += conversion.target_bytes();
  return sum;
}

std::string QuantizePlan::fingerprint() const {
  Sha256 hash;
  hash.add(fmt::format("plan 1 {}\n", quantize_rule_name(rule)));
  for (const auto& shard : shards) {
    for (const size_t i : shard) {
      const Conversion& c = conversions[i];
      hash.add(
          fmt::format("{} {} [{}]\n", c.source.name, target_format_name(c.format), fmt::join(c.source.shape, ",")));
    }
    hash.add("end of file\n");
  }
  return hash.digest();
}

Result<QuantizePlan> make_quantize_plan(const Glm52Config& config, std::vector<SourceTensor> tensors,
                                        const PlanOptions& options) {
  if (options.shard_bytes < 1) {
    return fail(Code::kInvalidArgument, "--shard-bytes: wanted at least 1, found {}", options.shard_bytes);
  }
  DB_ASSIGN(FormatChoice choice, choose_formats(tensors, options.recipe, options.overrides));
  QuantizePlan plan;
  plan.config = config;
  plan.rule = options.rule;
  plan.notices = std::move(choice.notices);
  const std::set<std::string> unencodable(options.unencodable.begin(), options.unencodable.end());
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (unencodable.count(tensors[i].name) != 0) choice.formats[i] = TargetFormat::kKeep;
    std::vector<TensorSpec> targets = target_tensors(tensors[i], choice.formats[i]);
    plan.conversions.push_back({std::move(tensors[i]), choice.formats[i], std::move(targets)});
  }
  name_fp8_scales(plan.conversions);
  const auto is_q8 = [](const Conversion& conversion) { return conversion.format == TargetFormat::kQ8; };
  if (std::any_of(plan.conversions.begin(), plan.conversions.end(), is_q8)) {
    plan.notices.push_back("q8 matrices are Drawbridge's own: no other engine reads them from safetensors");
  }
  plan.shards = cut_into_shards(plan.conversions, options.shard_bytes);
  return plan;
}

}  // namespace drawbridge
