#include "calibrate/calibrate.h"

#include <filesystem>
#include <map>
#include <numeric>
#include <span>

#include "calibrate/stats_collector.h"
#include "calibrate/text_file.h"
#include "engine/step.h"
#include "eval/windows.h"
#include "model/glm52_config.h"
#include "model/kv_scales.h"

namespace drawbridge {
namespace {

Status check_options(const CalibrateOptions& o) {
  if (o.max_tokens < 0) return fail(Code::kInvalidArgument, "--tokens: wanted at least 0, found {}", o.max_tokens);
  if (o.engine.max_step_tokens < 1) {
    return fail(Code::kInvalidArgument, "--max-step-tokens: wanted at least 1, found {}", o.engine.max_step_tokens);
  }
  const std::string scales = fmt::format("{}/{}", o.engine.model, kKvScalesFile);
  if (o.store_kv_scales && std::filesystem::exists(scales)) {
    return fail(Code::kAlreadyExists, "{}: exists already; remove it to store new scales", scales);
  }
  if (!std::filesystem::exists(o.target)) return Status();
  return fail(Code::kAlreadyExists, "{}: exists already; choose another --out or remove it", o.target);
}

/// Every token wants logits, so that lm_head's input is seen at all of them.
Status read_window(StepRunner& runner, std::span<const int32_t> window, int64_t chunk,
                   const std::function<void(int64_t)>& on_tokens) {
  std::vector<int32_t> pages(static_cast<size_t>(runner.n_pages()));
  std::iota(pages.begin(), pages.end(), 0);
  const auto n = static_cast<int64_t>(window.size());
  for (int64_t from = 0; from < n; from += chunk) {
    Plan plan;
    for (int64_t pos = from; pos < std::min(from + chunk, n); ++pos) plan.grants.push_back({1, pos, 1, 1});
    DB_TRY(runner.run(plan, [&](RequestId) { return StepRunner::Request{window, pages}; }).status());
    on_tokens(static_cast<int64_t>(plan.grants.size()));
  }
  return Status();
}

}  // namespace

Result<CalibrationStats> calibrate(const CalibrateOptions& options, const CalibrateProgress& on_progress) {
  DB_TRY(check_options(options));
  DB_ASSIGN(const std::string text, read_calibration_text(options.text));
  DB_ASSIGN(const Glm52Config config, load_glm52_config(options.engine.model));
  DB_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(options.engine.model + "/tokenizer.json"));
  WindowOptions cut;
  cut.context = std::min(options.engine.max_context, config.max_positions);
  cut.max_tokens = options.max_tokens;
  DB_ASSIGN(const auto windows, cut_windows(tokenizer, text, cut));

  EngineOptions engine = options.engine;
  engine.kv_tokens = cut.context;               // one window at a time
  engine.max_running = engine.max_step_tokens;  // rows that want logits
  StatsCollector collector;
  DB_ASSIGN(const auto runner, make_step_runner(engine, config, {&collector}));
  if (options.store_kv_scales && runner->weights().checkpoint.find(kv_scale_name(0)) != nullptr) {
    return fail(Code::kAlreadyExists, "{}: {}: the weights have cache scales already; leave out --store-kv-scales",
                options.engine.model, kv_scale_name(0));
  }
  collector.bind(config, runner->weights(), runner->cache());
  int64_t n_done = 0, n_total = 0;
  for (const auto& window : windows) n_total += static_cast<int64_t>(window.size());
  const auto on_tokens = [&](int64_t n) { on_progress(n_done += n, n_total); };
  for (const auto& window : windows) DB_TRY(read_window(*runner, window, engine.max_step_tokens, on_tokens));
  DB_ASSIGN(CalibrationStats stats, collector.stats(n_total));
  DB_TRY(write_calibration_stats(stats, options.target));
  if (!options.store_kv_scales) return stats;
  DB_ASSIGN(const auto scales, kv_scale_tensors(config, stats));
  DB_TRY(write_kv_scales(options.engine.model, scales));
  return stats;
}

std::vector<std::string> calibration_notices(const CalibrationStats& stats) {
  constexpr std::string_view kMark = ".mlp.experts.", kDown = ".down_proj";
  std::map<std::string, std::vector<std::string>> unseen;  // layer -> experts
  for (const auto& [module, n] : stats.n_rows) {
    const size_t mark = module.find(kMark);
    if (n > 0 || mark == std::string::npos || !module.ends_with(kDown)) continue;
    const size_t from = mark + kMark.size();
    unseen[module.substr(0, mark)].push_back(module.substr(from, module.size() - kDown.size() - from));
  }
  std::vector<std::string> notices;
  for (const auto& [layer, experts] : unseen) {
    std::string list;
    for (const std::string& expert : experts) list += (list.empty() ? "" : ", ") + expert;
    notices.push_back(
        fmt::format("{}: no token reached {} expert{} ({}): they get the mean of the layer's others; "
                    "a longer or more varied text would measure them",
                    layer, experts.size(), experts.size() == 1 ? "" : "s", list));
  }
  return notices;
}

}  // namespace drawbridge
