// `drawbridge synth`: a checkpoint of random weights.
#include <map>

#include "cli/progress_bar.h"
#include "cli/verbs.h"
#include "synth/synth.h"

namespace drawbridge {
namespace {

Status run_synth(const SynthOptions& o) {
  ProgressBar bar("writing");
  return synthesize(o, [&bar](int64_t done, int64_t total) { bar.show(done, total); });
}

}  // namespace

void add_synth(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("synth", "write a checkpoint of random weights, the same for the same seed");
  const auto o = std::make_shared<SynthOptions>();
  const std::map<std::string, SynthDType> dtypes = {
      {"bf16", SynthDType::kBF16}, {"fp8", SynthDType::kFp8}, {"mxfp4", SynthDType::kMxfp4}};
  verb->add_option("config", o->source, "config.json of a glm_moe_dsa model, or its directory")->required();
  verb->add_option("target", o->target, "directory to make; must not exist")->required();
  verb->add_option("--dtype", o->dtype, "bf16, fp8 or mxfp4")
      ->transform(CLI::CheckedTransformer(dtypes))
      ->default_str("bf16");
  verb->add_option("--seed", o->seed, "chooses the weights")->capture_default_str();
  verb->add_option("--shard-bytes", o->shard_bytes, "data of one file at most")->capture_default_str();
  verb->add_option("--tokenizer", o->tokenizer, "directory whose tokenizer files are copied, so that it can be served");
  verb->callback([o, &action] { action = [o] { return run_synth(*o); }; });
}

}  // namespace drawbridge
