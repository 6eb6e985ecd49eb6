// `drawbridge cost`: what a measured run cost, on a stated price basis.
#include <iostream>

#include "cli/cost_verbs.h"
#include "cost/cost_report.h"

namespace drawbridge {
namespace {

struct CostOptions {
  std::string bench;
  int64_t run = 0;
  std::string device;
  std::string priced_as;
  int64_t n_nodes = 1;
  int64_t n_per_node = 0;
  std::string basis;
  std::optional<double> price_per_hour;
  std::string price_date;
  double utilization = 1;
  std::optional<double> cache_hit;
  std::string busy_seconds;
  std::string weights;
  std::string model = "GLM-5.2";
  std::string provider;
  std::string catalog;
  bool allow_mixed = false;
  bool json = false;
};

/// The user's own price, or the catalogue's on the stated basis; there is none to fall back to.
Result<Rental> rental_of(const CostOptions& o, const Catalog& catalog, const Arm& arm) {
  Rental rental{arm.priced_as, arm.n_nodes, arm.n_per_node, o.basis, {}};
  if (o.price_per_hour) {
    if (!o.basis.empty()) return fail(Code::kInvalidArgument, "--basis: found beside --price-per-hour, wanted one");
    if (!(*o.price_per_hour > 0)) {
      return fail(Code::kInvalidArgument, "--price-per-hour: wanted dollars above 0, found {}", *o.price_per_hour);
    }
    if (!is_date(o.price_date)) {
      return fail(Code::kInvalidArgument, "--price-date: wanted the day of the price as YYYY-MM-DD, found '{}'",
                  o.price_date);
    }
    rental.basis = "own";
    rental.dollars_per_hour = {*o.price_per_hour, {"--price-per-hour", o.price_date, "user", ""}};
    return rental;
  }
  if (o.basis.empty()) {
    std::string names;
    for (const PriceBasis& basis : catalog.prices()) names += basis.name + ", ";
    return fail(Code::kInvalidArgument,
                "--basis: wanted one of {}or --price-per-hour X --price-date D: no cost without a stated price", names);
  }
  DB_ASSIGN(rental.dollars_per_hour, catalog.price(o.basis, arm.priced_as));
  return rental;
}

Result<Arm> arm_of(const CostOptions& o, const Catalog& catalog) {
  Arm arm;
  DB_ASSIGN(arm.run, read_bench_figures(o.bench, o.run));
  arm.device = o.device.empty() ? arm.run.device : o.device;
  if (arm.device.empty()) {
    return fail(Code::kInvalidArgument, "--device: wanted what the server ran on: {} does not say it", arm.run.name);
  }
  DB_ASSIGN(const Accelerator* device, catalog.accelerator(arm.device));
  if (o.cache_hit) DB_TRY(state_cached_share(arm.run, *o.cache_hit));
  if (!o.busy_seconds.empty()) {
    DB_ASSIGN(const PhaseSeconds busy, parse_phase_seconds(o.busy_seconds));
    DB_TRY(state_busy(arm.run, busy));
  }
  arm.priced_as = o.priced_as.empty() ? arm.device : o.priced_as;
  DB_TRY(catalog.accelerator(arm.priced_as).status());
  arm.n_nodes = o.n_nodes;
  arm.n_per_node = o.n_per_node > 0 ? o.n_per_node : (device->family == "CPU" ? 1 : 8);
  DB_TRY(check_device(arm, o.allow_mixed));
  return arm;
}

Result<Attribution> attribution_of(const CostOptions& o, const Arm& arm, const ApiPrice* price) {
  if (!o.weights.empty()) {
    DB_ASSIGN(const TokenWeights weights, parse_weights(o.weights));
    return attribution_by_weights(weights);
  }
  if (arm.run.busy) return attribution_by_seconds(*arm.run.busy, arm.run.tokens());
  if (price != nullptr) return attribution_by_price(o.model, *price);
  return fail(Code::kInvalidArgument, "--weights: wanted CACHED:OUTPUT, as the catalogue has no API price of {}",
              o.model);
}

Status run_cost(const CostOptions& o) {
  DB_TRY(check_utilization(o.utilization));
  DB_ASSIGN(const Catalog catalog, load_catalog(o.catalog));
  DB_ASSIGN(const Arm arm, arm_of(o, catalog));
  DB_ASSIGN(const Rental rental, rental_of(o, catalog, arm));
  DB_ASSIGN(const ModelEntry* model, catalog.model(o.model));
  const auto price = find_api_price(*model, o.provider);
  if (!price.ok() && !o.provider.empty()) return price.status();
  const ApiPrice* api_price = price.ok() ? *price : nullptr;
  DB_ASSIGN(const Attribution attribution, attribution_of(o, arm, api_price));
  const CostReport report = make_cost_report(catalog, arm, rental, attribution, o.utilization, api_price);
  std::cout << (o.json ? pretty_json(cost_json(report)) : cost_text(report));
  return {};
}

void add_price_options(CLI::App& verb, CostOptions& o) {
  verb.add_option("--basis", o.basis, "price basis of the catalogue: ownership, 3-year, neocloud-list, ...");
  verb.add_option("--price-per-hour", o.price_per_hour, "your own price instead: dollars an hour of one accelerator");
  verb.add_option("--price-date", o.price_date, "the day of your own price, YYYY-MM-DD");
  verb.add_option("--price-of", o.priced_as, "take another device's price; needs --allow-mixed-hardware");
  verb.add_option("--utilization", o.utilization, "share of the paid hours in which the machine carries this load")
      ->capture_default_str();
  verb.add_option("--weights", o.weights,
                  "CACHED:OUTPUT, what such a token counts in uncached input tokens; default: by the server's seconds, "
                  "else as the API's prices stand to each other");
  verb.add_option("--model", o.model, "whose API price is the other side of break-even")->capture_default_str();
  verb.add_option("--provider", o.provider, "of that price; default: the catalogue's first");
}

}  // namespace

Result<Catalog> load_catalog(const std::string& directory) {
  DB_ASSIGN(Catalog catalog, Catalog::bundled());
  if (!directory.empty()) DB_TRY(catalog.overlay(directory));
  return catalog;
}

void add_cost(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("cost", "dollars a million tokens, a request, a kilojoule of a measured run");
  const auto o = std::make_shared<CostOptions>();
  verb->require_subcommand(0, 1);
  verb->add_option("--bench", o->bench, "result of `bench serve`, sglang's bench_serving or `vllm bench serve`");
  verb->add_option("--run", o->run, "which of several runs in it, from 1; default: the one it calls sustained");
  verb->add_option("--device", o->device,
                   "what the server ran on, by its name in the catalogue; default: what the result says");
  verb->add_option("--nodes", o->n_nodes, "machines that served the run")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  verb->add_option("--gpus-per-node", o->n_per_node, "accelerators in each; default: 8, of a CPU 1")
      ->check(CLI::PositiveNumber);
  verb->add_option("--cache-hit", o->cache_hit, "share of input from a cache, where the result does not say it");
  verb->add_option("--busy-seconds", o->busy_seconds,
                   "INPUT:OUTPUT, what each machine worked in the run; default: what the result says");
  add_price_options(*verb, *o);
  verb->add_option("--catalog", o->catalog, "directory with your own accelerators.json, prices.json, models.json");
  verb->add_flag("--allow-mixed-hardware", o->allow_mixed, "price one device's throughput as another");
  verb->add_flag("--json", o->json, "one JSON object");
  add_cost_compare(*verb, action);
  add_cost_catalog(*verb, action);
  verb->callback([verb, o, &action] {
    if (!verb->get_subcommands().empty()) return;
    if (o->bench.empty()) throw CLI::RequiredError("--bench");
    action = [o] { return run_cost(*o); };
  });
}

}  // namespace drawbridge
