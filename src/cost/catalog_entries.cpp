#include "cost/catalog_entries.h"

#include <algorithm>
#include <initializer_list>

#include "base/json_members.h"

namespace drawbridge {
namespace {

/// A misspelled member would be a figure that is silently absent.
Status refuse_other_members(const Json& object, std::initializer_list<std::string_view> known,
                            const std::string& where) {
  for (const auto& [key, value] : object.items()) {
    const bool always = key == "name" || key == "source" || key == "date" || key == "mark" || key == "note";
    if (always || std::find(known.begin(), known.end(), key) != known.end()) continue;
    return fail(Code::kInvalidArgument, "{}: found a member \"{}\" that nobody knows", where, key);
  }
  return {};
}

Result<std::vector<std::string>> read_texts(const Json& object, const char* key, const std::string& where) {
  DB_ASSIGN(const Json* array, array_member(object, key, where));
  std::vector<std::string> texts;
  for (const Json& item : *array) {
    if (!item.is_string()) {
      return fail(Code::kInvalidArgument, "{}: {}: wanted strings, found {}", where, key, dump_json(item));
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Result<EngineSupport> read_engine(const Json& json, const std::string& model) {
  EngineSupport engine;
  DB_ASSIGN(engine.engine, string_member(json, "engine", model + ": engines"));
  const std::string where = model + ": engines: " + engine.engine;
  DB_TRY(refuse_other_members(json, {"engine", "format", "on"}, where));
  DB_ASSIGN(engine.format, string_member(json, "format", where));
  DB_ASSIGN(engine.on, read_texts(json, "on", where));
  DB_ASSIGN(engine.from, read_provenance(json, {}, where));
  DB_TRY(check_provenance(engine.from, where));
  return engine;
}

Result<ApiPrice> read_api_price(const Json& json, const std::string& model) {
  ApiPrice price;
  DB_ASSIGN(price.provider, string_member(json, "provider", model + ": api_prices"));
  const std::string where = model + ": api_prices: " + price.provider;
  DB_TRY(refuse_other_members(json, {"provider", "input", "cached", "output"}, where));
  DB_ASSIGN(const Provenance outer, read_provenance(json, {}, where));
  DB_ASSIGN(price.input, read_figure(json, "input", outer, where));
  DB_ASSIGN(price.cached, read_optional_figure(json, "cached", outer, where));
  DB_ASSIGN(price.output, read_figure(json, "output", outer, where));
  price.input.from.note = outer.note;
  return price;
}

}  // namespace

Result<Accelerator> read_accelerator(const Json& json, const std::string& where) {
  DB_TRY(refuse_other_members(json,
                              {"vendor", "family", "topology", "memory_gb", "bandwidth_tb_s", "bf16_tflops",
                               "fp8_tflops", "fp4_tflops", "link_gb_s", "power_w"},
                              where));
  Accelerator a;
  DB_ASSIGN(a.name, string_member(json, "name", where));
  DB_ASSIGN(a.vendor, string_member(json, "vendor", where));
  DB_ASSIGN(a.family, string_member(json, "family", where));
  DB_ASSIGN(a.topology, string_member(json, "topology", where));
  DB_ASSIGN(const Provenance outer, read_provenance(json, {}, where));
  DB_ASSIGN(a.memory_gb, read_optional_figure(json, "memory_gb", outer, where));
  DB_ASSIGN(a.bandwidth_tb_s, read_optional_figure(json, "bandwidth_tb_s", outer, where));
  DB_ASSIGN(a.bf16_tflops, read_optional_figure(json, "bf16_tflops", outer, where));
  DB_ASSIGN(a.fp8_tflops, read_optional_figure(json, "fp8_tflops", outer, where));
  DB_ASSIGN(a.fp4_tflops, read_optional_figure(json, "fp4_tflops", outer, where));
  DB_ASSIGN(a.link_gb_s, read_optional_figure(json, "link_gb_s", outer, where));
  DB_ASSIGN(a.power_w, read_optional_figure(json, "power_w", outer, where));
  return a;
}

Result<PriceBasis> read_price_basis(const Json& json, const std::string& where) {
  DB_TRY(refuse_other_members(json, {"title", "dollars_per_hour"}, where));
  PriceBasis basis;
  DB_ASSIGN(basis.name, string_member(json, "name", where));
  DB_ASSIGN(basis.title, string_member(json, "title", where));
  DB_ASSIGN(const Provenance outer, read_provenance(json, {}, where));
  DB_ASSIGN(const Json* prices, member(json, "dollars_per_hour", where));
  DB_TRY(check_object(*prices, where + ": dollars_per_hour"));
  for (const auto& [name, price] : prices->items()) {
    DB_ASSIGN(Figure figure, read_figure(*prices, name.c_str(), outer, where));
    basis.dollars_per_hour.emplace(name, std::move(figure));
  }
  return basis;
}

Result<ModelEntry> read_model_entry(const Json& json, const std::string& where) {
  DB_TRY(refuse_other_members(json, {"parameters_b", "active_b", "context_tokens", "formats", "engines", "api_prices"},
                              where));
  ModelEntry model;
  DB_ASSIGN(model.name, string_member(json, "name", where));
  DB_ASSIGN(const Provenance outer, read_provenance(json, {}, where));
  DB_ASSIGN(model.parameters_b, read_optional_figure(json, "parameters_b", outer, where));
  DB_ASSIGN(model.active_b, read_optional_figure(json, "active_b", outer, where));
  DB_ASSIGN(model.context_tokens, read_optional_figure(json, "context_tokens", outer, where));
  DB_ASSIGN(model.formats, read_texts(json, "formats", where));
  DB_ASSIGN(const Json* engines, array_member(json, "engines", where));
  for (const Json& item : *engines) {
    DB_ASSIGN(EngineSupport engine, read_engine(item, where));
    model.engines.push_back(std::move(engine));
  }
  DB_ASSIGN(const Json* prices, array_member(json, "api_prices", where));
  for (const Json& item : *prices) {
    DB_ASSIGN(ApiPrice price, read_api_price(item, where));
    model.api_prices.push_back(std::move(price));
  }
  return model;
}

}  // namespace drawbridge
