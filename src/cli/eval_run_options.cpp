#include "cli/eval_run_options.h"

#include "base/log.h"
#include "cli/stop_signal.h"
#include "eval/engine_target.h"
#include "eval/tasks/gpqa.h"
#include "eval/tasks/jsonl_task.h"
#include "eval/tasks/needle_task.h"
#include "model/glm52_config.h"

namespace drawbridge {
namespace {

const std::map<std::string, PromptForm> kForms = {
    {"completion", PromptForm::kCompletion}, {"chat", PromptForm::kChat}, {"multiturn", PromptForm::kMultiturn}};

Status check_range(const char* option, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return Status();
  return fail(Code::kInvalidArgument, "{}: wanted {} to {}, found {}", option, least, most, value);
}

Result<EvalTask> make_gsm8k(const EvalRunOptions& o) {
  DB_ASSIGN(const DataFile questions, read_data_file(o.data));
  if (o.fewshot.empty()) return make_gsm8k_task(questions, nullptr, o.gsm8k);
  DB_ASSIGN(const DataFile examples, read_data_file(o.fewshot));
  return make_gsm8k_task(questions, &examples, o.gsm8k);
}

Result<EvalTask> make_needle(const EvalRunOptions& o) {
  const std::string directory = o.tokenizer.empty() ? o.engine.model : o.tokenizer;
  if (directory.empty()) {
    return fail(Code::kInvalidArgument,
                "--tokenizer: needle items are made by their number of tokens; name a directory "
                "with the model's tokenizer.json");
  }
  DB_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(directory + "/tokenizer.json"));
  NeedleOptions options = o.needle;
  options.max_context = o.engine.max_context;
  DB_ASSIGN(const int64_t topk, index_topk_of(o));
  if (topk > 0) options.index_topk = topk;
  for (const std::string& note : needle_length_notes(options.index_topk, options.max_context)) spdlog::warn(note);
  if (!o.data.empty()) {
    DB_ASSIGN(DataFile haystack, read_data_file(o.data));
    options.haystack = std::move(haystack.text);
  }
  return make_needle_task(options, [&tokenizer](std::string_view text) -> Result<int64_t> {
    DB_ASSIGN(const std::vector<int32_t> tokens, tokenizer.encode(text));
    return static_cast<int64_t>(tokens.size());
  });
}

Result<EvalTask> make_named_task(const EvalRunOptions& o) {
  if (o.task == "needle") return make_needle(o);
  if (o.data.empty()) return fail(Code::kInvalidArgument, "--data: wanted the file with the questions, found none");
  if (o.task == "gsm8k") return make_gsm8k(o);
  DB_ASSIGN(const DataFile data, read_data_file(o.data));
  return o.task == "gpqa" ? make_gpqa_task(data, {o.n_trials, o.shuffle_seed}) : make_jsonl_task(data, o.filters);
}

}  // namespace

void add_target_options(CLI::App& verb, EvalRunOptions& o) {
  add_engine_options(verb, o.engine)->required(false);
  verb.get_option("--max-context")->each([&o](const std::string&) { o.has_context = true; });
  verb.add_option("--url", o.http.url, "an OpenAI-compatible server to ask instead, such as http://127.0.0.1:8000");
  verb.add_option("--served-model-name", o.http.model, "with --url: its model; default: the first it lists");
  verb.add_option("--api-key", o.http.api_key, "with --url: the server's key");
  verb.add_option("--timeout", o.timeout_seconds, "with --url: seconds to wait for an answer")->capture_default_str();
  verb.add_option("--retries", o.http.n_retries, "with --url: times that a question is asked again without an answer")
      ->capture_default_str();
}

