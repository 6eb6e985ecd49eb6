#include "cost/cost_report.h"

namespace drawbridge {
namespace {

Json optional_json(const std::optional<double>& value) {
  return value ? Json(*value) : Json();
}

Json basis_json(const BasisCost& cost) {
  return {{"dollars", cost.dollars},
          {"dollars_per_request", cost.per_request},
          {"dollars_per_million_uncached_input", optional_json(cost.per_million.uncached)},
          {"dollars_per_million_cached_input", optional_json(cost.per_million.cached)},
          {"dollars_per_million_output", optional_json(cost.per_million.output)},
          {"dollars_per_million_output_alone", cost.per_million_output},
          {"dollars_per_million_of_any_kind", cost.per_million_any}};
}

Json run_json(const Arm& arm) {
  const BenchFigures& run = arm.run;
  return {{"name", run.name},
          {"device", arm.device},
          {"duration_s", run.duration_s},
          {"requests", run.n_requests},
          {"requests_per_second", run.requests_per_second()},
          {"output_tokens_per_second", run.output_per_second()},
          {"input_tokens", run.input_tokens},
          {"cached_tokens", optional_json(run.cached_tokens)},
          {"output_tokens", run.output_tokens},
          {"busy_s", run.busy ? Json(run.busy->total()) : Json()}};
}

Json price_json(const Rental& rental, const std::string& priced_as) {
  Json json = figure_json(rental.dollars_per_hour);
  json["basis"] = rental.basis;
  json["device"] = priced_as;
  json["nodes"] = rental.n_nodes;
  json["accelerators_per_node"] = rental.n_per_node;
  json["dollars_per_hour_in_all"] = rental.total_per_hour();
  return json;
}

Json sensitivity_json(const Sensitivity& s) {
  Json rows = Json::array();
  for (const HitRow& row : s.rows) {
    rows.push_back({{"cached_share", row.cached_share},
                    {"requests_per_second", row.requests_per_second},
                    {"dollars_per_request", row.per_request},
                    {"dollars_per_million_output_alone", row.per_million_output}});
  }
  return {{"utilizations", s.utilizations}, {"rows", std::move(rows)}};
}

}  // namespace

Json cost_json(const CostReport& r) {
  Json json = {{"run", run_json(r.arm)},
               {"price", price_json(r.rental, r.arm.priced_as)},
               {"attribution",
                {{"rule", r.attribution.rule},
                 {"cached_weight", r.attribution.weights.cached},
                 {"output_weight", r.attribution.weights.output}}},
               {"utilization", r.utilization},
               {"busy", basis_json(r.cost.busy)},
               {"reserved", basis_json(r.cost.reserved)}};
  if (r.energy) {
    json["energy"] = {{"kilowatts", r.energy->kilowatts},
                      {"requests_per_kilojoule", r.energy->requests_per_kilojoule},
                      {"output_tokens_per_kilojoule", r.energy->output_per_kilojoule},
                      {"dollars_per_kilojoule", r.energy->dollars_per_kilojoule}};
  }
  if (r.break_even) {
    json["break_even"] = {{"provider", r.break_even->provider},
                          {"revenue_per_request", r.break_even->revenue_per_request},
                          {"revenue_per_hour", r.break_even->revenue_per_hour},
                          {"utilization", r.break_even->utilization},
                          {"requests_per_second", r.break_even->requests_per_second}};
  }
  json["sensitivity"] = sensitivity_json(r.sensitivity);
  json["assumptions"] = r.assumptions;
  return json;
}

}  // namespace drawbridge
