// `drawbridge generate`: completes one prompt; only the text goes to stdout.
#include <fmt/ostream.h>

#include <iostream>
#include <optional>

#include "base/json.h"
#include "cli/verbs.h"
#include "engine/generate.h"
#include "text/chat_template.h"

namespace drawbridge {
namespace {

struct GenerateOptions {
  EngineOptions engine;
  std::string prompt;
  bool chat = false;
  bool no_thinking = false;
  int64_t max_tokens = 128;
  std::optional<float> temperature;  // absent: the model's own default
  std::optional<float> top_p;
  uint64_t seed = 0;
  bool json = false;
};

Result<std::string> prompt_text(const GenerateOptions& o) {
  if (!o.chat) return o.prompt;
  ChatOptions options;
  options.enable_thinking = !o.no_thinking;
  return render_glm_chat(Json::array({{{"role", "user"}, {"content", o.prompt}}}), options);
}

/// The cache's type and bytes; of an FP8 cache how many values each layer took and clipped.
Json cache_report(const ModelCard& card, const EngineStats& stats) {
  Json layers = Json::array();
  for (const KvClipping& layer : stats.kv_layers) {
    layers.push_back({{"written_values", layer.n_written}, {"clipped_values", layer.n_clipped}});
  }
  return {{"dtype", card.kv_cache_dtype}, {"bytes_per_token", card.kv_bytes_per_token}, {"layers", layers}};
}

Json report_of(const ModelCard& card, const EngineStats& stats, const Completion& done) {
  return {{"model", card.name},
          {"activation", card.activation},
          {"text", done.text},
          {"tokens", done.tokens},
          {"finish_reason", finish_reason_name(done.finish.reason)},
          {"kv_cache", cache_report(card, stats)},
          {"usage",
           {{"prompt_tokens", done.finish.usage.n_prompt},
            {"completion_tokens", done.finish.usage.n_completion},
            {"cached_tokens", done.finish.usage.n_cached}}}};
}

Status run_generate(const GenerateOptions& o, std::ostream& out) {
  DB_ASSIGN(const auto engine, make_engine(o.engine));
  log_notices(engine->card());
  DB_ASSIGN(const std::string text, prompt_text(o));
  GenerateRequest request;
  DB_ASSIGN(request.prompt, engine->tokenizer().encode(text));
  request.max_tokens = o.max_tokens;
  request.sampling.temperature = o.temperature.value_or(engine->card().default_temperature);
  request.sampling.top_p = o.top_p.value_or(engine->card().default_top_p);
  if (o.seed != 0) request.sampling.seed = o.seed;
  const auto stream = [&](const std::string& piece) {
    if (!o.json) out << piece << std::flush;
  };
  DB_ASSIGN(const Completion done, generate(*engine, std::move(request), stream));
  if (o.json) {
    fmt::print(out, "{}\n", dump_json(report_of(engine->card(), engine->stats(), done)));
  } else {
    out << '\n';
  }
  return Status();
}

}  // namespace

void add_generate(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("generate", "complete one prompt; only the text goes to stdout");
  const auto o = std::make_shared<GenerateOptions>();
  add_engine_options(*verb, o->engine);
  verb->add_option("--prompt", o->prompt, "text to continue")->required();
  verb->add_flag("--chat", o->chat, "send the prompt as a user's message in GLM's chat format");
  verb->add_flag("--no-thinking", o->no_thinking, "with --chat: answer without reasoning");
  verb->add_option("--max-tokens", o->max_tokens, "tokens to generate at most")->capture_default_str();
  verb->add_option("--temperature", o->temperature, "0: greedy; absent: the model's own default");
  verb->add_option("--top-p", o->top_p, "nucleus of the distribution; absent: the model's own default");
  verb->add_option("--seed", o->seed, "same seed, same text; 0: a fresh one")->capture_default_str();
  verb->add_flag("--json", o->json, "one JSON object with tokens and usage");
  verb->callback([o, &action] { action = [o] { return run_generate(*o, std::cout); }; });
}

}  // namespace drawbridge
