#include "bench/engine_speed.h"

#include <fmt/ostream.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/json.h"
#include "base/units.h"
#include "bench/machine.h"

namespace drawbridge {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_between(SteadyClock::time_point from, SteadyClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

struct Shape {
  int64_t n_prompt = 0;
  int64_t n_generate = 0;
  int64_t n_streams = 1;

  bool is_prefill() const { return n_generate == 1; }
};

/// Times of one round over all its streams. Threads: sinks write under the mutex, wait() reads after the last finish.
/// A trace covers a prefill, or the decoding from where all streams do until one ends: it is switched between steps.
class Round {
 public:
  Round(const Shape& shape, OpTrace* trace)
      : trace_(trace), n_starting_(shape.n_streams), n_open_(shape.n_streams), started_(SteadyClock::now()) {
    if (trace_ != nullptr && shape.is_prefill()) trace_->start();
  }

  /// Of one stream; `is_first`: nothing came of it before.
  void record(const Output& output, bool is_first) {
    const std::lock_guard lock(mutex_);
    if (output.token) {
      last_token_ = SteadyClock::now();
      if (n_tokens_++ == 0) first_token_ = last_token_;
    }
    if (is_first && --n_starting_ == 0 && trace_ != nullptr && !trace_->is_on()) trace_->start();
    if (!output.finish) return;
    if (trace_ != nullptr) trace_->stop();
    if (!output.finish->error.ok()) error_ = output.finish->error;
    if (--n_open_ == 0) ended_.notify_all();
  }

  Status wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return n_open_ == 0; });
    return error_;
  }

  double prefill_s() const { return seconds_between(started_, first_token_); }
  /// Tokens a second after the first token of the round; the first is prefill's.
  double decode_per_s() const {
    return static_cast<double>(n_tokens_ - 1) / seconds_between(first_token_, last_token_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  OpTrace* trace_;
  int64_t n_starting_;
  int64_t n_open_;
  int64_t n_tokens_ = 0;
  SteadyClock::time_point started_, first_token_, last_token_;
  Status error_;
};

/// A prompt without meaning, the same in every run: ordinary byte tokens of the vocabulary's first half.
std::vector<int32_t> random_prompt(int64_t n_tokens, int64_t salt, int32_t vocab_size) {
  std::vector<int32_t> prompt;
  uint64_t state = 0x9e3779b97f4a7c15u * static_cast<uint64_t>(salt + 1);
  for (int64_t i = 0; i < n_tokens; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    prompt.push_back(static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(vocab_size / 2)));
  }
  return prompt;
}

Status run_round(Engine& engine, const Shape& shape, int64_t salt, Round& round) {
  for (int64_t stream = 0; stream < shape.n_streams; ++stream) {
    GenerateRequest request;
    request.prompt = random_prompt(shape.n_prompt, salt * shape.n_streams + stream, engine.tokenizer().vocab_size());
    request.sampling.temperature = 0;
    request.max_tokens = shape.n_generate;
    request.ignore_eos = true;
    const auto sink = [&round, is_first = true](const Output& output) mutable {
      round.record(output, std::exchange(is_first, false));
    };
    const auto id = engine.submit(std::move(request), sink);
    if (!id.ok()) {
      // Streams already submitted still point at `round`.
      engine.drain();
      return id.status();
    }
  }
  return round.wait();
}

std::string share_text(const SpeedRow& row, const ReadFloor& floor) {
  if (!row.weight_gb_per_s) return "";
  if (!floor.from_memory) return "in cache";
  return fmt::format("{:.0f} %", 100 * *row.weight_gb_per_s / floor.limits.read_gb_per_s.median);
}

/// The round of n_rounds whose steps took the median time.
Result<Profile> take_profile(Engine& engine, const Shape& shape, const BenchEngineOptions& options, std::string name,
                             OpTrace& trace) {
  std::vector<OpTrace> traces;
  for (int i = 0; i < options.n_rounds; ++i) {
    Round round(shape, &trace);
    DB_TRY(run_round(engine, shape, i, round));
    traces.push_back(trace);
  }
  const auto middle = traces.begin() + static_cast<int64_t>(traces.size() / 2);
  std::nth_element(traces.begin(), middle, traces.end(),
                   [](const OpTrace& a, const OpTrace& b) { return a.seconds() < b.seconds(); });
  return Profile{std::move(name), *middle};
}

/// One warm-up, then n_rounds timed; `rate` turns a round into tokens per second.
template <typename Rate>
Result<SpeedRow> measure(Engine& engine, const Shape& shape, const BenchEngineOptions& options, std::string name,
                         Rate rate, OpTrace& trace) {
  std::vector<double> samples;
  for (int i = 0; i <= options.n_rounds; ++i) {
    Round round(shape, nullptr);
    DB_TRY(run_round(engine, shape, i, round));
    if (i > 0) samples.push_back(rate(round));
  }
  SpeedRow row{name, spread_of(std::move(samples)), {}, {}};
  if (options.profile) {
    DB_ASSIGN(row.profile, take_profile(engine, shape, options, std::move(name), trace));
  }
  return row;
}

