// make_engine: from a model directory to an engine that has computed one real step, so that "ready" means ready.
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/mapped_file.h"
#include "base/option_check.h"
#include "engine/activation_mode.h"
#include "engine/kv_choice.h"
#include "engine/local_engine.h"
#include "engine/plan_choice.h"
#include "model/generation_config.h"
#include "sched/scheduler.h"
#include "text/chat_template.h"

namespace drawbridge {
namespace {

Result<Numerics> read_numerics(const std::string& name, DType model_dtype) {
  if (name == "serving") return Numerics::serving();
  if (name == "parity") return Numerics::parity(model_dtype == DType::kF32 ? DType::kF32 : DType::kBF16);
  if (name == "parity-f32") return Numerics::parity(DType::kF32);
  return fail(Code::kInvalidArgument, "--numerics: wanted serving, parity or parity-f32, found '{}'", name);
}

Status check_options(const EngineOptions& o) {
  DB_TRY(check_at_least("--max-context", o.max_context, 1));
  DB_TRY(check_at_least("--kv-tokens", o.kv_tokens, 0));
  DB_TRY(check_at_least("--page-size", o.page_size, 1));
  DB_TRY(check_at_least("--max-running", o.max_running, 1));
  DB_TRY(check_at_least("--max-waiting", o.max_waiting, 0));
  DB_TRY(check_at_least("--max-step-tokens", o.max_step_tokens, 1));
  if (!o.pin_threads || o.isa != "scalar") return Status();
  return fail(Code::kInvalidArgument,
              "--pin-threads: wanted kernels that run on several threads, found --isa scalar, which has one thread and "
              "leaves it where it is; leave one of the two out");
}

/// The template that chats are rendered in, and a notice when the directory's own is another one.
void choose_chat_template(const std::string& directory, ModelCard& card) {
  const std::string path = directory + "/chat_template.jinja";
  const auto text = read_text_file(path, 1 << 20);
  const auto known = text.ok() ? check_chat_template(*text, path) : text.status();
  if (known.ok()) {
    card.chat_template = *known;
  } else {
    card.notices.push_back(known.status().message() + "; chats are rendered in GLM-5.2's format");
  }
}

/// Sampling defaults and end tokens of generation_config.json; what it changes is said.
void apply_generation_config(const GenerationConfig& generation, Glm52Config& config, ModelCard& card) {
  card.default_temperature = generation.temperature;
  card.default_top_p = generation.top_p;
  card.notices = generation.notices;
  if (generation.eos && *generation.eos != config.eos) {
    card.notices.push_back(fmt::format("end tokens are generation_config.json's [{}], not config.json's [{}]",
                                       fmt::join(*generation.eos, ", "), fmt::join(config.eos, ", ")));
    config.eos = *generation.eos;
  }
  if (config.eos.empty()) card.notices.push_back("no eos_token_id: a text ends only by its length or a stop string");
}

/// What the table covers of the products that the self check asked for.
Coverage plan_coverage(const EngineOptions& options, const StepRunner& runner, int64_t n_checked) {
  const TunedPlans& plans = *runner.plans().plans;
  return coverage_of(plans.rows(), products_seen(plans, n_checked), expected_traffic(options));
}

void fill_card(const EngineOptions& options, const StepRunner& runner, const Tokenizer& tokenizer, ModelCard& card) {
  const Glm52Config& config = runner.config();
  card.name = std::filesystem::path(options.model + "/").parent_path().filename().string();
  card.architecture = "glm_moe_dsa";
  card.backend = runner.backend().describe();
  card.packing = runner.packing();
  if (!options.weights_cache.empty() && card.packing.empty()) {
    card.notices.push_back(
        fmt::format("--weights-cache {}: not used, for {} multiplies by the weights as they are stored",
                    options.weights_cache, card.backend));
  }
  const Inventory& inventory = runner.weights().inventory;
  const InputCodec codec = runner.backend().numerics().input_codec;
  card.activation = input_codec_name(codec);
  const PartInventory total = inventory.total();
  card.n_parameters = total.parameters;
  card.active_weight_bytes = total.active_bytes + runner.weights().kv_b_growth;  // as they are read, not as stored
  for (const auto& [name, tensor] : runner.weights().checkpoint.tensors()) {
    card.weight_bytes += static_cast<int64_t>(tensor.data.size());
  }
  const KvCacheType kv_type = runner.backend().numerics().kv_cache;
  card.kv_cache_dtype = kv_cache_type_name(kv_type);
  card.kv_bytes_per_token = kv_bytes_per_token(config, kv_type).total();
  card.max_context = std::min(options.max_context, config.max_positions);
  card.notices.insert(card.notices.end(), inventory.notices.begin(), inventory.notices.end());
  if (options.activation == "auto" && options.numerics == "serving") {
    for (std::string& line : auto_activation_notices(inventory)) card.notices.push_back(std::move(line));
  }
  for (std::string& line : activation_notices(codec, config.quantization, inventory)) {
    card.notices.push_back(std::move(line));
  }
  if (card.max_context < config.max_positions) {
    card.notices.push_back(fmt::format("context is cut to {} of the model's {} tokens (--max-context)",
                                       card.max_context, config.max_positions));
  }
  if (tokenizer.vocab_size() > config.vocab) {
    card.notices.push_back(fmt::format("tokenizer.json has {} ids, the model {}: the rest cannot be used",
                                       tokenizer.vocab_size(), config.vocab));
  }
  for (const std::string& notice : kv_notices(options, config, runner.weights().checkpoint)) {
    card.notices.push_back(notice);
  }
  choose_chat_template(options.model, card);
}

/// A real step, and a token drawn from its logits. Returns the step's tokens.
Result<int64_t> self_check(StepRunner& runner) {
  DB_ASSIGN(const StepRunner::Probe probe, runner.probe());
  const std::span<float> row(probe.logits.row(0), static_cast<size_t>(probe.logits.cols()));
  DB_TRY(sample(row, {}, {}, 0, 0).status());
  return probe.n_tokens;
}

}  // namespace

Result<std::unique_ptr<StepRunner>> make_step_runner(const EngineOptions& options, const Glm52Config& config,
                                                     const OpWatchers& watchers) {
  DB_ASSIGN(Numerics numerics, read_numerics(options.numerics, config.dtype));
  DB_ASSIGN(numerics.kv_cache, choose_kv_type(options, numerics.kv_cache));
  DB_ASSIGN(const auto input_codec, read_activation(options.activation, options.numerics));
  const int64_t context = std::min(options.max_context, config.max_positions);
  const int64_t kv_tokens = options.kv_tokens > 0 ? options.kv_tokens : 2 * context;
  const int64_t n_pages = (kv_tokens + options.page_size - 1) / options.page_size;
  StepOptions step;
  step.model = options.model;
  step.isa = options.isa;
  step.n_threads = options.n_threads;
  step.pin_threads = options.pin_threads;
  step.numerics = numerics;
  step.input_codec = input_codec;
  step.kv_scale = options.kv_scale;
  step.page_size = options.page_size;
  step.n_pages = n_pages;
  step.max_step_tokens = options.max_step_tokens;
  step.max_logit_rows = options.max_running + SchedulerOptions().spare_logit_rows;
  step.weights_cache = options.weights_cache;
  step.watchers = watchers;
  DB_ASSIGN(step.plans, choose_plans(options));
  return StepRunner::create(config, step);
}

Result<std::unique_ptr<Engine>> make_engine(const EngineOptions& options, OpTrace* trace) {
  DB_TRY(check_options(options));
  DB_ASSIGN(Glm52Config config, load_glm52_config(options.model));
  DB_ASSIGN(const GenerationConfig generation, load_generation_config(options.model, config.vocab));
  ModelCard card;
  apply_generation_config(generation, config, card);
  DB_ASSIGN(Tokenizer tokenizer, Tokenizer::load(options.model + "/tokenizer.json"));
  DB_ASSIGN(auto runner, make_step_runner(options, config, OpWatchers{nullptr, trace}));
  DB_ASSIGN(const int64_t n_checked, self_check(*runner));
  const Coverage coverage = plan_coverage(options, *runner, n_checked);
  DB_TRY(check_strict(options, coverage));
  card.plans = plan_lines(runner->plans(), coverage, config);
  for (std::string& line : plan_notices(options, runner->plans(), coverage)) card.notices.push_back(std::move(line));
  fill_card(options, *runner, tokenizer, card);
  SchedulerOptions scheduling;
  scheduling.n_pages = runner->n_pages();
  scheduling.page_size = options.page_size;
  scheduling.max_running = options.max_running;
  scheduling.max_step_tokens = options.max_step_tokens;
  scheduling.prefix_cache = options.prefix_cache;
  return std::unique_ptr<Engine>(
      std::make_unique<LocalEngine>(std::move(card), std::move(tokenizer), std::move(runner), options, scheduling));
}

}  // namespace drawbridge
