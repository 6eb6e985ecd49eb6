#include <fmt/format.h>

#include "base/html_page.h"
#include "base/html_table.h"
#include "base/svg.h"
#include "verdict/latency.h"
#include "verdict/plots.h"

namespace drawbridge {
namespace {

std::string estimate(const Estimate& e, double factor, int decimals) {
  if (!e.value) return "refused";
  std::string text = fmt::format("{:.{}f}", factor * *e.value, decimals);
  if (!e.interval) return text;
  return text +
         fmt::format(" ({:.{}f} to {:.{}f})", factor * e.interval->low, decimals, factor * e.interval->high, decimals);
}

std::string percentile(const Distribution& d, double level, double factor, int decimals) {
  const Percentile& p = d.at(level);
  return p.estimate.value ? estimate(p.estimate, factor, decimals) : fmt::format("refused: n < {}", p.n_needed);
}

/// Without its interval.
std::string value_of(const Distribution& d, double level, double factor, int decimals) {
  const Estimate& e = d.at(level).estimate;
  return e.value ? fmt::format("{:.{}f}", factor * *e.value, decimals) : "refused";
}

std::string share(double value) {
  return fmt::format("{:.1f} %", 100 * value);
}

std::string verdict_box(LoadVerdict verdict, const std::string& text) {
  return fmt::format("<div class=\"verdict {0}\"><strong>{0}</strong> {1}</div>\n", load_verdict_name(verdict),
                     escape_html(text));
}

std::string token_rate(const JudgedPoint& point) {
  const std::string text = estimate(point.figures.output_tok_s, 1, 1);
  return point.tokens_are_confirmed() ? text : text + " " + kUnconfirmed;
}

std::string tables_html(const LoadReport& report) {
  HtmlTable rates(
      {"<Offered", "Sustained, requests/s", "Output tok/s", "TTFT p50, s", "TTFT p95, s", "Success", "<Verdict"});
  HtmlTable more({"<Offered", "TPOT p50, ms", "TPOT p95, ms", "ITL p50, ms", "ITL p99, ms", "E2E p50, s", "E2E p95, s",
                  "Goodput, requests/s", "Cached: designed", "Reported", "Accepted"});
  for (size_t i = 0; i < report.points.size(); ++i) {
    const Figures& f = report.points[i].figures;
    const std::string load = offered_load(report.runs[i].setup);
    rates.add({load, estimate(f.sustained_rps, 1, 3), token_rate(report.points[i]), percentile(f.ttft, 0.5, 1, 3),
               percentile(f.ttft, 0.95, 1, 3), share(f.success()), load_verdict_name(report.points[i].verdict)});
    more.add({load, value_of(f.tpot, 0.5, 1000, 2), value_of(f.tpot, 0.95, 1000, 2), value_of(f.itl, 0.5, 1000, 2),
              value_of(f.itl, 0.99, 1000, 2), value_of(f.e2e, 0.5, 1, 2), value_of(f.e2e, 0.95, 1, 2),
              fmt::format("{:.3f}", f.goodput_rps), share(f.cached_designed),
              f.cached_reported ? share(*f.cached_reported) : "not reported",
              f.accept_length ? fmt::format("{:.2f}", *f.accept_length) : "not reported"});
  }
  return rates.element() + (report.tokens_are_confirmed() ? "" : html_paragraph(kUnconfirmedNote)) + more.element() +
         html_paragraph(
             "Intervals: 95 %, circular-block bootstrap. Latencies start when a request was due, not when it "
             "was sent. Refused: the sample holds no upper bound. report.json has the intervals of the second table.");
}

std::string sweep_html(const LoadReport& report) {
  return html_heading(2, "Against the load") + throughput_chart(report.points) +
         ttft_chart(report.points, report.options.ttft_limit_s) +
         (report.options.ttft_limit_s > 0
              ? html_paragraph(fmt::format("Dashed: the limit of {:g} s.", report.options.ttft_limit_s))
              : "");
}

/// Colours and words: a colour alone says nothing to some readers.
std::string checks_html(const std::vector<Check>& checks) {
  std::string rows =
      "<tr><th class=\"name\">Check</th><th class=\"name\">Verdict</th><th class=\"name\">Wanted</th>"
      "<th class=\"name\">Found</th><th class=\"name\">What to do</th></tr>\n";
  for (const Check& check : checks) {
    rows += fmt::format(
        "<tr><td class=\"name\">{}</td><td class=\"name {}\">{}</td><td class=\"name\">{}</td><td "
        "class=\"name\">{}</td>"
        "<td class=\"name\">{}</td></tr>\n",
        escape_html(check.name), load_verdict_name(check.verdict), load_verdict_name(check.verdict),
        escape_html(check.wanted), escape_html(check.found), escape_html(check.advice));
  }
  return "<div class=\"scroll\"><table>\n" + rows + "</table></div>\n";
}

std::string window_text(const SteadyWindow& w) {
  return fmt::format(
      "Steady from {:.1f} s to {:.1f} s: {} requests; {} of warm-up ({}) and {:.1f} s of drain are in no figure.",
      w.begin_s, w.end_s, w.n_steady, w.n_warmup,
      w.change_s ? fmt::format("change point at {:.1f} s", *w.change_s) : "until the system had filled", w.drain_s);
}

std::vector<double> itls_in(const LoadRun& run, const SteadyWindow& window) {
  std::vector<double> gaps;
  for (const RequestRecord* r : measured_requests(run)) {
    if (!r->succeeded() || !window.holds(r->due_s)) continue;
    const std::vector<double> more = itls_s(*r);
    gaps.insert(gaps.end(), more.begin(), more.end());
  }
  return gaps;
}

std::string plots_html(const LoadRun& run, const SteadyWindow& window) {
  return ttft_cdf_chart(run, window) +
         cdf_chart("E2E: share of requests", {"from due", latencies(run, window, e2e_s)},
                   {"from sent", latencies(run, window, e2e_sent_s)}) +
         cdf_chart("ITL: share of gaps", {"gaps between pieces", itls_in(run, window)}, {}) +
         html_heading(3, "Over time") + timeline_chart(run, window);
}

std::string point_html(const LoadReport& report, size_t i) {
  const LoadRun& run = report.runs[i];
  const JudgedPoint& point = report.points[i];
  const SteadyWindow& window = point.figures.window;
  const std::string plots = plots_html(run, window);
  const bool is_shown = report.points.size() == 1 || report.best == i;
  return html_heading(2, offered_load(run.setup)) +
         verdict_box(point.verdict, run.setup.workload + "; " + run.setup.arrivals) +
         html_paragraph(window_text(window)) + checks_html(point.checks) +
         (is_shown ? plots : html_folded("Distributions and timeline", plots)) +
         html_folded("Options and manifest",
                     "<pre>" +
                         escape_html(pretty_json({{"options", run.setup.options}, {"manifest", run.setup.manifest}})) +
                         "</pre>\n");
}

/// Of a run alone: what kept it from passing.
std::string troubles(const JudgedPoint& point) {
  std::string text;
  for (const Check& check : point.checks) {
    if (check.verdict == LoadVerdict::kPass) continue;
    text += fmt::format("{}{}: {}", text.empty() ? "" : " ", check.name, check.advice);
  }
  return text;
}

std::string summary(const LoadReport& report) {
  if (!report.knee) return report.points.empty() ? "" : troubles(report.points.front());
  const std::string sustained =
      report.best ? "sustained: " + offered_load(report.runs[*report.best].setup) + "; " : std::string();
  return sustained + report.knee->found + (report.knee->advice.empty() ? "" : ". " + report.knee->advice);
}

}  // namespace

std::string report_html(const LoadReport& report) {
  std::string body = verdict_box(report.verdict, summary(report)) + tables_html(report);
  if (report.points.size() > 1) body += sweep_html(report);
  for (size_t i = 0; i < report.points.size(); ++i) body += point_html(report, i);
  const std::string title =
      report.runs.empty() ? "load" : report.runs.front().setup.model + " at " + report.runs.front().setup.url;
  return html_page(title, "Load report by drawbridge", body);
}

}  // namespace drawbridge
