#include "cli/commands.h"

#include <fmt/ostream.h>
#include <CLI/CLI.hpp>

#include <iostream>

#include "base/json.h"
#include "base/log.h"
#include "bench/engine_speed.h"
#include "engine/generate.h"
#include "text/chat_template.h"

namespace drawbridge {
namespace {

void add_engine_options(CLI::App& verb, EngineOptions& o) {
  verb.add_option("--model", o.model, "HuggingFace directory of a glm_moe_dsa model")->required();
  verb.add_option("--numerics", o.numerics, "serving, or parity with HuggingFace")->capture_default_str();
  verb.add_option("--max-context", o.max_context, "tokens a request may have")->capture_default_str();
  verb.add_option("--kv-tokens", o.kv_tokens, "tokens the cache holds; 0: twice the context")->capture_default_str();
  verb.add_option("--max-step-tokens", o.max_step_tokens, "tokens computed in one step")->capture_default_str();
}

struct GenerateOptions {
  EngineOptions engine;
  std::string prompt;
  bool chat = false;
  bool no_thinking = false;
  int64_t max_tokens = 128;
  float temperature = 1.0f;
  float top_p = 1.0f;
  uint64_t seed = 0;
  bool json = false;
};

Result<std::string> prompt_text(const GenerateOptions& o) {
  if (!o.chat) return o.prompt;
  ChatOptions options;
  options.enable_thinking = !o.no_thinking;
  return render_glm_chat(Json::array({{{"role", "user"}, {"content", o.prompt}}}), options);
}

Status run_generate(const GenerateOptions& o, std::ostream& out) {
  DB_ASSIGN(const auto engine, make_engine(o.engine));
  for (const std::string& notice : engine->card().notices) spdlog::warn("model notice=\"{}\"", notice);
  DB_ASSIGN(const std::string text, prompt_text(o));
  GenerateRequest request;
  DB_ASSIGN(request.prompt, engine->tokenizer().encode(text));
  request.max_tokens = o.max_tokens;
  request.sampling.temperature = o.temperature;
  request.sampling.top_p = o.top_p;
  if (o.seed != 0) request.sampling.seed = o.seed;
  const auto stream = [&](const std::string& piece) {
    if (!o.json) out << piece << std::flush;
  };
  DB_ASSIGN(const Completion done, generate(*engine, std::move(request), stream));
  if (!o.json) {
    out << '\n';
    return Status();
  }
  const Json report = {{"model", engine->card().name},
                       {"text", done.text},
                       {"tokens", done.tokens},
                       {"finish_reason", finish_reason_name(done.finish.reason)},
                       {"usage",
                        {{"prompt_tokens", done.finish.usage.n_prompt},
                         {"completion_tokens", done.finish.usage.n_completion},
                         {"cached_tokens", done.finish.usage.n_cached}}}};
  fmt::print(out, "{}\n", dump_json(report));
  return Status();
}

void add_generate(CLI::App& app, GenerateOptions& o) {
  CLI::App* verb = app.add_subcommand("generate", "complete one prompt; only the text goes to stdout");
  add_engine_options(*verb, o.engine);
  verb->add_option("--prompt", o.prompt, "text to continue")->required();
  verb->add_flag("--chat", o.chat, "send the prompt as a user's message in GLM's chat format");
  verb->add_flag("--no-thinking", o.no_thinking, "with --chat: answer without reasoning");
  verb->add_option("--max-tokens", o.max_tokens, "tokens to generate at most")->capture_default_str();
  verb->add_option("--temperature", o.temperature, "0: greedy")->capture_default_str();
  verb->add_option("--top-p", o.top_p, "nucleus of the distribution")->capture_default_str();
  verb->add_option("--seed", o.seed, "same seed, same text; 0: a fresh one")->capture_default_str();
  verb->add_flag("--json", o.json, "one JSON object with tokens and usage");
}

void add_bench_engine(CLI::App& bench, BenchEngineOptions& o) {
  CLI::App* verb = bench.add_subcommand("engine", "prefill and decode speed of a model through the engine");
  add_engine_options(*verb, o.engine);
  verb->add_option("-p,--prompt-tokens", o.prompt_tokens, "prefill tests")->capture_default_str();
  verb->add_option("-n,--generate-tokens", o.generate_tokens, "decode tests")->capture_default_str();
  verb->add_option("--streams", o.n_streams, "equal requests at once in decode tests")->capture_default_str();
  verb->add_option("-r,--rounds", o.n_rounds, "timed rounds after one warm-up")->capture_default_str();
  verb->add_flag("--json", o.json, "one JSON object");
}

int report(const Status& status) {
  if (status.ok()) return 0;
  fmt::print(std::cerr, "drawbridge: {} ({})\n", status.message(), code_name(status.code()));
  return 1;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  if (const Status logging = init_logging(); !logging.ok()) return report(logging);
  CLI::App app("Drawbridge serves, proves and measures GLM-5.2-architecture models.", "drawbridge");
  app.require_subcommand(1);
  GenerateOptions generate_options;
  add_generate(app, generate_options);
  CLI::App* bench = app.add_subcommand("bench", "measure");
  bench->require_subcommand(1);
  BenchEngineOptions bench_options;
  add_bench_engine(*bench, bench_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (app.got_subcommand("generate")) return report(run_generate(generate_options, std::cout));
  return report(run_bench_engine(bench_options, std::cout));
}

}  // namespace drawbridge
