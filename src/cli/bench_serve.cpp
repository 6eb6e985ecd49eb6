#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <iostream>

#include "base/log.h"
#include "base/rng.h"
#include "bench/manifest.h"
#include "cli/bench_serve_options.h"
#include "cli/bench_verbs.h"
#include "cli/progress_bar.h"
#include "cli/stop_signal.h"
#include "load/generator.h"
#include "load/knee_search.h"
#include "load/records_file.h"
#include "load/server_probe.h"
#include "load/token_costs.h"
#include "verdict/report_files.h"

namespace drawbridge {
namespace {

constexpr double kFirstSearchRate = 1;

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  const size_t n = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return std::string(text, n);
}

/// All points of one command, against one server.
class LoadBench {
 public:
  explicit LoadBench(const BenchServeOptions& options)
      : o_(options), run_seed_(static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())) {}

  Status prepare();
  /// What was measured before a failure is reported all the same.
  Status run();

 private:
  Status sweep();
  Status report();
  Status run_search();
  Status run_point(const SweepPoint& point);
  LoadSetup setup_of(const SweepPoint& point, const PointWorkload& made) const;
  GeneratorOptions generator_options(const SweepPoint& point, const PointWorkload& made) const;
  StreamClientOptions client_options() const;
  std::string records_path(const SweepPoint& point) const;

  const BenchServeOptions& o_;
  const uint64_t run_seed_;
  ServerAddress server_;
  LoadSetup base_;  // what all points share
  TokenCosts costs_;
  std::vector<LoadRun> runs_;
};

Status LoadBench::prepare() {
  DB_ASSIGN(server_, parse_server_address(o_.url, o_.api_key));
  base_.url = o_.url;
  base_.endpoint = o_.is_chat() ? "/v1/chat/completions" : "/v1/completions";
  base_.ignores_eos = o_.ignores_eos;
  base_.seed = o_.workload.seed;
  base_.options = o_.given;
  base_.manifest = bench_manifest(o_.given);
  base_.model = o_.model;
  if (base_.model.empty()) {
    DB_ASSIGN(base_.model, first_model(server_));
  }
  base_.server = server_identity(server_);
  if (const std::string device = server_device(server_); !device.empty()) base_.manifest["device"] = device;
  DB_ASSIGN(costs_, measure_token_costs(server_, {base_.model, o_.is_chat(), o_.tokenizer, is_history(o_.workload)}));
  base_.prompts_counted_by = costs_.counted_by;
  base_.output_counted_by = o_.tokenizer.empty() ? "pieces" : costs_.counted_by;
  if (o_.out.empty()) return Status();
  std::error_code error;
  std::filesystem::create_directories(o_.out, error);
  if (error) return fail(Code::kPermissionDenied, "--out {}: cannot be made: {}", o_.out, error.message());
  return Status();
}

Status LoadBench::run() {
  const Status swept = sweep();
  if (!runs_.empty()) DB_TRY(report());
  return swept;
}

Status LoadBench::report() {
  const LoadReport report = make_report(std::move(runs_), o_.report);
  std::cout << article_table(report) << "\n" << verdict_text(report);
  if (report.runs.size() == 1) std::cout << "\n" << sglang_block(report, 0);
  if (!o_.out.empty()) DB_TRY(write_report_files(report, o_.out));
  if (!o_.requires_pass || report.verdict == LoadVerdict::kPass) return Status();
  return fail(Code::kUnavailable, "--require-verdict: wanted pass, found {}", load_verdict_name(report.verdict));
}

Status LoadBench::sweep() {
  DB_ASSIGN(const std::vector<SweepPoint> points, sweep_points(o_));
  if (points.empty()) return run_search();
  for (const SweepPoint& point : points) {
    DB_TRY(run_point(point));
    if (interrupted()) break;
  }
  return Status();
}

Status LoadBench::run_search() {
  KneeSearch search(kFirstSearchRate);
  while (const auto rate = search.next()) {
    if (interrupted()) return Status();
    DB_TRY(run_point({*rate, o_.concurrency.empty() ? 0 : o_.concurrency[0]}));
    const std::string why = saturation(runs_.back());
    spdlog::info("{:g} requests a second: {}", *rate, why.empty() ? "the server kept up" : "saturated: " + why);
    search.add(*rate, !why.empty());
  }
  return Status();
}

LoadSetup LoadBench::setup_of(const SweepPoint& point, const PointWorkload& made) const {
  LoadSetup setup = base_;
  setup.workload = made.workload->description();
  setup.cache_design = made.workload->cache_design();
  setup.max_concurrency = point.concurrency;
  setup.started_at = utc_now();
  if (point.is_closed()) {
    setup.arrivals = "closed";
  } else if (made.trace_rps > 0) {
    setup.arrivals = "trace " + std::filesystem::path(o_.workload.path).filename().string();
    setup.rate_rps = made.trace_rps;
  } else {
    const bool all_at_once = std::isinf(point.rate_rps);
    setup.rate_rps = all_at_once ? 0 : point.rate_rps;
    setup.arrivals = describe_arrivals({setup.rate_rps, o_.burstiness, 0});
  }
  return setup;
}

