#include "base/text_table.h"
#include "base/units.h"
#include "cost/cost_report.h"
#include "cost/dollars.h"

namespace drawbridge {
namespace {

std::string head_text(const CostReport& r) {
  const BenchFigures& run = r.arm.run;
  const Figure& price = r.rental.dollars_per_hour;
  std::string text = fmt::format("{} on {} {} of {} {}\n", run.name, r.rental.n_nodes,
                                 r.rental.n_nodes == 1 ? "node" : "nodes", r.rental.n_per_node, r.arm.device);
  text += fmt::format("  {:.3g} requests/s, {:.0f} output tokens/s, {:.1f} % of input cached, {} long\n",
                      run.requests_per_second(), run.output_per_second(), 100 * run.cached_share(),
                      format_duration(run.duration_s));
  text +=
      fmt::format("Price: {} an hour for each {}, {} in all: basis {} ({}, {}, {}{}{})\n", format_dollars(price.value),
                  r.arm.priced_as, format_dollars(r.rental.total_per_hour()), r.rental.basis, price.from.mark,
                  price.from.source, price.from.date, price.from.note.empty() ? "" : "; ", price.from.note);
  text += fmt::format("Divided {}.\n", r.attribution.rule);
  for (const std::string& assumption : r.assumptions) text += fmt::format("Note: {}.\n", assumption);
  return text;
}

std::string rates_text(const CostReport& r) {
  const std::string reserved = fmt::format("reserved at {:.0f} %", 100 * r.utilization);
  TextTable table({"<Dollars", "busy", reserved});
  const BasisCost& busy = r.cost.busy;
  const BasisCost& paid = r.cost.reserved;
  const auto row = [&](const char* what, std::optional<double> a, std::optional<double> b) {
    table.add({what, format_dollars(a), format_dollars(b)});
  };
  row("a million tokens of uncached input", busy.per_million.uncached, paid.per_million.uncached);
  row("a million tokens of cached input", busy.per_million.cached, paid.per_million.cached);
  row("a million tokens of output", busy.per_million.output, paid.per_million.output);
  table.add_rule();
  row("a request", busy.per_request, paid.per_request);
  row("a million output tokens, all charged to them", busy.per_million_output, paid.per_million_output);
  row("a million tokens of any kind", busy.per_million_any, paid.per_million_any);
  return table.text();
}

std::string energy_text(const EnergyUse& e) {
  return fmt::format(
      "Energy: {:.1f} kW of boards as designed: {:.3g} requests, {:.0f} output tokens and {} of rent a kJ\n",
      e.kilowatts, e.requests_per_kilojoule, e.output_per_kilojoule, format_dollars(e.dollars_per_kilojoule));
}

std::string break_even_text(const BreakEven& b) {
  const std::string at = b.utilization > 1 ? fmt::format("never at this rate ({:.0f} % of it)", 100 * b.utilization)
                                           : fmt::format("at {:.1f} % utilization, {:.3g} requests/s",
                                                         100 * b.utilization, b.requests_per_second);
  return fmt::format("{} sells a request for {}, this load for {} an hour: break-even {}\n", b.provider,
                     format_dollars(b.revenue_per_request), format_dollars(b.revenue_per_hour), at);
}

std::string sensitivity_text(const Sensitivity& s) {
  std::vector<std::string> headings = {"Cached", "requests/s"};
  for (const double utilization : s.utilizations) headings.push_back(fmt::format("{:.0f} %", 100 * utilization));
  TextTable table(std::move(headings));
  for (const HitRow& row : s.rows) {
    std::vector<std::string> cells = {fmt::format("{:.0f} %", 100 * row.cached_share),
                                      fmt::format("{:.2f}", row.requests_per_second)};
    for (const double dollars : row.per_request) cells.push_back(format_dollars(1000 * dollars));
    table.add(std::move(cells));
  }
  return "Dollars for 1,000 requests by cached share of input and utilization, if a request takes time in proportion\n"
         "to its weighted tokens and the machine is full in the run:\n" +
         table.text();
}

}  // namespace

std::string cost_text(const CostReport& report) {
  std::string text = head_text(report) + "\n" + rates_text(report) + "\n";
  if (report.energy) text += energy_text(*report.energy);
  if (report.break_even) text += break_even_text(*report.break_even);
  return text + "\n" + sensitivity_text(report.sensitivity);
}

}  // namespace drawbridge
