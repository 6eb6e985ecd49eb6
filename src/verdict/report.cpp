#include "verdict/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "verdict/checks.h"

namespace drawbridge {
namespace {

JudgedPoint judge(const LoadRun& run, const LoadReportOptions& options) {
  const LoadLimits limits = options.limits();
  JudgedPoint point;
  point.figures = measure(run, limits, options.seed);
  point.checks = check_point({run, point.figures, limits});
  point.verdict = gravest(point.checks);
  return point;
}

/// Whether a client that failed at this load may itself be what its server's limits were missed by.
bool client_failed(const JudgedPoint& point) {
  return std::any_of(point.checks.begin(), point.checks.end(), [](const Check& check) {
    const bool is_of_client = check.name == "arrivals" || check.name == "lateness" || check.name == "generator" ||
                              check.name == "clocks" || check.name == "complete";
    return is_of_client && check.verdict != LoadVerdict::kPass;
  });
}

std::string failed_names(const JudgedPoint& point, CheckKind kind) {
  std::string names;
  for (const Check& check : point.checks) {
    if (check.kind != kind || check.verdict == LoadVerdict::kPass) continue;
    names += (names.empty() ? "" : ", ") + check.name;
  }
  return names;
}

/// Judges a sweep whose first point that did not pass is `broken` (its number of points if all passed).
Check judge_knee(const LoadReport& report, size_t broken) {
  Check check{"knee", CheckKind::kService, LoadVerdict::kPass, "some load passes and a higher one is too much", "", ""};
  const auto load = [&](size_t i) { return offered_load(report.runs[i].setup); };
  const bool some_passed = broken > 0;
  if (broken == report.points.size()) {
    check.found = fmt::format("{}, the highest, still passes", load(broken - 1));
    return check.with(LoadVerdict::kInsufficient, "The knee was never reached: offer higher loads.");
  }
  const JudgedPoint& point = report.points[broken];
  const bool is_too_much = gravest(point.checks, CheckKind::kService) == LoadVerdict::kFail;
  if (!is_too_much || client_failed(point)) {
    check.found = fmt::format("{} cannot be judged ({})", load(broken), failed_names(point, CheckKind::kMeasurement));
    if (!is_too_much && gravest(point.checks, CheckKind::kMeasurement) == LoadVerdict::kPass) {
      check.found = fmt::format("{} is left open ({})", load(broken), failed_names(point, CheckKind::kService));
    }
    return check.with(point.verdict, "See what this load's checks advise, and run it again.");
  }
  if (!some_passed) {
    check.found = fmt::format("{}, the lowest, is too much ({})", load(0), failed_names(point, CheckKind::kService));
    return check.with(LoadVerdict::kFail, "No load meets the limits: offer lower ones.");
  }
  check.found = fmt::format("{} passes, {} is too much ({})", load(broken - 1), load(broken),
                            failed_names(point, CheckKind::kService));
  return check;
}

}  // namespace

bool JudgedPoint::tokens_are_confirmed() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) {
    return (check.name != "tokens" && check.name != "throughput") || check.verdict == LoadVerdict::kPass;
  });
}

std::string offered_load(const LoadSetup& setup) {
  if (setup.rate_rps > 0) return fmt::format("{:g} requests/s", setup.rate_rps);
  return setup.max_concurrency > 0 ? fmt::format("{} in flight", setup.max_concurrency) : "all at once";
}

bool LoadReport::tokens_are_confirmed() const {
  return std::all_of(points.begin(), points.end(), [](const JudgedPoint& p) { return p.tokens_are_confirmed(); });
}

LoadReport make_report(std::vector<LoadRun> runs, const LoadReportOptions& options) {
  LoadReport report;
  report.options = options;
  report.runs = std::move(runs);
  std::stable_sort(report.runs.begin(), report.runs.end(), [](const LoadRun& a, const LoadRun& b) {
    return std::tie(a.setup.rate_rps, a.setup.max_concurrency) < std::tie(b.setup.rate_rps, b.setup.max_concurrency);
  });
  for (const LoadRun& run : report.runs) report.points.push_back(judge(run, options));
  const auto broken = std::find_if(report.points.begin(), report.points.end(),
                                   [](const JudgedPoint& point) { return point.verdict != LoadVerdict::kPass; });
  const auto n_passed = static_cast<size_t>(broken - report.points.begin());
  if (n_passed > 0) report.best = n_passed - 1;
  if (report.points.size() > 1) report.knee = judge_knee(report, n_passed);
  if (report.knee) {
    report.verdict = report.knee->verdict;
  } else if (!report.points.empty()) {
    report.verdict = report.points.front().verdict;
  }
  return report;
}

}  // namespace drawbridge
