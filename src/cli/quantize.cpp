// `drawbridge quantize`: a checkpoint in fewer bytes.
#include <iostream>
#include <map>
#include <optional>

#include "base/units.h"
#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "quantize/quantize.h"

namespace drawbridge {
namespace {

struct QuantizeArguments {
  QuantizeOptions options;
  std::string recipe = recipe_name(Recipe::kAmd);
  std::vector<std::string> sets;
};

/// A bar for each stage of the run.
class StageBars {
 public:
  void show(const std::string& what, int64_t done, int64_t total) {
    if (what != what_) {
      bar_.reset();
      bar_.emplace(what);
      what_ = what;
    }
    bar_->show(done, total);
  }

 private:
  std::string what_;
  std::optional<ProgressBar> bar_;
};

Status run_quantize(QuantizeArguments arguments, std::ostream& out) {
  QuantizeOptions& o = arguments.options;
  o.plan.recipe = *recipe_from_name(arguments.recipe);
  for (const std::string& set : arguments.sets) {
    DB_ASSIGN(FormatOverride parsed, parse_format_override(set));
    o.plan.overrides.push_back(std::move(parsed));
  }
  StageBars bars;
  o.progress = [&bars](const std::string& what, int64_t done, int64_t total) { bars.show(what, done, total); };
  DB_ASSIGN(const QuantizeReport report, quantize(o));
  for (const std::string& notice : report.notices) out << notice << "\n";
  out << fmt::format("{}: {} of {} in {} file{}, verified\n", o.target, format_bytes(report.target_bytes),
                     format_bytes(report.source_bytes), report.n_shards, report.n_shards == 1 ? "" : "s");
  return Status();
}

}  // namespace

void add_quantize(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("quantize", "write a checkpoint in fewer bytes: MXFP4, FP8, int8");
  const auto o = std::make_shared<QuantizeArguments>();
  const std::map<std::string, QuantizeRule> rules = {
      {"even", QuantizeRule::kEven}, {"floor", QuantizeRule::kFloor}, {"ceil", QuantizeRule::kCeil}};
  verb->add_option("source", o->options.source, "HuggingFace directory of a glm_moe_dsa model")->required();
  verb->add_option("target", o->options.target, "directory to make; repeat the command to go on after a kill")
      ->required();
  verb->add_option("--recipe", o->recipe, "amd (experts in MXFP4), experts (routed ones alone), experts+fp8, all")
      ->check(CLI::IsMember({"amd", "experts", "experts+fp8", "all"}))
      ->capture_default_str();
  verb->add_option("--set", o->sets, "GLOB=FORMAT: tensors as keep, bf16, mxfp4, fp8 or q8; the last match wins")
      ->type_name("GLOB=FORMAT");
  verb->add_option("--scale-rule", o->options.plan.rule, "even (AMD Quark's), floor (the MX text's) or ceil")
      ->transform(CLI::CheckedTransformer(rules))
      ->default_str("even");
  verb->add_flag("--allow-nan", o->options.allow_nan, "keep matrices with NaN as they are stored instead of refusing");
  verb->add_option("--shard-bytes", o->options.plan.shard_bytes, "data of one file at most")->capture_default_str();
  verb->add_option("--threads", o->options.n_threads, "0: one for each CPU")->capture_default_str();
  verb->callback([o, &action] { action = [o] { return run_quantize(*o, std::cout); }; });
}

}  // namespace drawbridge
