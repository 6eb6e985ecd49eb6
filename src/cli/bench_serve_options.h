// The options of `drawbridge bench serve`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/verbs.h"
#include "load/make_workload.h"
#include "verdict/report.h"

namespace drawbridge {

struct BenchServeOptions {
  std::string url;
  std::string model;
  std::string api_key;
  std::string endpoint = "chat";

  std::vector<std::string> rates;  // "0.5", "inf", "auto"
  std::vector<int64_t> concurrency;
  double burstiness = 1;
  int64_t n_requests = 0;  // 0: 1000 unless there is a duration
  double duration_s = 0;
  int64_t n_warmups = 2;
  bool ignores_eos = false;
  int64_t timeout_s = 300;
  int64_t max_errors = 0;

  WorkloadOptions workload;
  std::string tokenizer;
  std::vector<std::string> limits;  // "ttft:5000", as vLLM's --goodput has them
  LoadReportOptions report;
  bool requires_pass = false;
  std::string out;
  Json given = Json::object();  // every option by name, but the key, for the manifest

  bool is_chat() const { return endpoint == "chat"; }
};

void add_bench_serve_options(CLI::App& verb, BenchServeOptions& options);

/// Checks ranges and fills in what follows from other options.
Status settle_bench_serve(BenchServeOptions& options);

/// The sweep's points in order; empty where the rates are to be searched for (--rps auto).
Result<std::vector<SweepPoint>> sweep_points(const BenchServeOptions& options);

/// Every option that was given or has a default, by name; never the key.
Json options_json(const CLI::App& verb);

}  // namespace drawbridge
