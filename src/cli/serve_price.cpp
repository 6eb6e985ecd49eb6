#include "cli/serve_price.h"

#include "cli/cost_verbs.h"

namespace drawbridge {

void add_machine_price_options(CLI::App& verb, ServePrice& price) {
  verb.add_option("--price-per-hour", price.per_hour,
                  "dollars an hour of this machine: /metrics and usage.cost tell what tokens cost");
  verb.add_option("--price-date", price.date, "the day of that price, YYYY-MM-DD");
  verb.add_option("--price-device", price.device, "instead: an accelerator of the catalogue (drawbridge cost catalog)");
  verb.add_option("--price-basis", price.basis, "and the price basis of the catalogue for it");
  verb.add_option("--price-accelerators", price.n_accelerators, "how many of them this machine has")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  verb.add_option("--catalog", price.catalog, "directory with your own prices.json for it");
}

Result<std::optional<MachinePrice>> machine_price(const ServePrice& price) {
  const bool of_catalog = !price.device.empty() || !price.basis.empty();
  if (!price.per_hour && !of_catalog) return std::optional<MachinePrice>();
  if (price.per_hour && of_catalog) {
    return fail(Code::kInvalidArgument,
                "--price-per-hour: found beside --price-device and --price-basis, wanted one price");
  }
  if (of_catalog) {
    if (price.device.empty() || price.basis.empty()) {
      return fail(Code::kInvalidArgument, "{}: is missing: --price-device and --price-basis name a price together",
                  price.device.empty() ? "--price-device" : "--price-basis");
    }
    DB_ASSIGN(const Catalog catalog, load_catalog(price.catalog));
    DB_ASSIGN(Figure hour, catalog.price(price.basis, price.device));
    hour.value *= static_cast<double>(price.n_accelerators);
    return std::optional<MachinePrice>(MachinePrice{price.basis, hour});
  }
  if (!(*price.per_hour > 0)) {
    return fail(Code::kInvalidArgument, "--price-per-hour: wanted dollars above 0, found {}", *price.per_hour);
  }
  if (!is_date(price.date)) {
    return fail(Code::kInvalidArgument, "--price-date: wanted the day of the price as YYYY-MM-DD, found '{}'",
                price.date);
  }
  return std::optional<MachinePrice>(
      MachinePrice{"own", Figure{*price.per_hour, {"--price-per-hour", price.date, "user", ""}}});
}

}  // namespace drawbridge
