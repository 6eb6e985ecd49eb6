#include "cost/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

Catalog bundled() {
  auto catalog = Catalog::bundled();
  EXPECT_TRUE(catalog.ok()) << catalog.status().message();
  return std::move(catalog).value();
}

TEST(Catalog, BundledFilesAreWhole) {
  const Catalog catalog = bundled();
  for (const char* name : {"MI300X", "MI325X", "MI355X", "H100", "H200", "B200", "B300", "GB300", "CPU"}) {
    EXPECT_TRUE(catalog.accelerator(name).ok()) << name;
  }
  for (const char* name : {"ownership", "3-year", "neocloud-list", "hyperscaler-list"}) {
    EXPECT_TRUE(catalog.price(name, "MI355X").ok()) << name;
    EXPECT_TRUE(catalog.price(name, "B200").ok()) << name;
  }
  for (const char* name : {"GLM-5.2", "MiniMax-M3", "DeepSeek-V4-Pro", "Qwen3.5-397B-A17B"}) {
    const auto model = catalog.model(name);
    ASSERT_TRUE(model.ok()) << name;
    EXPECT_TRUE((*model)->parameters_b && (*model)->active_b && (*model)->context_tokens) << name;
    EXPECT_FALSE((*model)->engines.empty() || (*model)->api_prices.empty()) << name;
  }
}

TEST(Catalog, ThisCpuHasNoPriceUntilSomebodyStatesOne) {
  const auto price = bundled().price("ownership", "CPU");
  ASSERT_FALSE(price.ok());
  EXPECT_THAT(price.status().message(), HasSubstr("price basis ownership: has no price of CPU, only of B200, B300"));
  EXPECT_THAT(price.status().message(), HasSubstr("--price-per-hour X --price-date D"));
}

TEST(Catalog, UnknownNamesAreAnsweredWithTheKnownOnes) {
  const Catalog catalog = bundled();
  const auto device = catalog.accelerator("MI355");
  ASSERT_FALSE(device.ok());
  EXPECT_EQ(device.status().code(), Code::kNotFound);
  EXPECT_THAT(device.status().message(), HasSubstr("the catalogue has no 'MI355'; it has MI300X, MI325X, MI355X"));
  EXPECT_THAT(catalog.basis("spot").status().message(), HasSubstr("it has ownership, ownership-neocloud, 3-year"));
  EXPECT_THAT(catalog.model("GLM-6").status().message(), HasSubstr("it has GLM-5.2"));
}

TEST(Catalog, RefusesAPriceWithoutDateNamingFileEntryAndField) {
  Catalog catalog = bundled();
  const Status status = catalog.add_prices(
      R"({"prices": [{"name": "own", "title": "mine", "source": "contract", "mark": "user",
          "dollars_per_hour": {"MI355X": 2.4}}]})",
      "prices.json");
  EXPECT_EQ(status.message(),
            "prices.json: own: MI355X: wanted a \"date\", found none: a figure without one is not used");
}

TEST(Catalog, RefusesWhatItWouldSilentlyLeaveOut) {
  Catalog catalog = bundled();
  const Status misspelled = catalog.add_accelerators(
      R"({"accelerators": [{"name": "X", "vendor": "V", "family": "F", "topology": "T", "memory_gib": 80}]})",
      "a.json");
  EXPECT_EQ(misspelled.message(), "a.json: X: found a member \"memory_gib\" that nobody knows");
  const Status twice = catalog.add_prices(
      R"({"prices": [{"name": "p", "title": "t", "dollars_per_hour": {}},
                     {"name": "p", "title": "t", "dollars_per_hour": {}}]})",
      "p.json");
  EXPECT_EQ(twice.message(), "p.json: found two entries 'p'");
}

TEST(Catalog, EnginesAndPricesNameDevicesThatThereAre) {
  Catalog catalog = bundled();
  ASSERT_TRUE(catalog
                  .add_models(R"({"models": [{"name": "M", "formats": [], "api_prices": [], "engines": [
          {"engine": "vLLM", "format": "fp8", "on": ["B2000"], "source": "s", "date": "2026-01", "mark": "published"}]}]})",
                              "m.json")
                  .ok());
  EXPECT_EQ(catalog.check_names().message(), "model M: engine vLLM: no accelerator or family is called 'B2000'");
}

TEST(Catalog, AnOverlayAddsToABasisAndReplacesEntries) {
  const ScratchDirectory scratch("catalog");
  std::ofstream(scratch.file("prices.json")) << R"({"prices": [{"name": "3-year", "title": "my contract",
      "source": "contract 7", "date": "2026-11-01", "mark": "user", "dollars_per_hour": {"MI355X": 1.9}}]})";
  Catalog catalog = bundled();
  const Status status = catalog.overlay(std::filesystem::path(scratch.file("x")).parent_path().string());
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(catalog.price("3-year", "MI355X")->value, 1.9);
  EXPECT_EQ(catalog.price("3-year", "MI355X")->from.source, "contract 7");
  EXPECT_EQ(catalog.price("3-year", "B200")->value, 2.9);
}

TEST(Catalog, AnOverlayWithoutFilesIsAnError) {
  const ScratchDirectory scratch("no_catalog");
  Catalog catalog = bundled();
  const Status status = catalog.overlay(scratch.file("nothing"));
  EXPECT_THAT(status.message(), HasSubstr("wanted accelerators.json, prices.json or models.json, found none"));
}

}  // namespace
}  // namespace drawbridge
