#include "bench/engine_speed.h"

#include <algorithm>
#include <ctime>

#include "bench/engine_report.h"
#include "bench/engine_round.h"

namespace drawbridge {
namespace {

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc = {};
  ::gmtime_r(&now, &utc);
  char text[32] = "";
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc));
}

/// Of one test on one engine.
class Measurement {
 public:
  Measurement(Engine& engine, const BenchEngineOptions& options, const SpeedTest& test)
      : engine_(engine), options_(options), test_(test) {}

  /// One warm-up, then the rounds.
  Result<SpeedRow> run(OpTrace& trace) {
    SpeedRow row;
    row.test = test_;
    row.started = now_text();
    for (int i = 0; i <= options_.n_rounds; ++i) {
      DB_ASSIGN(const double seconds, sample(i));
      if (i > 0) row.seconds.push_back(seconds);
    }
    if (options_.profile) {
      DB_ASSIGN(row.profile, take_profile(trace));
    }
    return row;
  }

 private:
  RoundShape shape() const {
    const bool is_prompt = test_.n_generate == 0;
    const int64_t n_prompt = is_prompt ? test_.depth + test_.n_prompt : std::max<int64_t>(test_.depth, 1);
    return {n_prompt, test_.n_generate, test_.n_streams, options_.engine.max_step_tokens};
  }

  Result<double> sample(int64_t salt) {
    if (test_.n_generate == 0 && test_.depth > 0) return sample_behind_depth(salt);
    DB_ASSIGN(const RoundTimes times, run_round(engine_, shape(), salt, nullptr));
    return test_.n_generate > 0 ? times.decode_s : times.first_token_s;
  }

  /// What the last tokens of a prompt take more than those before. A disturbance of the shorter one could hide them.
  Result<double> sample_behind_depth(int64_t salt) {
    constexpr int kTries = 3;
    RoundShape before = shape();
    before.n_prompt = test_.depth;
    for (int i = 0; i < kTries; ++i) {
      DB_ASSIGN(const RoundTimes first, run_round(engine_, before, salt, nullptr));
      DB_ASSIGN(const RoundTimes all, run_round(engine_, shape(), salt, nullptr));
      if (all.first_token_s > first.first_token_s) return all.first_token_s - first.first_token_s;
    }
    return fail(Code::kUnavailable,
                "{}: {} tokens took no longer than the first {}, {} times: the machine is not quiet", test_.name(),
                shape().n_prompt, test_.depth, kTries);
  }

  /// The round of n_rounds whose steps took the median time. Of a prompt: all its steps, the depth's too.
  Result<Profile> take_profile(OpTrace& trace) {
    std::vector<OpTrace> traces;
    for (int i = 0; i < options_.n_rounds; ++i) {
      DB_TRY(run_round(engine_, shape(), i, &trace).status());
      traces.push_back(trace);
    }
    const auto middle = traces.begin() + static_cast<int64_t>(traces.size() / 2);
    std::nth_element(traces.begin(), middle, traces.end(),
                     [](const OpTrace& a, const OpTrace& b) { return a.seconds() < b.seconds(); });
    return Profile{test_.name(), *middle};
  }

  Engine& engine_;
  const BenchEngineOptions& options_;
  SpeedTest test_;
};

Status check_list(const char* option, const std::vector<int64_t>& values, int64_t low, int64_t high) {
  for (const int64_t value : values) {
    if (value >= low && value <= high) continue;
    return fail(Code::kInvalidArgument, "{}: wanted {} to {}, found {}", option, low, high, value);
  }
  return Status();
}

Status check_options(const BenchEngineOptions& o) {
  if (o.n_rounds < 1) return fail(Code::kInvalidArgument, "--rounds: wanted at least 1, found {}", o.n_rounds);
  DB_TRY(check_list("--prompt-tokens", o.prompt_tokens, 1, o.engine.max_context));
  DB_TRY(check_list("--generate-tokens", o.generate_tokens, 1, o.engine.max_context));
  DB_TRY(check_list("--depth", o.depths, 0, o.engine.max_context));
  // More would wait for others to end, and never decode with them.
  DB_TRY(check_list("--streams", o.streams, 1, o.engine.max_running));
  return check_engine_output(o.output);
}

}  // namespace

std::string SpeedTest::name() const {
  const std::string what = n_generate > 0 ? fmt::format("tg{}", n_generate) : fmt::format("pp{}", n_prompt);
  return depth > 0 ? fmt::format("{} @ d{}", what, depth) : what;
}

std::vector<double> SpeedRow::rates() const {
  std::vector<double> rates;
  for (const double s : seconds) rates.push_back(static_cast<double>(test.n_tokens()) / s);
  return rates;
}

std::optional<double> SpeedRow::weight_gb_per_s(int64_t bytes_per_token) const {
  if (test.n_generate == 0 || test.n_streams > 1) return std::nullopt;
  return spread_of(rates()).median * static_cast<double>(bytes_per_token) / 1e9;
}

Result<std::vector<SpeedTest>> speed_tests(const BenchEngineOptions& options) {
  DB_TRY(check_options(options));
  std::vector<SpeedTest> tests;
  for (const int64_t depth : options.depths) {
    for (const int64_t n : options.prompt_tokens) tests.push_back({n, 0, depth, 1});
    for (const int64_t n : options.generate_tokens) {
      for (const int64_t n_streams : options.streams) tests.push_back({0, n, depth, n_streams});
    }
  }
  return tests;
}

Result<std::vector<SpeedRow>> measure_engine(Engine& engine, const BenchEngineOptions& options, OpTrace& trace) {
  DB_ASSIGN(const std::vector<SpeedTest> tests, speed_tests(options));
  std::vector<SpeedRow> rows;
  for (const SpeedTest& test : tests) {
    DB_ASSIGN(SpeedRow row, Measurement(engine, options, test).run(trace));
    rows.push_back(std::move(row));
  }
  return rows;
}

Status run_bench_engine(const BenchEngineOptions& options, std::ostream& out) {
  DB_TRY(speed_tests(options).status());  // before the model is loaded
  OpTrace trace;
  EngineOptions all_computed = options.engine;
  all_computed.prefix_cache = false;
  DB_ASSIGN(const auto engine, make_engine(all_computed, &trace));
  EngineSpeedReport report;
  report.card = engine->card();
  DB_ASSIGN(const MachineLimits before, measure_limits(options.machine, options.engine.n_threads));
  DB_ASSIGN(report.rows, measure_engine(*engine, options, trace));
  DB_ASSIGN(const MachineLimits after, measure_limits(options.machine, options.engine.n_threads));
  const int64_t bytes_per_token = report.card.active_weight_bytes;
  report.floor = {bytes_per_token, limits_around(before, after),
                  bytes_per_token > read_machine_info().last_level_bytes()};
  DB_ASSIGN(const CpuDevice device, resolve_cpu_device({options.engine.isa, options.engine.n_threads, {}, nullptr}));
  report.n_threads = device.n_threads;
  report.manifest = bench_manifest(engine_options_json(options));
  print_engine_report(report, options, out);
  return Status();
}

}  // namespace drawbridge
