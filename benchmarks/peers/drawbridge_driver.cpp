// Drives our own step runner by the protocol of the peers' drivers; see protocol.h. Takes every option of
// `drawbridge generate` that says how the engine computes.
//
// Branches share the prompt's pages: their page tables begin with the same ids, as the prefix cache makes them.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iterator>
#include <memory>
#include <vector>

#include "base/json.h"
#include "base/log.h"
#include "cli/verbs.h"
#include "engine/step.h"
#include "protocol.h"
#include "text/tokenizer.h"

namespace drawbridge {
namespace {

struct Limits {
  int64_t branches = 8;
  int64_t steps = 128;
};

template <typename T>
T or_die(Result<T> result) {
  if (!result.ok()) peers::die(result.status().message());
  return std::move(*result);
}

/// Options under which the cache has room for the prompt and for every branch.
EngineOptions with_room(EngineOptions options, const Limits& limits) {
  options.max_running = limits.branches;
  options.kv_tokens = options.max_context + limits.branches * (limits.steps + options.page_size);
  return options;
}

class DrawbridgeEntrant : public peers::Entrant {
 public:
  DrawbridgeEntrant(const EngineOptions& options, const Limits& limits)
      : options_(with_room(options, limits)),
        limits_(limits),
        // A peer's load reads the tokenizer too.
        tokenizer_(or_die(Tokenizer::load(options.model + "/tokenizer.json"))),
        runner_(or_die(make_step_runner(options_, or_die(load_glm52_config(options.model)), {}))) {
    if (options.max_context % options.page_size != 0) peers::die("--max-context: wanted whole pages");
    prompt_.id = 0;
    append_pages(prompt_, 0, options.max_context / options.page_size);
  }

  const StepRunner& runner() const { return *runner_; }
  int64_t vocab() const override { return runner_->config().vocab; }
  int64_t max_context() const override { return options_.max_context; }
  int64_t max_branches() const override { return limits_.branches; }
  int64_t max_steps() const override { return limits_.steps; }

  void prefill(int64_t from, int64_t to) override {
    for (int64_t pos = from; pos < to; ++pos) prompt_.tokens.push_back(prompt_token(pos));
    for (int64_t at = from; at < to;) {
      const int64_t n = std::min(options_.max_step_tokens, to - at);
      run(Plan{{{prompt_.id, at, n, at + n == to}}, {}});
      at += n;
    }
  }
  void cut(int64_t n) override { prompt_.tokens.resize(static_cast<size_t>(n)); }
  void fork(int64_t depth, int64_t n) override {
    if (depth % options_.page_size != 0) peers::die(fmt::format("DEPTH: wanted whole pages, found {}", depth));
    const int64_t own_pages = (limits_.steps + options_.page_size - 1) / options_.page_size;
    for (int64_t b = 0; b < n; ++b) {
      Sequence branch{static_cast<RequestId>(1 + b), prompt_.tokens, {}};
      const auto shared = prompt_.pages.begin();
      branch.pages.assign(shared, shared + depth / options_.page_size);
      append_pages(branch, std::ssize(prompt_.pages) + b * own_pages, own_pages);
      branches_.push_back(std::move(branch));
    }
  }
  void step(int64_t i) override {
    Plan plan;
    for (Sequence& branch : branches_) {
      const auto position = std::ssize(branch.tokens);
      branch.tokens.push_back(branch_token(static_cast<int64_t>(branch.id) - 1, i));
      plan.grants.push_back({branch.id, position, 1, true});
    }
    run(plan);
  }
  void join() override { branches_.clear(); }

 private:
  struct Sequence {
    RequestId id = 0;
    std::vector<int32_t> tokens;
    std::vector<int32_t> pages;
  };

  static void append_pages(Sequence& sequence, int64_t first, int64_t n) {
    for (int64_t i = 0; i < n; ++i) sequence.pages.push_back(static_cast<int32_t>(first + i));
  }
  void run(const Plan& plan) {
    or_die(runner_->run(plan, [&](RequestId id) {
      const Sequence& sequence = id == 0 ? prompt_ : branches_[id - 1];
      return StepRunner::Request{sequence.tokens, sequence.pages};
    }));
  }

  EngineOptions options_;
  Limits limits_;
  Tokenizer tokenizer_;
  std::unique_ptr<StepRunner> runner_;
  Sequence prompt_;
  std::vector<Sequence> branches_;
};

/// What one decoded token reads of the weights, and how it is computed.
std::string more_of_ready(const StepRunner& runner) {
  const Json more = {
      {"active_mb", static_cast<double>(runner.weights().inventory.total().active_bytes) / 1e6},
      {"backend", runner.backend().describe()},
      {"packing", runner.packing()},
      {"activation", input_codec_name(runner.backend().numerics().input_codec)},
      {"kv", kv_cache_type_name(runner.backend().numerics().kv_cache)},
  };
  const std::string text = dump_json(more);
  return "," + text.substr(1, text.size() - 2);
}

int drive(int argc, char** argv) {
  const peers::Stopwatch since_start;
  if (const Status logging = init_logging(); !logging.ok()) peers::die(logging.message());
  CLI::App app("One entrant of benchmarks/side_by_side.py: our step runner.");
  EngineOptions options;
  options.max_step_tokens = 2048;  // as much as a peer is given at once
  Limits limits;
  add_engine_options(app, options);
  app.add_option("--branches", limits.branches, "sequences decoded at once, at most")->capture_default_str();
  app.add_option("--steps", limits.steps, "tokens a sequence decodes, at most")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  DrawbridgeEntrant entrant(options, limits);
  peers::Session session(entrant);
  session.say_ready(since_start, more_of_ready(entrant.runner()));
  session.run();
  return 0;
}

}  // namespace
}  // namespace drawbridge

int main(int argc, char** argv) {
  return drawbridge::drive(argc, argv);
}
