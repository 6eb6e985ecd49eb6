#include "tune/tune.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "base/durable.h"
#include "base/version.h"
#include "engine/step.h"
#include "tune/op_bench.h"
#include "tune/provenance.h"
#include "tuned/plan_text.h"
#include "tuned/table.h"

namespace drawbridge {
namespace {

using Clock = std::chrono::steady_clock;

/// An op at a number of tokens.
struct Job {
  const ProductOp* op = nullptr;
  int64_t n_tokens = 0;
};

std::vector<int64_t> buckets_of(const ProductOp& op, const TuneOptions& options) {
  const ExpectedTraffic traffic{options.engine.max_running, options.engine.max_step_tokens};
  return options.tokens.empty() ? expected_buckets({op.keys.front(), op.one_row_a_request}, traffic) : options.tokens;
}

/// Number of tokens by number of tokens; experts before the rest.
std::vector<Job> jobs_of(const std::vector<ProductOp>& ops, const TuneOptions& options) {
  std::vector<int64_t> all;
  for (const ProductOp& op : ops) {
    for (const int64_t bucket : buckets_of(op, options)) all.push_back(bucket);
  }
  std::vector<Job> jobs;
  for (const int64_t bucket : tune_order(all)) {
    for (const bool moe : {true, false}) {
      for (const ProductOp& op : ops) {
        const std::vector<int64_t> own = buckets_of(op, options);
        const bool wanted = std::find(own.begin(), own.end(), bucket) != own.end();
        if (wanted && op.calls.front().is_moe() == moe) jobs.push_back({&op, bucket});
      }
    }
  }
  return jobs;
}

class Tuning {
 public:
  Tuning(const TuneOptions& options, OpBench& bench, TunedTableFile& table, TuneReport& report)
      : options_(options), bench_(bench), table_(table), report_(report) {}

  Status run(const std::vector<Job>& jobs) {
    for (const Job& job : jobs) report_.n_wanted += static_cast<int64_t>(job.op->keys.size());
    for (const Job& job : jobs) {
      if (is_done(job)) {
        report_.n_before += static_cast<int64_t>(job.op->keys.size());
        continue;
      }
      DB_TRY(tune_op(job));
    }
    return Status();
  }

 private:
  TunedKey key_of(const ProductKey& product, int64_t n_tokens) const { return {report_.device, product, n_tokens}; }

  bool is_done(const Job& job) const {
    if (options_.again) return false;
    return std::all_of(job.op->keys.begin(), job.op->keys.end(), [&](const ProductKey& product) {
      const auto row = table_.table().rows().find(key_of(product, job.n_tokens));
      return row != table_.table().rows().end() && row->second.origin == PlanOrigin::kMeasured;
    });
  }

  Status tune_op(const Job& job) {
    DB_ASSIGN(const double error, bench_.start(*job.op, job.n_tokens));
    for (const ProductKey& product : job.op->keys) {
      if (options_.progress) {
        const auto done = report_.n_before + static_cast<int64_t>(report_.rows.size());
        options_.progress(done, report_.n_wanted, fmt::format("{} tokens={}", key_text(product), job.n_tokens));
      }
      const auto time = [&](std::span<const TilePlan> plans) { return bench_.time(product, plans); };
      DB_ASSIGN(FoundTuning found, search_plans(product, job.n_tokens, time, tile_limits(report_.device.isa)));
      bench_.keep(product, found.plan);
      TunedRow row;
      row.key = key_of(product, job.n_tokens);
      row.plan = found.plan;
      row.us = found.us;
      row.default_us = found.default_us;
      row.max_error = error;
      row.candidates = std::move(found.candidates);
      row.date = today();
      row.machine = host_name();
      row.version = version();
      DB_TRY(keep(std::move(row)));
    }
    return Status();
  }

  Status keep(TunedRow row) {
    for (const TunedCandidate& candidate : row.candidates) {
      if (candidate.us) continue;
      report_.refused.push_back(
          fmt::format("{} tokens={} plan {}", key_text(row.key.product), row.key.n_tokens, plan_text(candidate.plan)));
    }
    DB_TRY(table_.add(row));
    report_.rows.push_back(std::move(row));
    return Status();
  }

  const TuneOptions& options_;
  OpBench& bench_;
  TunedTableFile& table_;
  TuneReport& report_;
};

Result<TunedTableFile> open_table(const TuneOptions& options, const TunedDevice& device, std::string& path) {
  path = options.out;
  if (path.empty()) {
    path = default_table_path(options.engine.model, device);
    std::error_code error;
    std::filesystem::create_directories(parent_directory(path), error);
    if (error) return fail(Code::kPermissionDenied, "{}: its folder cannot be made: {}", path, error.message());
  }
  return TunedTableFile::open(path);
}

}  // namespace

std::vector<int64_t> tune_order(std::vector<int64_t> buckets) {
  constexpr int64_t kFirst[] = {1, 2048, 512, 8};
  std::sort(buckets.begin(), buckets.end());
  buckets.erase(std::unique(buckets.begin(), buckets.end()), buckets.end());
  const auto rank = [&](int64_t bucket) { return std::find(std::begin(kFirst), std::end(kFirst), bucket); };
  std::stable_sort(buckets.begin(), buckets.end(), [&](int64_t a, int64_t b) { return rank(a) < rank(b); });
  return buckets;
}

Result<TuneReport> tune(const TuneOptions& options) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.budget_s));
  TuneReport report;
  EngineOptions engine = options.engine;
  engine.tuned_table.clear();
  DB_ASSIGN(const Glm52Config config, load_glm52_config(engine.model));
  ProductCollector collector;
  DB_ASSIGN(const auto runner, make_step_runner(engine, config, OpWatchers{&collector, nullptr}));
  DB_ASSIGN(const StepRunner::Probe probe, runner->probe());
  report.device = runner->plans().device;
  DB_ASSIGN(TunedTableFile table, open_table(options, report.device, report.table));

  const auto should_stop = [&] {
    report.stopped = report.stopped || (options.should_stop && options.should_stop());
    report.out_of_time = report.out_of_time || Clock::now() > deadline;
    return report.stopped || report.out_of_time;
  };
  CpuOptions cpu;
  cpu.isa = engine.isa;
  cpu.n_threads = engine.n_threads;
  cpu.numerics = runner->backend().numerics();
  DB_ASSIGN(const auto bench, OpBench::create(cpu, config.n_experts, should_stop));
  std::vector<ProductOp> ops = bench->group(collector.calls(), probe.n_tokens);
  if (options.moe_only) std::erase_if(ops, [](const ProductOp& op) { return !op.calls.front().is_moe(); });
  if (ops.empty()) {
    return fail(Code::kUnsupported, "{} on {}: no product of this model is cut by a plan: there is nothing to tune",
                engine.model, device_text(report.device));
  }
  const Status done = Tuning(options, *bench, table, report).run(jobs_of(ops, options));
  if (!done.ok() && done.code() != Code::kCancelled) return done;
  return report;
}

}  // namespace drawbridge
