#include "bench/profile.h"

#include <fmt/ostream.h>

#include <numeric>

#include "base/text_table.h"

namespace drawbridge {
namespace {

/// Ops of which a step spends less than this share are printed as one line.
constexpr double kSmallShare = 0.005;

/// A row of the table, for one step.
struct Line {
  std::string op;
  std::string weights;
  double calls = 0;
  double seconds = 0;
  double bytes = 0;
  double operations = 0;
  double least_seconds = 0;

  Line& operator+=(const Line& other) {
    calls += other.calls;
    seconds += other.seconds;
    bytes += other.bytes;
    operations += other.operations;
    least_seconds += other.least_seconds;
    return *this;
  }
};

double step_count(const OpTrace& trace) {
  return static_cast<double>(std::max<int64_t>(trace.n_steps(), 1));
}

Line line_of(const OpTotals& op, const MachineLimits& limits, double n_steps) {
  const int64_t operations = std::accumulate(op.operations.begin(), op.operations.end(), int64_t{0});
  return {op.op,
          op.weights,
          static_cast<double>(op.n_calls) / n_steps,
          1e-9 * static_cast<double>(op.nanoseconds) / n_steps,
          static_cast<double>(op.bytes) / n_steps,
          static_cast<double>(operations) / n_steps,
          limits.seconds(op.bytes, op.operations) / n_steps};
}

std::vector<Line> lines_of(const OpTrace& trace, const MachineLimits& limits) {
  std::vector<Line> lines;
  for (const OpTotals& op : trace.ops()) lines.push_back(line_of(op, limits, step_count(trace)));
  return lines;
}

void add_line(TextTable& table, const Line& line, double step_seconds) {
  const auto rate = [&](double amount) {
    return line.seconds > 0 ? fmt::format("{:.1f}", 1e-9 * amount / line.seconds) : std::string();
  };
  table.add({line.op, line.weights, line.calls > 0 ? fmt::format("{:.4g}", line.calls) : "",
             fmt::format("{:.1f}", 1e6 * line.seconds), fmt::format("{:.1f} %", 100 * line.seconds / step_seconds),
             line.bytes > 0 ? rate(line.bytes) : "", line.operations > 0 ? rate(line.operations) : "",
             line.least_seconds > 0 ? fmt::format("{:.0f} %", 100 * line.least_seconds / line.seconds) : ""});
}

}  // namespace

void print_profile(const Profile& profile, const MachineLimits& limits, std::ostream& out) {
  const OpTrace& trace = profile.trace;
  const double n_steps = step_count(trace), step_seconds = trace.seconds() / n_steps;
  TextTable table({"<op", "<weights", "calls/step", "us/step", "share", "GB/s", "GOP/s", "of limit"});
  Line small, all;
  int n_small = 0;
  for (const Line& line : lines_of(trace, limits)) {
    all += line;
    if (line.seconds >= kSmallShare * step_seconds) {
      add_line(table, line, step_seconds);
    } else {
      small += line;
      ++n_small;
    }
  }
  small.op = fmt::format("{} more", n_small);
  if (n_small > 0) add_line(table, small, step_seconds);
  Line between;
  between.op = "between ops";
  between.seconds = step_seconds - all.seconds;
  add_line(table, between, step_seconds);
  table.add_rule();
  all.op = "step";
  all.seconds = step_seconds;
  add_line(table, all, step_seconds);
  fmt::print(out, "\n{}, {} step{}\n{}", profile.test, trace.n_steps(), trace.n_steps() == 1 ? "" : "s", table.text());
  fmt::print(out, "{:.4g} parallel regions a step, at whose ends the caller waits {:.1f} us\n",
             static_cast<double>(trace.parallel().n_regions) / n_steps,
             1e-3 * static_cast<double>(trace.parallel().wait_ns) / n_steps);
}

Json profile_json(const Profile& profile, const MachineLimits& limits) {
  const OpTrace& trace = profile.trace;
  const double n_steps = step_count(trace);
  Json ops = Json::array();
  double between = trace.seconds() / n_steps;
  for (const Line& line : lines_of(trace, limits)) {
    between -= line.seconds;
    ops.push_back({{"op", line.op},
                   {"weights", line.weights},
                   {"calls", line.calls},
                   {"us", 1e6 * line.seconds},
                   {"bytes", line.bytes},
                   {"operations", line.operations},
                   {"least_us", 1e6 * line.least_seconds}});
  }
  return {{"test", profile.test},
          {"n_steps", trace.n_steps()},
          {"step_us", 1e6 * trace.seconds() / n_steps},
          {"between_ops_us", 1e6 * between},
          {"regions", static_cast<double>(trace.parallel().n_regions) / n_steps},
          {"region_wait_us", 1e-3 * static_cast<double>(trace.parallel().wait_ns) / n_steps},
          {"ops", std::move(ops)}};
}

Json limits_json(const MachineLimits& limits) {
  const auto peak = [&](Arithmetic a) { return limits.peak_g_per_s[static_cast<size_t>(a)].median; };
  return {{"read_gb_per_s", limits.read_gb_per_s.median},
          {"f32_gflop_per_s", peak(Arithmetic::kF32)},
          {"bf16_gflop_per_s", peak(Arithmetic::kBf16)},
          {"int8_gop_per_s", peak(Arithmetic::kInt8)}};
}

std::string limits_text(const MachineLimits& limits) {
  const auto peak = [&](Arithmetic a) { return limits.peak_g_per_s[static_cast<size_t>(a)].median; };
  return fmt::format("memory is read at {:.1f} GB/s; peaks: f32 {:.1f}, bf16 {:.1f} GFLOP/s, int8 {:.1f} GOP/s",
                     limits.read_gb_per_s.median, peak(Arithmetic::kF32), peak(Arithmetic::kBf16),
                     peak(Arithmetic::kInt8));
}

}  // namespace drawbridge