void print_table(const ModelCard& card, const BenchEngineOptions& options, const std::vector<SpeedRow>& rows,
                 const ReadFloor& floor, std::ostream& out) {
  fmt::print(out, "| model | size | params | backend | streams | test | t/s (median) | min .. max | of read speed |\n");
  fmt::print(out, "|---|---:|---:|---|---:|---|---:|---:|---:|\n");
  for (const SpeedRow& row : rows) {
    fmt::print(out, "| {} | {:.2f} GB | {:.1f} M | {} | {} | {} | {:.1f} | {:.1f} .. {:.1f} | {} |\n", card.name,
               static_cast<double>(card.weight_bytes) / 1e9, static_cast<double>(card.n_parameters) / 1e6, card.backend,
               options.n_streams, row.test, row.tokens_per_s.median, row.tokens_per_s.min, row.tokens_per_s.max,
               share_text(row, floor));
  }
  fmt::print(out, "\nOne decoded token reads {} of weights; {} (reading {:.1f} .. {:.1f}).\n",
             format_bytes(floor.bytes_per_token), limits_text(floor.limits), floor.limits.read_gb_per_s.min,
             floor.limits.read_gb_per_s.max);
  for (const std::string& line : card.plans) fmt::print(out, "{}\n", line);
  for (const SpeedRow& row : rows) {
    if (row.profile) print_profile(*row.profile, floor.limits, out);
  }
}

void print_json(const ModelCard& card, const BenchEngineOptions& options, const std::vector<SpeedRow>& rows,
                const ReadFloor& floor, std::ostream& out) {
  Json report = {{"model", card.name},
                 {"weight_bytes", card.weight_bytes},
                 {"weight_bytes_per_token", floor.bytes_per_token},
                 {"weights_from_memory", floor.from_memory},
                 {"read_gb_per_s", floor.limits.read_gb_per_s.median},
                 {"limits", limits_json(floor.limits)},
                 {"n_parameters", card.n_parameters},
                 {"backend", card.backend},
                 {"kv_cache_dtype", card.kv_cache_dtype},
                 {"activation", card.activation},
                 {"plans", card.plans},
                 {"n_streams", options.n_streams},
                 {"n_rounds", options.n_rounds},
                 {"source", "measured"},
                 {"tests", Json::array()}};
  for (const SpeedRow& row : rows) {
    report["tests"].push_back({{"test", row.test},
                               {"tokens_per_s", row.tokens_per_s.median},
                               {"min", row.tokens_per_s.min},
                               {"max", row.tokens_per_s.max}});
    if (row.weight_gb_per_s) report["tests"].back()["weight_gb_per_s"] = *row.weight_gb_per_s;
    if (row.profile) report["tests"].back()["profile"] = profile_json(*row.profile, floor.limits);
  }
  fmt::print(out, "{}\n", dump_json(report));
}

}  // namespace

Result<std::vector<SpeedRow>> measure_engine(Engine& engine, const BenchEngineOptions& options, OpTrace& trace) {
  std::vector<SpeedRow> rows;
  for (const int64_t n : options.prompt_tokens) {
    const auto rate = [n](const Round& round) { return static_cast<double>(n) / round.prefill_s(); };
    DB_ASSIGN(SpeedRow row, measure(engine, {n, 1, 1}, options, fmt::format("pp{}", n), rate, trace));
    rows.push_back(std::move(row));
  }
  for (const int64_t n : options.generate_tokens) {
    if (n < 2) return fail(Code::kInvalidArgument, "--generate-tokens: wanted at least 2, found {}", n);
    const auto rate = [](const Round& round) { return round.decode_per_s(); };
    DB_ASSIGN(SpeedRow row, measure(engine, {16, n, options.n_streams}, options, fmt::format("tg{}", n), rate, trace));
    if (options.n_streams == 1) {
      row.weight_gb_per_s = row.tokens_per_s.median * static_cast<double>(engine.card().active_weight_bytes) / 1e9;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Status run_bench_engine(const BenchEngineOptions& options, std::ostream& out) {
  if (options.n_rounds < 1)
    return fail(Code::kInvalidArgument, "--rounds: wanted at least 1, found {}", options.n_rounds);
  OpTrace trace;
  DB_ASSIGN(const auto engine, make_engine(options.engine, &trace));
  DB_ASSIGN(const MachineLimits before, measure_limits(options.machine, options.engine.n_threads));
  DB_ASSIGN(const auto rows, measure_engine(*engine, options, trace));
  DB_ASSIGN(const MachineLimits after, measure_limits(options.machine, options.engine.n_threads));
  const int64_t bytes_per_token = engine->card().active_weight_bytes;
  const ReadFloor floor{bytes_per_token, limits_around(before, after),
                        bytes_per_token > read_machine_info().last_level_bytes()};
  if (options.json) {
    print_json(engine->card(), options, rows, floor, out);
  } else {
    print_table(engine->card(), options, rows, floor, out);
  }
  return Status();
}

}  // namespace drawbridge
