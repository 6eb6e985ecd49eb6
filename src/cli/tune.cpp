// `drawbridge tune`: measured plans for a model on this machine; `tune import` and `tune export`: others' tuning files.
#include <fstream>
#include <iostream>
#include <map>

#include "base/staged_file.h"
#include "cli/progress_bar.h"
#include "cli/stop_signal.h"
#include "cli/verbs.h"
#include "tune/exchange.h"
#include "tune/tune.h"

namespace drawbridge {
namespace {

struct TuneArguments {
  TuneOptions options;
  std::string what = "all";
};

Status run_tune(TuneArguments arguments, std::ostream& out) {
  TuneOptions& o = arguments.options;
  if (o.engine.model.empty()) return fail(Code::kInvalidArgument, "--model: wanted a directory, found nothing");
  o.moe_only = arguments.what == "moe";
  ProgressBar bar("tuning");
  std::optional<int64_t> before;
  o.progress = [&](int64_t done, int64_t total, const std::string& note) {
    if (!before) before = done;
    bar.show_items({done, total, *before}, note);
  };
  catch_interrupts();
  o.should_stop = interrupted;
  DB_ASSIGN(const TuneReport report, tune(o));
  out << tune_report_text(report);
  if (!report.refused.empty()) {
    return fail(Code::kInternal, "{} plans gave other bits than the default; no table uses them",
                report.refused.size());
  }
  return Status();
}

struct ImportArguments {
  std::string file, table, model;
};

void add_import(CLI::App& tune, Action& action) {
  CLI::App* verb = tune.add_subcommand("import", "keep another engine's tuning file, or another table's rows");
  const auto o = std::make_shared<ImportArguments>();
  verb->add_option("file", o->file, "aiter's tuned_fmoe.csv, SGLang's or vLLM's E=..,N=..json, or a table (.jsonl)")
      ->required();
  verb->add_option("--out", o->table, "table to add it to")->required();
  verb->add_option("--model", o->model, "say which rows a lookup for this model finds (config.json is enough)");
  verb->callback([o, &action] {
    action = [o] {
      DB_ASSIGN(const std::string said, import_tuning_file(o->file, o->table, o->model));
      std::cout << said;
      return Status();
    };
  });
}

struct ExportArguments {
  std::string table, format = "aiter", name, out;
};

Status run_export(const ExportArguments& o) {
  const ForeignFormat format = o.format == "aiter" ? ForeignFormat::kAiter : ForeignFormat::kSglang;
  DB_ASSIGN(const std::string text, export_tuning_file(o.table, format, o.name));
  if (o.out.empty()) {
    std::cout << text;
    return Status();
  }
  DB_ASSIGN(StagedFile file, StagedFile::create(o.out));
  std::ofstream(file.path(), std::ios::binary) << text;
  return file.commit();
}

void add_export(CLI::App& tune, Action& action) {
  CLI::App* verb = tune.add_subcommand("export", "an imported file again, byte for byte");
  const auto o = std::make_shared<ExportArguments>();
  verb->add_option("table", o->table, "table that it was imported into")->required();
  verb->add_option("--format", o->format, "sglang (vLLM's, too) or aiter")
      ->check(CLI::IsMember({"sglang", "aiter"}))
      ->required();
  verb->add_option("--name", o->name, "which file, if there are several of the format");
  verb->add_option("--out", o->out, "file to make; absent: standard output");
  verb->callback([o, &action] { action = [o] { return run_export(*o); }; });
}

}  // namespace

void add_tune(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("tune", "measure how to cut a model's products on this machine");
  const auto o = std::make_shared<TuneArguments>();
  TuneOptions& options = o->options;
  verb->require_subcommand(0, 1);
  verb->add_option("--model", options.engine.model, "HuggingFace directory of a glm_moe_dsa model");
  verb->add_option("--out", options.out, "table; absent: DIR/tuned/DEVICE.jsonl, where serve finds it");
  verb->add_option("--what", o->what, "moe (the experts) or all products; attention has no plans to choose from")
      ->check(CLI::IsMember({"moe", "all"}))
      ->capture_default_str();
  const std::map<std::string, double> units = {{"s", 1}, {"m", 60}, {"h", 3600}};
  verb->add_option("--budget", options.budget_s, "time, as 90s, 2m or 1h; what is left goes to the next run")
      ->transform(CLI::AsNumberWithUnit(units, CLI::AsNumberWithUnit::CASE_INSENSITIVE, "TIME"))
      ->default_str("2m");
  verb->add_option("--tokens", options.tokens, "numbers of tokens; absent: the buckets that serve's options reach")
      ->delimiter(',')
      ->check(CLI::Range(1, 32768));
  verb->add_option("--max-running", options.engine.max_running, "as for serve")->capture_default_str();
  verb->add_option("--max-step-tokens", options.engine.max_step_tokens, "as for serve")->capture_default_str();
  verb->add_option("--activation", options.engine.activation, "as for serve")->capture_default_str();
  verb->add_option("--numerics", options.engine.numerics, "as for serve")->capture_default_str();
  verb->add_option("--isa", options.engine.isa, "as for serve")->capture_default_str();
  verb->add_option("--threads", options.engine.n_threads, "as for serve; 0: all")->capture_default_str();
  verb->add_flag("--again", options.again, "measure what has a row, too");
  verb->callback([o, verb, &action] {
    if (verb->get_subcommands().empty()) action = [o] { return run_tune(*o, std::cout); };
  });
  add_import(*verb, action);
  add_export(*verb, action);
}

}  // namespace drawbridge
