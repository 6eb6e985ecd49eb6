#include <algorithm>

#include "base/text_table.h"
#include "tune/tune.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

std::string gain_text(double default_us, double us) {
  return fmt::format("{:+.1f} %", us > 0 ? 100 * (default_us / us - 1) : 0.0);
}

}  // namespace

std::string tune_report_text(const TuneReport& report) {
  std::string text = fmt::format("{}\n", device_text(report.device));
  double before = 0, after = 0;
  if (!report.rows.empty()) {
    TextTable table({"<product", "tokens", "<default", "us", "<chosen", "us", "speed"});
    for (const TunedRow& row : report.rows) {
      before += row.default_us;
      after += row.us;
      table.add({key_text(row.key.product), fmt::format("{}", row.key.n_tokens),
                 plan_text(default_plan(row.key.product, row.key.n_tokens)), fmt::format("{:.1f}", row.default_us),
                 plan_text(row.plan), fmt::format("{:.1f}", row.us), gain_text(row.default_us, row.us)});
    }
    text += table.text();
    text += fmt::format("all of them once: {:.1f} us by default, {:.1f} us as chosen: {}\n", before, after,
                        gain_text(before, after));
  }
  for (const std::string& plan : report.refused) text += fmt::format("REFUSED, gave other bits: {}\n", plan);
  const int64_t n_left = report.n_wanted - report.n_before - static_cast<int64_t>(report.rows.size());
  text += fmt::format("{}: {} rows measured now, {} before, {} left{}\n", report.table, report.rows.size(),
                      report.n_before, n_left,
                      n_left == 0          ? ""
                      : report.out_of_time ? " (out of time: the same command goes on; --budget gives more)"
                                           : " (stopped: the same command goes on)");
  return text;
}

}  // namespace drawbridge
