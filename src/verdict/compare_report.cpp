#include <fmt/format.h>

#include "base/printable.h"
#include "base/text_table.h"
#include "verdict/compare.h"

namespace drawbridge {
namespace {

std::string number(const std::optional<double>& value) {
  return value ? fmt::format("{:.4g}", *value) : "refused";
}

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

}  // namespace

std::string comparison_text(const MeasurementComparison& comparison) {
  TextTable table({"<load", "<figure", "baseline", "candidate", "ratio",
                   comparison.has_intervals ? "<95 %" : "<range of rounds", "<candidate is"});
  for (const RatioRow& row : comparison.rows) {
    table.add({printable(row.load), row.figure, number(row.baseline), number(row.candidate),
               row.ratio ? fmt::format("{:.3f}", *row.ratio) : "-",
               row.interval ? fmt::format("{:.3f} to {:.3f}", row.interval->low, row.interval->high) : "-",
               ratio_verdict(row)});
  }
  std::string text = table.text();
  if (!comparison.notes.empty()) text += "\nThey differ besides:\n";
  for (const std::string& note : comparison.notes) text += "  " + printable(note) + "\n";
  return text;
}

Json comparison_json(const MeasurementComparison& comparison) {
  Json rows = Json::array();
  for (const RatioRow& row : comparison.rows) {
    Json one = {{"load", row.load},
                {"figure", row.figure},
                {"baseline", optional_json(row.baseline)},
                {"candidate", optional_json(row.candidate)},
                {"ratio", optional_json(row.ratio)},
                {"verdict", ratio_verdict(row)}};
    const char* const key = comparison.has_intervals ? "interval_95" : "range";
    one[key] = row.interval ? Json({row.interval->low, row.interval->high}) : Json();
    rows.push_back(std::move(one));
  }
  return {{"rows", std::move(rows)}, {"notes", comparison.notes}};
}

}  // namespace drawbridge
