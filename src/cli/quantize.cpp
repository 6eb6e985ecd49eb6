// `drawbridge quantize`: a checkpoint in fewer bytes.
#include <iostream>
#include <optional>

#include "base/units.h"
#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "quantize/quantize.h"
#include "quantize/size_report.h"

namespace drawbridge {
namespace {

struct QuantizeArguments {
  QuantizeOptions options;
  std::string recipe = recipe_name(Recipe::kAmd);
  std::string rule = quantize_rule_name(QuantizeRule::kEven);
  std::vector<std::string> sets;
  bool plan = false;
  bool json = false;
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

Status show_plan(const QuantizeArguments& arguments, std::ostream& out) {
  DB_ASSIGN(const QuantizePlan plan, plan_directory(arguments.options.source, arguments.options.plan));
  const SizeReport report = make_size_report(plan);
  out << (arguments.json ? dump_json(size_report_json(report)) + "\n" : size_report_text(report));
  return Status();
}

Status run_quantize(QuantizeArguments arguments, std::ostream& out) {
  QuantizeOptions& o = arguments.options;
  o.plan.recipe = *recipe_from_name(arguments.recipe);
  o.plan.rule = *quantize_rule_from_name(arguments.rule);
  for (const std::string& set : arguments.sets) {
    DB_ASSIGN(FormatOverride parsed, parse_format_override(set));
    o.plan.overrides.push_back(std::move(parsed));
  }
  if (arguments.plan) return show_plan(arguments, out);
  if (o.target.empty()) return fail(Code::kInvalidArgument, "quantize: wanted a target directory, or --plan");
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
  verb->add_option("source", o->options.source, "HuggingFace directory of a glm_moe_dsa model")->required();
  verb->add_option("target", o->options.target, "directory to make; repeat the command to go on after a kill");
  verb->add_option("--recipe", o->recipe, "amd (experts in MXFP4), experts (routed ones alone), experts+fp8, all")
      ->check(CLI::IsMember({"amd", "experts", "experts+fp8", "all"}))
      ->capture_default_str();
  verb->add_option("--set", o->sets, "GLOB=FORMAT: tensors as keep, bf16, mxfp4, fp8 or q8; the last match wins")
      ->type_name("GLOB=FORMAT");
  verb->add_option("--scale-rule", o->rule, "even (AMD Quark's), floor (the MX text's), ceil, or search (least error)")
      ->check(CLI::IsMember({"even", "floor", "ceil", "search"}))
      ->capture_default_str();
  verb->add_option("--calibration", o->options.calibration, "statistics of calibrate: for search, and scales of an FP8 cache");
  verb->add_flag("--allow-uncalibrated", o->options.allow_uncalibrated,
                 "search matrices without statistics with equal weights");
  verb->add_flag("--allow-nan", o->options.allow_nan, "keep matrices with NaN as they are stored instead of refusing");
  verb->add_option("--shard-bytes", o->options.plan.shard_bytes, "data of one file at most")->capture_default_str();
  verb->add_option("--threads", o->options.n_threads, "0: one for each CPU")->capture_default_str();
  verb->add_flag("--plan", o->plan, "only say what it would save; needs no weights, config.json is enough");
  verb->add_flag("--json", o->json, "the plan as one JSON object")->needs("--plan");
  verb->callback([o, &action] { action = [o] { return run_quantize(*o, std::cout); }; });
}

}  // namespace drawbridge
