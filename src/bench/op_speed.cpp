#include "bench/op_speed.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>
#include <set>

#include "backend/trace_backend.h"
#include "base/json.h"
#include "base/text_table.h"
#include "bench/manifest.h"
#include "bench/op_cases.h"
#include "bench/profile.h"
#include "engine/activation_mode.h"
#include "engine/plan_choice.h"

namespace drawbridge {
namespace {

constexpr int64_t kMostTokens = 1 << 16;

struct NamedFormat {
  const char* name;
  WeightFormat format;
};
constexpr NamedFormat kFormats[] = {{"bf16", WeightFormat::kBF16},
                                    {"fp8", WeightFormat::kFp8Block},
                                    {"mxfp4", WeightFormat::kMxfp4},
                                    {"q8", WeightFormat::kQ8}};

Result<std::optional<WeightFormat>> read_format(const std::string& name) {
  if (name == "model") return std::optional<WeightFormat>();
  for (const NamedFormat& known : kFormats) {
    if (name == known.name) return std::optional<WeightFormat>(known.format);
  }
  return fail(Code::kInvalidArgument, "--format: wanted model, bf16, fp8, mxfp4 or q8, found '{}'", name);
}

Status check_options(const BenchOpsOptions& o) {
  if (o.n_rounds < 1) return fail(Code::kInvalidArgument, "--rounds: wanted at least 1, found {}", o.n_rounds);
  if (o.tokens.empty()) return fail(Code::kInvalidArgument, "--tokens: wanted at least one number, found none");
  for (const int64_t n : o.tokens) {
    if (n >= 1 && n <= kMostTokens) continue;
    return fail(Code::kInvalidArgument, "--tokens: wanted 1 to {}, found {}", kMostTokens, n);
  }
  return Status();
}

/// With --format all weights are of that format, and "auto" goes by it.
Result<Numerics> numerics_of(const BenchOpsOptions& o, std::optional<WeightFormat> format, const Inventory& inventory) {
  Numerics numerics = Numerics::serving();
  DB_ASSIGN(const auto codec, read_activation(o.activation, "serving"));
  const bool has_integers = format == WeightFormat::kMxfp4 || format == WeightFormat::kQ8;
  const InputCodec by_format = has_integers ? InputCodec::kInt8 : InputCodec::kNone;
  numerics.input_codec = codec.value_or(format ? by_format : auto_activation(inventory));
  const auto cache = kv_cache_type_from_name(o.kv_cache_dtype);
  if (!cache) {
    return fail(Code::kInvalidArgument, "--kv-cache-dtype: wanted f32, bf16, fp8_e4m3 or fp8_ds_mla, found '{}'",
                o.kv_cache_dtype);
  }
  numerics.kv_cache = *cache;
  return numerics;
}

/// By the tensors' headers; where there are none, as config.json says.
Result<Inventory> inventory_of(const std::string& directory, const Glm52Config& config) {
  std::error_code ignored;
  for (const char* file : {"model.safetensors", "model.safetensors.index.json"}) {
    if (!std::filesystem::exists(directory + "/" + file, ignored)) continue;
    DB_ASSIGN(const Checkpoint checkpoint, Checkpoint::open(directory, Contents::kHeader));
    return take_inventory(config, checkpoint);
  }
  return plan_inventory(config);
}

Result<std::vector<OpCase>> chosen_cases(std::vector<OpCase> cases, const std::vector<std::string>& ops) {
  std::set<std::string> known;
  for (const OpCase& c : cases) known.insert(c.op);
  for (const std::string& op : ops) {
    if (known.count(op) == 0) {
      return fail(Code::kInvalidArgument, "--op: wanted some of {}, found '{}'", fmt::join(known, ", "), op);
    }
  }
  std::erase_if(cases,
                [&](const OpCase& c) { return !ops.empty() && std::find(ops.begin(), ops.end(), c.op) == ops.end(); });
  return cases;
}

/// Times one op at one number of tokens; a trace tells the op's own time, bytes and operations.
class Sampler {
 public:
  Sampler(Backend& backend, OpTrace& trace, const OpCase& what, const OpRun& run, int64_t n_tokens)
      : backend_(backend), trace_(trace), what_(what), run_(run), n_tokens_(n_tokens) {}

