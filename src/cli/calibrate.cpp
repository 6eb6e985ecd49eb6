// `drawbridge calibrate`: statistics of a model's activations on a text, for `drawbridge quantize --calibration`.
#include <fmt/ostream.h>

#include <algorithm>
#include <iostream>

#include "base/log.h"
#include "calibrate/calibrate.h"
#include "cli/progress_bar.h"
#include "cli/verbs.h"

namespace drawbridge {
namespace {

/// "12.5 .. 80.1", of a layer each.
std::string range_text(const std::map<int, float>& amax) {
  const auto [low, high] =
      std::minmax_element(amax.begin(), amax.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  return fmt::format("{:.4g} (layer {}) to {:.4g} (layer {})", low->second, low->first, high->second, high->first);
}

Status run_calibrate(const CalibrateOptions& o, std::ostream& out) {
  CalibrationStats stats;
  {
    ProgressBar bar("calibrating");
    DB_ASSIGN(stats, calibrate(o, [&bar](int64_t done, int64_t total) { bar.show_items({done, total, 0}, "tokens"); }));
  }
  for (const std::string& notice : calibration_notices(stats)) spdlog::warn("calibration notice=\"{}\"", notice);
  fmt::print(out, "{}: {} tokens through {} matrices\n", o.target, stats.n_tokens, stats.input_mean_square.size());
  fmt::print(out, "largest latent of a layer: {}\n", range_text(stats.latent_amax));
  if (!stats.index_amax.empty()) fmt::print(out, "largest index key of a layer: {}\n", range_text(stats.index_amax));
  return Status();
}

}  // namespace

void add_calibrate(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("calibrate", "measure a model's activations on a text, for quantize");
  const auto o = std::make_shared<CalibrateOptions>();
  EngineOptions& engine = o->engine;
  engine.max_context = 2048;
  engine.max_step_tokens = 128;
  verb->add_option("--model", engine.model, "HuggingFace directory of a glm_moe_dsa model")->required();
  verb->add_option("--text", o->text, "UTF-8 text; documents end at <|document|>, or else at blank lines")->required();
  verb->add_option("--out", o->target, "file to write, safetensors; must not exist")->required();
  verb->add_flag("--store-kv-scales", o->store_kv_scales,
                 "also write kv_scales.safetensors to the model's directory, for --kv-cache-dtype fp8_e4m3");
  verb->add_option("--tokens", o->max_tokens, "tokens to read; 0: the whole text")->capture_default_str();
  verb->add_option("--max-context", engine.max_context, "tokens of a window")->capture_default_str();
  verb->add_option("--max-step-tokens", engine.max_step_tokens, "tokens computed in one step, logits of each in memory")
      ->capture_default_str();
  verb->add_option("--isa", engine.isa, "CPU kernels: auto, avx512, avx2, portable, or scalar")->capture_default_str();
  verb->add_option("--threads", engine.n_threads, "of the CPU kernels; 0: as many as there are")->capture_default_str();
  verb->callback([o, &action] { action = [o] { return run_calibrate(*o, std::cout); }; });
}

}  // namespace drawbridge
