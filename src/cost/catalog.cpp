#include "cost/catalog.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/json_members.h"
#include "base/mapped_file.h"
#include "cost/catalog_entries.h"
#include "cost/catalog_files.h"

namespace drawbridge {
namespace {

constexpr size_t kMaxFileBytes = 4u << 20;

template <typename Entry>
Entry* find_entry(std::vector<Entry>& entries, const std::string& name) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

template <typename Entry>
std::string names_of(const std::vector<Entry>& entries) {
  std::string names;
  for (const Entry& entry : entries) names += (names.empty() ? "" : ", ") + entry.name;
  return names;
}

template <typename Entry>
Result<const Entry*> find_or_list(const std::vector<Entry>& entries, const std::string& name, const char* what) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const Entry& e) { return e.name == name; });
  if (found != entries.end()) return &*found;
  return fail(Code::kNotFound, "{}: the catalogue has no '{}'; it has {} (--catalog DIR adds your own)", what, name,
              names_of(entries));
}

template <typename Entry>
void replace_entry(std::vector<Entry>& entries, Entry entry) {
  if (Entry* old = find_entry(entries, entry.name)) {
    *old = std::move(entry);
  } else {
    entries.push_back(std::move(entry));
  }
}

/// Reads the array `key` of a file's object and hands each entry to `add`; names within a file are unique.
template <typename Read, typename Add>
Status read_entries(std::string_view text, const char* key, const std::string& source, Read read, Add add) {
  DB_ASSIGN(const Json json, parse_json(text, source));
  DB_ASSIGN(const Json* entries, array_member(json, key, source));
  std::set<std::string> names;
  for (const Json& item : *entries) {
    DB_ASSIGN(const std::string name, string_member(item, "name", source + ": " + key));
    if (!names.insert(name).second) return fail(Code::kCorrupt, "{}: found two entries '{}'", source, name);
    auto entry = read(item, source + ": " + name);
    if (!entry.ok()) return entry.status();
    add(std::move(entry).value());
  }
  return {};
}

}  // namespace

Status Catalog::add_accelerators(std::string_view text, const std::string& source) {
  return read_entries(text, "accelerators", source, read_accelerator,
                      [this](Accelerator entry) { replace_entry(accelerators_, std::move(entry)); });
}

Status Catalog::add_prices(std::string_view text, const std::string& source) {
  return read_entries(text, "prices", source, read_price_basis, [this](PriceBasis entry) {
    PriceBasis* old = find_entry(prices_, entry.name);
    if (old == nullptr) return prices_.push_back(std::move(entry));
    old->title = std::move(entry.title);
    for (auto& [name, price] : entry.dollars_per_hour) old->dollars_per_hour[name] = std::move(price);
  });
}

Status Catalog::add_models(std::string_view text, const std::string& source) {
  return read_entries(text, "models", source, read_model_entry,
                      [this](ModelEntry entry) { replace_entry(models_, std::move(entry)); });
}

bool Catalog::knows_accelerator_or_family(const std::string& name) const {
  return std::any_of(accelerators_.begin(), accelerators_.end(),
                     [&](const Accelerator& a) { return a.name == name || a.family == name; });
}

Status Catalog::check_names() const {
  for (const PriceBasis& basis : prices_) {
    for (const auto& [name, price] : basis.dollars_per_hour) {
      const auto known = accelerator(name);
      if (!known.ok()) return fail(Code::kNotFound, "price basis {}: {}", basis.name, known.status().message());
    }
  }
  for (const ModelEntry& model : models_) {
    for (const EngineSupport& engine : model.engines) {
      for (const std::string& name : engine.on) {
        if (knows_accelerator_or_family(name)) continue;
        return fail(Code::kNotFound, "model {}: engine {}: no accelerator or family is called '{}'", model.name,
                    engine.engine, name);
      }
    }
  }
  return {};
}

Result<Catalog> Catalog::bundled() {
  Catalog catalog;
  DB_TRY(catalog.add_accelerators(kAcceleratorsJson, "catalog/accelerators.json"));
  DB_TRY(catalog.add_prices(kPricesJson, "catalog/prices.json"));
  DB_TRY(catalog.add_models(kModelsJson, "catalog/models.json"));
  DB_TRY(catalog.check_names());
  return catalog;
}

Status Catalog::overlay(const std::string& directory) {
  struct File {
    const char* name;
    Status (Catalog::*add)(std::string_view, const std::string&);
  };
  bool found_any = false;
  for (const File& file : {File{"accelerators.json", &Catalog::add_accelerators},
                           File{"prices.json", &Catalog::add_prices}, File{"models.json", &Catalog::add_models}}) {
    const std::string path = (std::filesystem::path(directory) / file.name).string();
    if (!std::filesystem::exists(path)) continue;
    found_any = true;
    DB_ASSIGN(const std::string text, read_text_file(path, kMaxFileBytes));
    DB_TRY((this->*file.add)(text, path));
  }
  if (found_any) return check_names();
  return fail(Code::kNotFound, "--catalog: {}: wanted accelerators.json, prices.json or models.json, found none",
              directory);
}

Result<const Accelerator*> Catalog::accelerator(const std::string& name) const {
  return find_or_list(accelerators_, name, "device");
}

Result<const PriceBasis*> Catalog::basis(const std::string& name) const {
  return find_or_list(prices_, name, "price basis");
}

Result<const ModelEntry*> Catalog::model(const std::string& name) const {
  return find_or_list(models_, name, "model");
}

Result<Figure> Catalog::price(const std::string& basis_name, const std::string& accelerator) const {
  DB_ASSIGN(const PriceBasis* found, basis(basis_name));
  const auto price = found->dollars_per_hour.find(accelerator);
  if (price != found->dollars_per_hour.end()) return price->second;
  std::string others;
  for (const auto& [name, figure] : found->dollars_per_hour) others += (others.empty() ? "" : ", ") + name;
  return fail(Code::kNotFound,
              "price basis {}: has no price of {}, only of {}; give your own: --price-per-hour X --price-date D",
              basis_name, accelerator, others);
}

Result<const ApiPrice*> find_api_price(const ModelEntry& model, const std::string& provider) {
  std::string names;
  for (const ApiPrice& price : model.api_prices) {
    if (provider.empty() || price.provider == provider) return &price;
    names += (names.empty() ? "" : ", ") + price.provider;
  }
  return fail(Code::kNotFound, "model {}: wanted an API price{}, the catalogue has {}", model.name,
              provider.empty() ? "" : " of '" + provider + "'", names.empty() ? "none" : "those of " + names);
}

}  // namespace drawbridge
