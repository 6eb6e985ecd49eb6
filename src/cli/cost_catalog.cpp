// `drawbridge cost catalog`: devices, prices and models that costs are computed from.
#include <iostream>

#include "cli/cost_verbs.h"
#include "cost/catalog_report.h"

namespace drawbridge {
namespace {

struct CatalogOptions {
  std::string part;
  std::string directory;
  bool json = false;
};

Status run_cost_catalog(const CatalogOptions& o) {
  DB_ASSIGN(const Catalog catalog, load_catalog(o.directory));
  if (o.json) {
    std::cout << pretty_json(catalog_json(catalog));
    return {};
  }
  std::string text;
  if (o.part.empty() || o.part == "devices") text += devices_text(catalog) + "\n";
  if (o.part.empty() || o.part == "prices") text += prices_text(catalog) + "\n";
  if (o.part.empty() || o.part == "models") text += models_text(catalog) + "\n";
  text.pop_back();
  std::cout << text;
  return {};
}

}  // namespace

void add_cost_catalog(CLI::App& cost, Action& action) {
  CLI::App* verb = cost.add_subcommand("catalog", "devices, prices and models, every figure with its source and date");
  const auto o = std::make_shared<CatalogOptions>();
  verb->add_option("part", o->part, "devices, prices or models; default: all")
      ->check(CLI::IsMember({"devices", "prices", "models"}));
  verb->add_option("--catalog", o->directory, "directory with your own accelerators.json, prices.json, models.json");
  verb->add_flag("--json", o->json, "one JSON object with all");
  verb->callback([o, &action] { action = [o] { return run_cost_catalog(*o); }; });
}

}  // namespace drawbridge