void add_task_options(CLI::App& verb, EvalRunOptions& o) {
  verb.add_option("task", o.task, "gsm8k, gpqa, needle, or jsonl for questions of your own")
      ->required()
      ->check(CLI::IsMember({"gsm8k", "gpqa", "needle", "jsonl"}));
  verb.add_option("--data", o.data, "the questions: GSM8K's test.jsonl, GPQA's CSV, JSON lines; needle: the haystack");
  verb.add_option("--fewshot", o.fewshot, "gsm8k: where examples are drawn from (train.jsonl)");
  verb.add_option("--shots", o.gsm8k.n_shot, "gsm8k: examples before each question")->capture_default_str();
  verb.add_option("--fewshot-seed", o.gsm8k.fewshot_seed, "gsm8k: of the draw")->capture_default_str();
  verb.add_option("--form", o.gsm8k.form, "gsm8k: completion, chat, or multiturn")
      ->transform(CLI::CheckedTransformer(kForms))
      ->option_text("FORM [completion]");
  verb.add_option("--shuffle-seed", o.shuffle_seed, "gpqa: of the order of choices")->capture_default_str();
  verb.add_option("--filter", o.filters, "jsonl: strict-match, flexible-extract, exact")->capture_default_str();
  verb.add_option("--needles", o.needle.n_per_length, "needle: items of each length")->capture_default_str();
  verb.add_option("--tokenizer", o.tokenizer, "needle with --url: directory of the model's tokenizer.json");
  verb.add_option("--index-topk", o.index_topk, "positions that sparse attention keeps; default: the model's");
}

Result<std::unique_ptr<ChatTarget>> make_eval_target(const EvalRunOptions& o) {
  if (o.http.url.empty() == o.engine.model.empty()) {
    return fail(Code::kInvalidArgument, "eval run: wanted either --model DIR or --url URL, found {}",
                o.http.url.empty() ? "neither" : "both");
  }
  if (o.http.url.empty()) {
    EngineOptions engine = o.engine;
    engine.max_running = o.run.n_concurrent;
    return make_engine_target(engine, interrupted);
  }
  DB_TRY(check_range("--timeout", o.timeout_seconds, 1, 86400));
  DB_TRY(check_range("--retries", o.http.n_retries, 0, 100));
  HttpTargetOptions http = o.http;
  http.read_timeout = std::chrono::seconds(o.timeout_seconds);
  http.should_stop = interrupted;
  DB_ASSIGN(auto target, HttpTarget::create(http));
  return std::unique_ptr<ChatTarget>(std::move(target));
}

Status settle_options(EvalRunOptions& o) {
  DB_TRY(check_range("--concurrency", o.run.n_concurrent, 1, 4096));
  DB_TRY(check_range("--seeds", o.n_trials, 1, 1000));
  DB_TRY(check_range("--needles", o.needle.n_per_length, 1, 1000));
  if (o.index_topk) {
    DB_TRY(check_range("--index-topk", *o.index_topk, 1, 1 << 20));
  }
  if (o.task != "needle") return Status();
  if (o.engine.model.empty()) {
    if (o.has_context) return Status();
    return fail(Code::kInvalidArgument,
                "--max-context: needle items are made to fit the server's context; wanted its tokens, found nothing");
  }
  DB_ASSIGN(const Glm52Config config, load_glm52_config(o.engine.model));
  // The cache is sized by the context, so it is no longer than the longest item and its answer.
  const int64_t longest = wanted_needle_lengths(o.index_topk.value_or(config.index_topk)).back();
  const int64_t wanted = o.has_context ? o.engine.max_context : longest + kNeedleReserve + o.max_tokens.value_or(0);
  o.engine.max_context = std::min(wanted, config.max_positions);
  return Status();
}

Result<EvalTask> make_eval_task(const EvalRunOptions& o) {
  DB_ASSIGN(EvalTask task, make_named_task(o));
  if (o.task != "gpqa") repeat_items(task, o.n_trials);
  limit_questions(task, o.n_questions);
  if (o.temperature) task.temperature = *o.temperature;
  if (o.max_tokens) task.max_tokens = *o.max_tokens;
  return task;
}

Result<int64_t> index_topk_of(const EvalRunOptions& o) {
  if (o.index_topk) return *o.index_topk;
  if (o.engine.model.empty()) return 0;
  DB_ASSIGN(const Glm52Config config, load_glm52_config(o.engine.model));
  return config.index_topk;
}

}  // namespace drawbridge
