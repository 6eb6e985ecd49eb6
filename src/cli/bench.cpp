// `drawbridge bench ...`: the measurements of src/bench.
#include <iostream>

#include "bench/engine_speed.h"
#include "bench/machine.h"
#include "cli/verbs.h"

namespace drawbridge {
namespace {

void add_bench_engine(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("engine", "prefill and decode speed of a model through the engine");
  const auto o = std::make_shared<BenchEngineOptions>();
  add_engine_options(*verb, o->engine);
  verb->add_option("-p,--prompt-tokens", o->prompt_tokens, "prefill tests")->capture_default_str();
  verb->add_option("-n,--generate-tokens", o->generate_tokens, "decode tests")->capture_default_str();
  verb->add_option("--streams", o->n_streams, "equal requests at once in decode tests")->capture_default_str();
  verb->add_option("-r,--rounds", o->n_rounds, "timed rounds after one warm-up")->capture_default_str();
  verb->add_flag("--profile", o->profile, "also where a step's time goes, op by op, in rounds of their own");
  verb->add_flag("--json", o->json, "one JSON object");
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

}  // namespace

void add_bench(CLI::App& app, Action& action) {
  CLI::App* bench = app.add_subcommand("bench", "measure");
  bench->require_subcommand(1);
  add_bench_machine(*bench, action);
  add_bench_engine(*bench, action);
}

}  // namespace drawbridge
