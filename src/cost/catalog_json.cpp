#include "cost/catalog_report.h"

namespace drawbridge {
namespace {

void put(Json& json, const char* key, const std::optional<Figure>& figure) {
  if (figure) json[key] = figure_json(*figure);
}

Json accelerator_json(const Accelerator& a) {
  Json json = {{"name", a.name}, {"vendor", a.vendor}, {"family", a.family}, {"topology", a.topology}};
  put(json, "memory_gb", a.memory_gb);
  put(json, "bandwidth_tb_s", a.bandwidth_tb_s);
  put(json, "bf16_tflops", a.bf16_tflops);
  put(json, "fp8_tflops", a.fp8_tflops);
  put(json, "fp4_tflops", a.fp4_tflops);
  put(json, "link_gb_s", a.link_gb_s);
  put(json, "power_w", a.power_w);
  return json;
}

Json price_basis_json(const PriceBasis& basis) {
  Json prices = Json::object();
  for (const auto& [name, price] : basis.dollars_per_hour) prices[name] = figure_json(price);
  return {{"name", basis.name}, {"title", basis.title}, {"dollars_per_hour", std::move(prices)}};
}

Json model_json(const ModelEntry& model) {
  Json json = {{"name", model.name}};
  put(json, "parameters_b", model.parameters_b);
  put(json, "active_b", model.active_b);
  put(json, "context_tokens", model.context_tokens);
  json["formats"] = model.formats;
  json["engines"] = Json::array();
  for (const EngineSupport& e : model.engines) {
    json["engines"].push_back({{"engine", e.engine},
                               {"format", e.format},
                               {"on", e.on},
                               {"source", e.from.source},
                               {"date", e.from.date},
                               {"mark", e.from.mark}});
  }
  json["api_prices"] = Json::array();
  for (const ApiPrice& price : model.api_prices) {
    Json one = {{"provider", price.provider}, {"input", figure_json(price.input)}};
    put(one, "cached", price.cached);
    one["output"] = figure_json(price.output);
    json["api_prices"].push_back(std::move(one));
  }
  return json;
}

}  // namespace

Json catalog_json(const Catalog& catalog) {
  Json json = {{"accelerators", Json::array()}, {"prices", Json::array()}, {"models", Json::array()}};
  for (const Accelerator& a : catalog.accelerators()) json["accelerators"].push_back(accelerator_json(a));
  for (const PriceBasis& basis : catalog.prices()) json["prices"].push_back(price_basis_json(basis));
  for (const ModelEntry& model : catalog.models()) json["models"].push_back(model_json(model));
  return json;
}

}  // namespace drawbridge
