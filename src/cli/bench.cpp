// `drawbridge bench ...`: the measurements of src/bench.
#include <iostream>

#include "bench/engine_speed.h"
#include "bench/machine.h"
#include "bench/op_speed.h"
#include "cli/progress_bar.h"
#include "cli/verbs.h"

namespace drawbridge {
namespace {

void add_bench_engine(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("engine", "prefill and decode speed of a model through the engine");
  const auto o = std::make_shared<BenchEngineOptions>();
  add_engine_options(*verb, o->engine);
  verb->add_option("-p,--prompt-tokens", o->prompt_tokens, "prefill tests")->delimiter(',')->capture_default_str();
  verb->add_option("-n,--generate-tokens", o->generate_tokens, "decode tests")->delimiter(',')->capture_default_str();
  verb->add_option("-d,--depth", o->depths, "tokens before those that are timed")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option("--streams", o->streams, "equal requests at once in decode tests")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option("-r,--rounds", o->n_rounds, "timed rounds after one warm-up")->capture_default_str();
  verb->add_flag("--profile", o->profile, "also where a step's time goes, op by op, in rounds of their own");
  verb->add_option("-o,--output", o->output, "md, csv, json (one object), jsonl (one a test)")->capture_default_str();
  verb->add_flag_callback(
      "--json", [o] { o->output = "json"; }, "as -o json");
  verb->callback([o, &action] { action = [o] { return run_bench_engine(*o, std::cout); }; });
}

void add_bench_machine(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("machine", "memory bandwidth and arithmetic peaks of this machine");
  const auto o = std::make_shared<MachineOptions>();
  verb->add_option("-r,--rounds", o->n_rounds, "samples of each test")->capture_default_str();
  verb->add_option("--buffer-bytes", o->buffer_bytes, "size of each array; 0: eight times the last-level cache")
      ->capture_default_str();
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return run_bench_machine(*o, std::cout); }; });
}

Status bench_ops(BenchOpsOptions options) {
  ProgressBar bar("ops");
  options.progress = [&bar](int64_t done, int64_t total, const std::string& op) {
    bar.show_items({done, total, 0}, op);
  };
  return run_bench_ops(options, std::cout);
}

void add_bench_ops(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("ops", "every op of a model's step, at several numbers of tokens");
  const auto o = std::make_shared<BenchOpsOptions>();
  verb->add_option("--model", o->model, "directory with a config.json: shapes, and formats if tensors are there")
      ->required();
  verb->add_option("--op", o->ops, "some ops alone: linear,moe,mla_attention,index_topk,...")->delimiter(',');
  verb->add_option("-t,--tokens", o->tokens, "of a step")->delimiter(',')->capture_default_str();
  verb->add_option("--format", o->format, "of attention, indexer and MLPs: model, bf16, fp8, mxfp4, q8")
      ->capture_default_str();
  verb->add_option("--activation", o->activation,
                   "inputs of quantized weights: auto (int8 for MXFP4 and q8), bf16, int8, mxfp8, mxfp4")
      ->capture_default_str();
  verb->add_option("--isa", o->isa, "CPU kernels: auto, avx512, avx2, portable, scalar")->capture_default_str();
  verb->add_option("--threads", o->n_threads, "of the CPU kernels; 0: as many as there are")->capture_default_str();
  verb->add_option("--kv-cache-dtype", o->kv_cache_dtype, "f32, bf16, fp8_e4m3, fp8_ds_mla")->capture_default_str();
  verb->add_option("--context", o->context, "tokens of the request; 0: twice what the indexer lets through")
      ->capture_default_str();
  verb->add_option("-r,--rounds", o->n_rounds, "samples of each op")->capture_default_str();
  verb->add_flag("--json", o->json, "one JSON object");
  verb->callback([o, &action] { action = [o] { return bench_ops(*o); }; });
}

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  CLI::App* bench = app.add_subcommand("bench", "measure");
  bench->require_subcommand(1);
  add_bench_machine(*bench, action);
  add_bench_engine(*bench, action);
  add_bench_ops(*bench, action);
}

}  // namespace drawbridge
