#include "cost/compare.h"

#include <cmath>

#include "base/text_table.h"
#include "cost/dollars.h"

namespace drawbridge {
namespace {

constexpr double kSameLength = 0.05;
// A comparison of totals: how they are divided between kinds of tokens does not matter.
const Attribution kUndivided{{1, 1}, ""};

bool about_equal(double a, double b) {
  return std::abs(a - b) <= kSameLength * std::max(std::abs(a), std::abs(b));
}

bool same_workload(const BenchFigures& a, const BenchFigures& b) {
  return about_equal(a.input_tokens / a.n_requests, b.input_tokens / b.n_requests) &&
         about_equal(a.output_tokens / a.n_requests, b.output_tokens / b.n_requests) &&
         about_equal(a.cached_share(), b.cached_share());
}

Rental rental_of(const Arm& arm, const PriceBasis& basis, const Figure& price) {
  return {arm.priced_as, arm.n_nodes, arm.n_per_node, basis.name, price};
}

ComparedBasis compare_on(const PriceBasis& basis, const Arm& a, const Arm& b) {
  ComparedBasis row{basis.name, basis.title, basis.dollars_per_hour.at(a.priced_as),
                    basis.dollars_per_hour.at(b.priced_as)};
  const BasisCost cost_a = cost_of_run(a.run, rental_of(a, basis, row.price_a), kUndivided, 1).reserved;
  const BasisCost cost_b = cost_of_run(b.run, rental_of(b, basis, row.price_b), kUndivided, 1).reserved;
  row.per_request_a = cost_a.per_request;
  row.per_request_b = cost_b.per_request;
  row.per_million_output_a = cost_a.per_million_output;
  row.per_million_output_b = cost_b.per_million_output;
  row.by_request = cost_b.per_request / cost_a.per_request;
  row.by_output = cost_b.per_million_output / cost_a.per_million_output;
  return row;
}

Result<std::optional<EnergyUse>> energy_of(const Catalog& catalog, const Arm& arm) {
  DB_ASSIGN(const Accelerator* device, catalog.accelerator(arm.device));
  Rental boards{arm.device, arm.n_nodes, arm.n_per_node, "", {}};
  return energy_of_run(arm.run, boards, device->power_w);
}

std::string arm_text(const char* letter, const Arm& arm) {
  return fmt::format("{}: {}, {} x {}{}: {:.3g} requests/s, {:.0f} output tokens/s\n", letter, arm.run.name,
                     arm.n_nodes * arm.n_per_node, arm.device,
                     arm.priced_as == arm.device ? "" : " at the price of " + arm.priced_as,
                     arm.run.requests_per_second(), arm.run.output_per_second());
}

Json arm_json(const Arm& arm) {
  return {{"name", arm.run.name},
          {"device", arm.device},
          {"priced_as", arm.priced_as},
          {"accelerators", arm.n_nodes * arm.n_per_node},
          {"requests_per_second", arm.run.requests_per_second()},
          {"output_tokens_per_second", arm.run.output_per_second()}};
}

}  // namespace

Result<CostComparison> compare_arms(const Catalog& catalog, const Arm& a, const Arm& b, bool allow_mixed) {
  CostComparison result{a, b, {}, {}, std::nullopt, std::nullopt, same_workload(a.run, b.run)};
  for (const Arm* arm : {&a, &b}) {
    DB_TRY(check_device(*arm, allow_mixed));
    DB_TRY(catalog.accelerator(arm->priced_as).status());
  }
  DB_ASSIGN(result.energy_a, energy_of(catalog, a));
  DB_ASSIGN(result.energy_b, energy_of(catalog, b));
  for (const PriceBasis& basis : catalog.prices()) {
    const bool has_both = basis.dollars_per_hour.contains(a.priced_as) && basis.dollars_per_hour.contains(b.priced_as);
    if (has_both) {
      result.bases.push_back(compare_on(basis, a, b));
    } else {
      result.left_out.push_back(basis.name);
    }
  }
  if (!result.bases.empty()) return result;
  return fail(Code::kNotFound, "no price basis of the catalogue has prices of both {} and {}; --catalog DIR adds yours",
              a.priced_as, b.priced_as);
}

std::string cost_comparison_text(const CostComparison& c) {
  std::string text = arm_text("A", c.a) + arm_text("B", c.b);
  if (!c.same_workload) {
    text += "The workloads differ by more than 5 % in length or cache hits: no ratio below is of the same work.\n";
  }
  TextTable table({"<Price basis", "A, $/h each", "B, $/h each", "A, $/1000 requests", "B", "B over A", "A, $/M output",
                   "B", "B over A"});
  for (const ComparedBasis& row : c.bases) {
    table.add({row.title, format_dollars(row.price_a.value), format_dollars(row.price_b.value),
               format_dollars(1000 * row.per_request_a), format_dollars(1000 * row.per_request_b),
               fmt::format("{:.2f}", row.by_request), format_dollars(row.per_million_output_a),
               format_dollars(row.per_million_output_b), fmt::format("{:.2f}", row.by_output)});
  }
  text += "\n" + table.text();
  if (c.energy_a && c.energy_b) {
    text += fmt::format("\nOutput tokens per kJ of board power: A {:.0f}, B {:.0f} ({:.2f} times A)\n",
                        c.energy_a->output_per_kilojoule, c.energy_b->output_per_kilojoule,
                        c.energy_b->output_per_kilojoule / c.energy_a->output_per_kilojoule);
  }
  for (const std::string& name : c.left_out) text += fmt::format("{}: no price of both devices\n", name);
  return text;
}

Json cost_comparison_json(const CostComparison& c) {
  Json bases = Json::array();
  for (const ComparedBasis& row : c.bases) {
    bases.push_back({{"basis", row.basis},
                     {"price_a", figure_json(row.price_a)},
                     {"price_b", figure_json(row.price_b)},
                     {"dollars_per_request_a", row.per_request_a},
                     {"dollars_per_request_b", row.per_request_b},
                     {"dollars_per_million_output_a", row.per_million_output_a},
                     {"dollars_per_million_output_b", row.per_million_output_b},
                     {"b_over_a_by_request", row.by_request},
                     {"b_over_a_by_output", row.by_output}});
  }
  Json json = {{"a", arm_json(c.a)},
               {"b", arm_json(c.b)},
               {"same_workload", c.same_workload},
               {"bases", std::move(bases)},
               {"left_out", c.left_out}};
  if (c.energy_a) json["output_tokens_per_kilojoule_a"] = c.energy_a->output_per_kilojoule;
  if (c.energy_b) json["output_tokens_per_kilojoule_b"] = c.energy_b->output_per_kilojoule;
  return json;
}

}  // namespace drawbridge
