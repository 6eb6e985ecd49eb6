// TraceBackend: a backend that times every op and adds up what it costs (op_cost.h). It changes no result.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "backend/backend.h"
#include "backend/op_cost.h"

namespace drawbridge {

/// Sums over the calls of one op with weights of one shape and format, or as many rows in all.
struct OpTotals {
  std::string op;       // as Backend names it
  std::string weights;  // "512 x 2048 mxfp4", "512+576 x 2048 mxfp4"; empty for an op without a matrix
  int64_t n_calls = 0;
  int64_t nanoseconds = 0;
  int64_t weight_bytes = 0;  // of `bytes`
  int64_t bytes = 0;
  std::array<int64_t, kArithmetics> operations = {};

  /// A call, and the costs of its parts.
  void add(std::span<const OpCost> costs, int64_t duration_ns);
};

/// What the ops between start() and stop() took. Threads: written by the one that issues ops; start(), stop() and
/// reading are for that thread, or for others while it issues none.
class OpTrace {
 public:
  /// Forgets everything and records from now on.
  void start();
  void stop() { is_on_ = false; }
  bool is_on() const { return is_on_; }

  /// Longest first.
  std::vector<OpTotals> ops() const;
  /// A step ends when it is synchronized.
  int64_t n_steps() const { return n_steps_; }
  /// From start() to the end of the last step, without the time that counting took.
  double seconds() const { return std::chrono::duration<double>(last_step_ - started_ - counting_).count(); }
  /// Of the steps.
  const ParallelCounts& parallel() const { return parallel_; }

 private:
  friend class TraceBackend;
  using Clock = std::chrono::steady_clock;
  using Key = std::tuple<std::string_view, WeightFormat, int64_t, int64_t>;

  bool is_on_ = false;
  std::map<Key, OpTotals> ops_;
  int64_t n_steps_ = 0;
  Clock::time_point started_, last_step_;
  Clock::duration counting_{};
  ParallelCounts parallel_;
};

/// `trace` must outlive it. While the trace is off, an op costs a branch more.
std::unique_ptr<Backend> make_trace_backend(std::unique_ptr<Backend> backend, OpTrace& trace);

}  // namespace drawbridge