GeneratorOptions LoadBench::generator_options(const SweepPoint& point, const PointWorkload& made) const {
  GeneratorOptions options;
  options.replays_trace = made.trace_rps > 0 && !point.is_closed();
  if (!point.is_closed() && !options.replays_trace) {
    // Times of their own for each rate: one unlucky draw shall not be in every point.
    const uint64_t seed = bits_at(o_.workload.seed, 1000 + runs_.size());
    options.arrivals = {std::isinf(point.rate_rps) ? 0 : point.rate_rps, o_.burstiness, seed};
  }
  options.max_concurrency = point.concurrency;
  options.n_requests = o_.n_requests;
  options.duration_s = o_.duration_s;
  options.n_warmups = std::max(o_.n_warmups, made.n_openings);
  options.max_errors = o_.max_errors;
  // A server is not asked: that would be load, too.
  if (!o_.tokenizer.empty()) options.count_output = costs_.count;
  options.should_stop = interrupted;
  return options;
}

StreamClientOptions LoadBench::client_options() const {
  StreamClientOptions options;
  options.url = server_.at(base_.endpoint);
  if (!o_.api_key.empty()) options.headers.emplace_back("Authorization", "Bearer " + o_.api_key);
  options.read_timeout = std::chrono::seconds(o_.timeout_s);
  return options;
}

std::string LoadBench::records_path(const SweepPoint& point) const {
  return fmt::format("{}/records-{}-{}.jsonl", o_.out, runs_.size() + 1, point.name());
}

/// Shows how far a point is: by requests where their number is known, else by time.
class PointProgress {
 public:
  PointProgress(const std::string& name, int64_t n_requests, double duration_s)
      : bar_(name), n_requests_(n_requests), duration_s_(duration_s) {}

  void show(const LoadProgress& p) {
    const double seconds = std::max(p.now_s, 0.1);
    std::string note = fmt::format("{} running, {} ended, {:.0f} pieces/s", p.n_in_flight, p.n_ended,
                                   static_cast<double>(p.n_pieces) / seconds);
    if (p.n_failed > 0) note += fmt::format(", {} FAILED", p.n_failed);
    ItemCounts counts{p.n_ended, n_requests_, 0};
    if (n_requests_ == 0) counts = {std::llround(std::min(p.now_s, duration_s_)), std::llround(duration_s_), 0};
    bar_.show_items(counts, note);
  }

 private:
  ProgressBar bar_;
  const int64_t n_requests_;
  const double duration_s_;
};

Status LoadBench::run_point(const SweepPoint& point) {
  const uint64_t text_seed = bits_at(run_seed_, runs_.size());
  DB_ASSIGN(const PointWorkload made, make_workload(o_.workload, point, costs_, text_seed));
  const LoadSetup setup = setup_of(point, made);
  GeneratorOptions options = generator_options(point, made);
  std::optional<RecordsWriter> writer;
  if (!o_.out.empty()) {
    DB_ASSIGN(writer, RecordsWriter::create(records_path(point), setup));
    options.on_record = [&writer](const RequestRecord& record) { return writer->add(record); };
  }
  PointProgress progress(point.name(), o_.n_requests, o_.duration_s);
  options.on_progress = [&progress](const LoadProgress& now) { progress.show(now); };
  ServerCounters before;
  options.on_start = [this, &before] { before = read_counters(server_); };
  DB_ASSIGN(LoadRun run, run_load(setup, client_options(), *made.workload, options));
  run.before = before;
  run.after = read_counters(server_);
  if (writer) DB_TRY(writer->finish(run));
  if (run.was_stopped) spdlog::warn("{}: stopped: {}", point.name(), run.stop_reason);
  if (run.n_postponed > 0) {
    spdlog::warn("{}: {} turns were due before the turn before had ended, and went later: the offered load was lower",
                 point.name(), run.n_postponed);
  }
  runs_.push_back(std::move(run));
  return Status();
}

Status bench_serve(BenchServeOptions o) {
  DB_TRY(settle_bench_serve(o));
  catch_interrupts();
  LoadBench bench(o);
  DB_TRY(bench.prepare());
  return bench.run();
}

}  // namespace

void add_bench_serve(CLI::App& bench, Action& action) {
  CLI::App* verb = bench.add_subcommand("serve", "load against an OpenAI-compatible server, with a verdict");
  const auto o = std::make_shared<BenchServeOptions>();
  add_bench_serve_options(*verb, *o);
  verb->callback([o, verb, &action] {
    o->given = options_json(*verb);
    action = [o] { return bench_serve(*o); };
  });
}

}  // namespace drawbridge
