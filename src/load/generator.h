// The load generator: sends a workload to a server as an arrival process or a number of clients wants it, on one
// thread, and notes what came back.
//
// Open loop: a request is sent when it is due, however many are unanswered; when the server stalls, those behind it
// are still sent in time and their waiting is seen (no coordinated omission). A turn of a conversation is due at its
// place in the arrivals or when the turn before it has ended, whichever is later: it holds that answer.
// Closed loop: each of N clients sends its next request when its last has ended.
#pragma once

#include <functional>
#include <optional>

#include "load/arrivals.h"
#include "load/load_run.h"
#include "load/planned_request.h"
#include "load/stream_client.h"

namespace drawbridge {

struct LoadProgress {
  double now_s = 0;
  int64_t n_sent = 0;
  int64_t n_ended = 0;
  int64_t n_failed = 0;
  int64_t n_in_flight = 0;
  int64_t n_pieces = 0;
};

struct GeneratorOptions {
  std::optional<ArrivalOptions> arrivals;  // open loop; empty: closed, or the workload's own times
  bool replays_trace = false;              // open loop at the times of the workload
  int64_t max_concurrency = 0;             // closed: its clients; open: bound on requests under way, 0: none
  int64_t n_requests = 0;                  // 0: no bound
  double duration_s = 0;                   // of arrivals; 0: no bound
  int64_t n_warmups = 0;
  int64_t max_errors = 0;  // the run ends after so many; 0: no bound
  /// Tokens of a text, for the client's own count of each answer; empty: none is made.
  std::function<Result<int64_t>(const std::string&)> count_output;
  std::function<bool()> should_stop;  // asked ten times a second
  std::function<void()> on_start;     // after the warm-ups, before the run's clock starts
  std::function<void(const LoadProgress&)> on_progress;
  std::function<Status(const RequestRecord&)> on_record;  // of each request that has ended; a failure ends the run
};

/// Runs one point. Errors: the host has no address, the workload fails before its first request. Anything later,
/// failed requests and a stop included, is in the result.
Result<LoadRun> run_load(LoadSetup setup, const StreamClientOptions& client, Workload& workload,
                         const GeneratorOptions& options);

}  // namespace drawbridge
