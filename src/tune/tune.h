// tune: measures the plans of a model's products on this machine, through the serving path, and keeps them in a table.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "tuned/coverage.h"

namespace drawbridge {

struct TuneOptions {
  EngineOptions engine;
  std::string out;              // the table; empty: the model's own for this device
  bool moe_only = false;        // products of experts alone
  double budget_s = 120;        // what is not measured by then is left for the next run
  std::vector<int64_t> tokens;  // numbers of tokens; empty: every bucket that the engine's options reach
  bool again = false;           // also what a row is there for
  std::function<bool()> should_stop;
  /// Products times numbers of tokens, and a note.
  std::function<void(int64_t done, int64_t total, const std::string& note)> progress;
};

struct TuneReport {
  TunedDevice device;
  std::string table;
  std::vector<TunedRow> rows;  // measured in this run
  int64_t n_wanted = 0;        // rows that the options ask for
  int64_t n_before = 0;        // that were there
  bool stopped = false;        // by the user
  bool out_of_time = false;
  std::vector<std::string> refused;  // plans that gave other bits
};

/// Rows are on disk as they come; a run that was stopped goes on where it was.
Result<TuneReport> tune(const TuneOptions& options);

/// Most traffic first: decoding one request, full chunks, small batches, then the rest.
std::vector<int64_t> tune_order(std::vector<int64_t> buckets);

/// A table of default against tuned microseconds, what was gained, what is left. Lines ended.
std::string tune_report_text(const TuneReport& report);

}  // namespace drawbridge