  /// Also the warm-up.
  void calibrate(double sample_s) {
    while (1e-9 * static_cast<double>(sample().nanoseconds) < sample_s && n_repeat_ < (1 << 20)) n_repeat_ *= 2;
  }
  OpTotals sample() {
    using Clock = std::chrono::steady_clock;
    trace_.start();
    const auto start = Clock::now();
    for (int64_t i = 0; i < n_repeat_; ++i) run_(backend_, n_tokens_, turn_++);
    const auto end = Clock::now();
    trace_.stop();
    const auto ops = trace_.ops();
    if (what_.own_bytes) {
      DB_CHECK(ops.empty());
      return {what_.op,  "",
              n_repeat_, std::chrono::nanoseconds(end - start).count(),
              0,         n_repeat_ * n_tokens_ * *what_.own_bytes};
    }
    DB_CHECK(ops.size() == 1);
    return ops[0];
  }

 private:
  Backend& backend_;
  OpTrace& trace_;
  const OpCase& what_;
  const OpRun& run_;
  int64_t n_tokens_;
  int64_t n_repeat_ = 1;
  int64_t turn_ = 0;
};

struct MeasuredOp {
  const OpCase* what;
  int64_t n_tokens;
  OpTotals totals = {};  // of the last sample
  std::vector<double> us = {};
};

MeasuredOp measure_op(const OpCase& what, int64_t n_tokens, Sampler sampler, const BenchOpsOptions& options) {
  MeasuredOp measured{&what, n_tokens};
  sampler.calibrate(options.sample_s);
  for (int round = 0; round < options.n_rounds; ++round) {
    measured.totals = sampler.sample();
    const auto calls = static_cast<double>(measured.totals.n_calls);
    measured.us.push_back(1e-3 * static_cast<double>(measured.totals.nanoseconds) / calls);
  }
  return measured;
}

/// Every case at every number of tokens; weights live as long as their case.
Result<std::vector<MeasuredOp>> measure_cases(const std::vector<OpCase>& cases, Backend& backend, OpTrace& trace,
                                              const BenchOpsOptions& options) {
  const int64_t most = *std::max_element(options.tokens.begin(), options.tokens.end());
  std::vector<MeasuredOp> measured;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (options.progress) {
      options.progress(static_cast<int64_t>(i), static_cast<int64_t>(cases.size()), cases[i].name);
    }
    DB_ASSIGN(const OpRun run, cases[i].prepare(backend, most));
    for (const int64_t n : options.tokens) {
      measured.push_back(measure_op(cases[i], n, Sampler(backend, trace, cases[i], run, n), options));
    }
  }
  return measured;
}

OpSpeedRow row_of(const MeasuredOp& measured, const MachineLimits& limits) {
  const OpTotals& totals = measured.totals;
  const auto calls = static_cast<double>(totals.n_calls);
  OpSpeedRow row{measured.what->op, measured.what->name, totals.weights, measured.n_tokens, spread_of(measured.us)};
  row.bytes = static_cast<double>(totals.bytes) / calls;
  row.operations =
      static_cast<double>(std::accumulate(totals.operations.begin(), totals.operations.end(), int64_t{0})) / calls;
  row.least_us = 1e6 * limits.seconds(totals.bytes, totals.operations) / calls;
  return row;
}

Json options_json(const BenchOpsOptions& o) {
  return {{"model", o.model},           {"ops", o.ops},
          {"tokens", o.tokens},         {"format", o.format},
          {"activation", o.activation}, {"isa", o.isa},
          {"threads", o.n_threads},     {"kv_cache_dtype", o.kv_cache_dtype},
          {"context", o.context},       {"rounds", o.n_rounds},
          {"sample_s", o.sample_s},     {"footprint", o.footprint}};
}

void print_table(const OpSpeedReport& report, const Json& manifest, std::ostream& out) {
  fmt::print(out, "{}\n\n", report.backend);
  TextTable table({"<op", "<of", "<weights", "tokens", "us", "min", "max", "GB/s", "GOP/s", "of limit"});
  std::string op;
  for (const OpSpeedRow& row : report.rows) {
    const auto rate = [&](double amount) {
      return amount > 0 ? fmt::format("{:.1f}", 1e-3 * amount / row.us.median) : std::string();
    };
    if (!op.empty() && op != row.name + row.op) table.add_rule();
    op = row.name + row.op;
    table.add({row.op, row.name, row.weights, std::to_string(row.n_tokens), fmt::format("{:.1f}", row.us.median),
               fmt::format("{:.1f}", row.us.min), fmt::format("{:.1f}", row.us.max), rate(row.bytes),
               rate(row.operations), fmt::format("{:.0f} %", 100 * row.least_us / row.us.median)});
  }
  fmt::print(out, "{}\n{}. Where values stay in a cache, the share can be above 100 %.\n{}\n", table.text(),
             limits_text(report.limits), manifest_line(manifest));
}

void print_json(const OpSpeedReport& report, const BenchOpsOptions& options, const Json& manifest, std::ostream& out) {
  Json rows = Json::array();
  for (const OpSpeedRow& row : report.rows) {
    rows.push_back({{"op", row.op},
                    {"of", row.name},
                    {"weights", row.weights},
                    {"tokens", row.n_tokens},
                    {"us", row.us.median},
                    {"min_us", row.us.min},
                    {"max_us", row.us.max},
                    {"bytes", row.bytes},
                    {"operations", row.operations},
                    {"least_us", row.least_us}});
  }
  const Json json = {{"model", options.model},       {"backend", report.backend},
                     {"n_rounds", options.n_rounds}, {"limits", limits_json(report.limits)},
                     {"source", "measured"},         {"manifest", manifest},
                     {"ops", std::move(rows)}};
  fmt::print(out, "{}\n", dump_json(json));
}

}  // namespace

