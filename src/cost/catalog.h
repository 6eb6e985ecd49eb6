// Catalog: accelerators, prices and models as data (catalog/*.json), every figure with its source and date. A figure
// that nobody published is absent, never guessed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cost/figure.h"

namespace drawbridge {

struct Accelerator {
  std::string name;
  std::string vendor;
  std::string family;
  std::string topology;
  std::optional<Figure> memory_gb;
  std::optional<Figure> bandwidth_tb_s;
  std::optional<Figure> bf16_tflops, fp8_tflops, fp4_tflops;  // dense
  std::optional<Figure> link_gb_s;                            // out of one accelerator to its peers, one direction
  std::optional<Figure> power_w;                              // of the board, as designed
};

/// One way to pay: what an accelerator costs for an hour.
struct PriceBasis {
  std::string name;
  std::string title;
  std::map<std::string, Figure> dollars_per_hour;  // by accelerator
};

struct EngineSupport {
  std::string engine;
  std::string format;
  std::vector<std::string> on;  // accelerators or families; empty: the source does not say
  Provenance from;
};

/// Dollars a million tokens at somebody's API.
struct ApiPrice {
  std::string provider;
  Figure input;
  std::optional<Figure> cached;  // absent: cached input costs as much as other input
  Figure output;
};

struct ModelEntry {
  std::string name;
  std::optional<Figure> parameters_b, active_b;  // 1e9
  std::optional<Figure> context_tokens;
  std::vector<std::string> formats;
  std::vector<EngineSupport> engines;
  std::vector<ApiPrice> api_prices;
};

class Catalog {
 public:
  /// The files that this program was built with.
  static Result<Catalog> bundled();
  /// Adds the accelerators.json, prices.json and models.json that lie in `directory`; an entry replaces the one of its
  /// name, but of a price basis only the accelerators that it names.
  Status overlay(const std::string& directory);

  Status add_accelerators(std::string_view text, const std::string& source);
  Status add_prices(std::string_view text, const std::string& source);
  Status add_models(std::string_view text, const std::string& source);
  /// Every accelerator that a price or an engine names must be one.
  Status check_names() const;

  /// Errors (kNotFound) list the names that there are.
  Result<const Accelerator*> accelerator(const std::string& name) const;
  Result<const PriceBasis*> basis(const std::string& name) const;
  Result<const ModelEntry*> model(const std::string& name) const;
  Result<Figure> price(const std::string& basis, const std::string& accelerator) const;

  const std::vector<Accelerator>& accelerators() const { return accelerators_; }
  const std::vector<PriceBasis>& prices() const { return prices_; }
  const std::vector<ModelEntry>& models() const { return models_; }

 private:
  bool knows_accelerator_or_family(const std::string& name) const;

  std::vector<Accelerator> accelerators_;
  std::vector<PriceBasis> prices_;
  std::vector<ModelEntry> models_;
};

/// One API price of a model: of `provider`, or the first if that is empty.
Result<const ApiPrice*> find_api_price(const ModelEntry& model, const std::string& provider);

}  // namespace drawbridge
