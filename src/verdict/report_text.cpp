#include <fmt/format.h>

#include "base/json_path.h"
#include "base/printable.h"
#include "base/text_table.h"
#include "verdict/report.h"

namespace drawbridge {
namespace {

std::string number(const Estimate& estimate, double factor, int decimals) {
  if (!estimate.value) return "-";
  std::string text = fmt::format("{:.{}f}", factor * *estimate.value, decimals);
  if (!estimate.interval) return text;
  return text + fmt::format(" ({:.{}f} to {:.{}f})", factor * estimate.interval->low, decimals,
                            factor * estimate.interval->high, decimals);
}

/// A refused percentile says what it lacks.
std::string percentile(const Distribution& d, double level, double factor, int decimals) {
  const Percentile& p = d.at(level);
  return p.estimate.value ? number(p.estimate, factor, decimals) : fmt::format("n < {}", p.n_needed);
}

std::string share(double value) {
  return fmt::format("{:.1f} %", 100 * value);
}

std::string token_rate(const JudgedPoint& point) {
  const std::string text = number(point.figures.output_tok_s, 1, 1);
  return point.tokens_are_confirmed() ? text : text + " " + kUnconfirmed;
}

std::string detail_table(const LoadReport& report) {
  TextTable table({"<offered", "TPOT p50, ms", "ITL p50, ms", "ITL p99, ms", "E2E p50, s", "E2E p95, s",
                   "goodput, requests/s", "cached: designed", "reported", "accepted", "tokens in", "out"});
  for (size_t i = 0; i < report.points.size(); ++i) {
    const Figures& f = report.points[i].figures;
    table.add({offered_load(report.runs[i].setup), percentile(f.tpot, 0.5, 1000, 2), percentile(f.itl, 0.5, 1000, 2),
               percentile(f.itl, 0.99, 1000, 2), percentile(f.e2e, 0.5, 1, 2), percentile(f.e2e, 0.95, 1, 2),
               fmt::format("{:.3f}", f.goodput_rps), share(f.cached_designed),
               f.cached_reported ? share(*f.cached_reported) : "-",
               f.accept_length ? fmt::format("{:.2f}", *f.accept_length) : "-", fmt::format("{:.0f}", f.prompt_length),
               fmt::format("{:.0f}", f.output_length)});
  }
  return table.text();
}

std::string check_text(const Check& check) {
  std::string text = fmt::format("  {:<12} {}: wanted {}; found {}", load_verdict_name(check.verdict), check.name,
                                 check.wanted, printable(check.found));
  return text + (check.advice.empty() ? "\n" : fmt::format("\n{:15}{}\n", "", check.advice));
}

std::string point_text(const LoadSetup& setup, const JudgedPoint& point) {
  std::string text = fmt::format("\n{}: {}\n", offered_load(setup), load_verdict_name(point.verdict));
  std::string passed;
  for (const Check& check : point.checks) {
    if (check.verdict != LoadVerdict::kPass) {
      text += check_text(check);
    } else {
      passed += (passed.empty() ? "" : ", ") + check.name;
    }
  }
  return text + (passed.empty() ? "" : fmt::format("  {:<12} {}\n", "pass", passed));
}

std::string provenance(const LoadSetup& setup) {
  const std::string hash = text_at(setup.manifest, {"sha256"});
  return fmt::format("{} at {}{}, {}; workload {}; manifest {}", setup.model, setup.url, setup.endpoint,
                     setup.started_at, setup.workload, hash.empty() ? "without a hash" : hash);
}

}  // namespace

std::string article_table(const LoadReport& report) {
  TextTable table({"<offered", "sustained, requests/s", "output tok/s", "TTFT p50, s", "TTFT p95, s", "success"});
  for (size_t i = 0; i < report.points.size(); ++i) {
    const Figures& f = report.points[i].figures;
    table.add({offered_load(report.runs[i].setup), number(f.sustained_rps, 1, 3), token_rate(report.points[i]),
               percentile(f.ttft, 0.5, 1, 3), percentile(f.ttft, 0.95, 1, 3), share(f.success())});
  }
  const std::string note = report.tokens_are_confirmed() ? "" : std::string(kUnconfirmedNote) + "\n";
  return table.text() + note + "\n" + detail_table(report);
}

std::string verdict_text(const LoadReport& report) {
  std::string text = fmt::format("verdict: {}\n", load_verdict_name(report.verdict));
  if (report.best && report.knee) text += fmt::format("sustained: {}\n", offered_load(report.runs[*report.best].setup));
  if (report.knee) text += check_text(*report.knee);
  for (size_t i = 0; i < report.points.size(); ++i) text += point_text(report.runs[i].setup, report.points[i]);
  if (!report.runs.empty()) text += "\n" + printable(provenance(report.runs.front().setup)) + "\n";
  return text;
}

}  // namespace drawbridge