Result<OpSpeedReport> measure_ops(const BenchOpsOptions& options) {
  DB_TRY(check_options(options));
  DB_ASSIGN(const auto format, read_format(options.format));
  DB_ASSIGN(const Glm52Config config, load_glm52_config(options.model));
  DB_ASSIGN(const Inventory inventory, inventory_of(options.model, config));
  DB_ASSIGN(const Numerics numerics, numerics_of(options, format, inventory));
  constexpr int64_t kTimesCaches = 4;
  const int64_t footprint =
      options.footprint > 0 ? options.footprint : kTimesCaches * read_machine_info().last_level_bytes();
  const int64_t context = options.context > 0 ? options.context : std::min(2 * config.index_topk, config.max_positions);
  DB_ASSIGN(const auto cases, chosen_cases(op_cases(config, inventory, {format, context, footprint}), options.ops));
  OpTrace trace;
  EngineOptions engine;
  engine.model = options.model;
  engine.isa = options.isa;
  engine.n_threads = options.n_threads;
  DB_ASSIGN(const PlanChoice plans, choose_plans(engine));
  DB_ASSIGN(auto cpu, make_cpu_backend({options.isa, options.n_threads, numerics, plans.plans}));
  const auto backend = make_trace_backend(std::move(cpu), trace);
  OpSpeedReport report;
  report.backend = backend->describe();
  DB_ASSIGN(const MachineLimits before, measure_limits(options.machine, options.n_threads));
  DB_ASSIGN(const auto measured, measure_cases(cases, *backend, trace, options));
  DB_ASSIGN(const MachineLimits after, measure_limits(options.machine, options.n_threads));
  report.limits = limits_around(before, after);
  for (const MeasuredOp& op : measured) report.rows.push_back(row_of(op, report.limits));
  return report;
}

Status run_bench_ops(const BenchOpsOptions& options, std::ostream& out) {
  DB_ASSIGN(const OpSpeedReport report, measure_ops(options));
  const Json manifest = bench_manifest(options_json(options));
  if (options.json) {
    print_json(report, options, manifest, out);
  } else {
    print_table(report, manifest, out);
  }
  return Status();
}

}  // namespace drawbridge
