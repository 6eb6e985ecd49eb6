#include "model/inventory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Glm52Config config_of(const std::string& path) {
  return parse_glm52_config(parse_json(read_text_file(DB_SOURCE_DIR + path, 1 << 20).value(), path).value(), path)
      .value();
}

const PartInventory& part(const Inventory& inventory, const std::string& name) {
  const auto place = std::find_if(inventory.parts.begin(), inventory.parts.end(),
                                  [&](const PartInventory& row) { return row.name == name; });
  DB_CHECK(place != inventory.parts.end());
  return *place;
}

TEST(Inventory, PlansThePublishedModel) {
  const Glm52Config config = config_of("/tests/data/configs/glm-5.2.json");
  const Inventory plan = plan_inventory(config);
  const PartInventory total = plan.total();
  EXPECT_EQ(total.parameters, 753329940480);
  EXPECT_EQ(total.active_parameters, active_parameters(config));
  EXPECT_EQ(total.bytes, 2 * total.parameters + 2 * 76 * 256);  // the router's bias is f32
  EXPECT_EQ(part(plan, "routed experts").parameters, 75LL * 256 * 3 * 2048 * 6144);
  EXPECT_EQ(part(plan, "routed experts").active_parameters, 75LL * 8 * 3 * 2048 * 6144);
  EXPECT_EQ(part(plan, "indexer").parameters, 21LL * (4096 * 2048 + 128 * 6144 + 2 * 128 + 32 * 6144));
  EXPECT_EQ(part(plan, "MTP layer").active_parameters, 0);
  EXPECT_EQ(part(plan, "embedding").active_parameters, 0);
}

class InventoryTest : public testing::Test {
 protected:
  /// The tiny model with an MTP layer, its tensors renamed; `extra` are empty tensors beside them.
  template <typename Rename>
  Inventory take(Rename rename, const std::vector<std::string>& extra = {}) {
    const std::string dir = process_directory("inventory");
    std::filesystem::create_directories(dir);
    std::vector<TensorSpec> specs;
    for (const ExpectedTensor& tensor : expected_tensors(config_)) {
      specs.push_back({rename(tensor.name), DType::kBF16, tensor.shape});
    }
    for (const std::string& name : extra) specs.push_back({name, DType::kBF16, {0}});
    // Headers only: the data is never written.
    DB_CHECK(SafetensorsWriter::create(dir + "/model.safetensors", specs).ok());
    return take_inventory(config_, Checkpoint::open(dir, Contents::kHeader).value());
  }

  const Glm52Config config_ = config_of("/tests/golden/model/mtp/config.json");
};

TEST_F(InventoryTest, CountsWhatIsThere) {
  const Inventory found = take([](const std::string& name) { return name; });
  const PartInventory total = found.total(), planned = plan_inventory(config_).total();
  EXPECT_EQ(total.parameters, planned.parameters);
  EXPECT_EQ(total.active_parameters, planned.active_parameters);
  EXPECT_EQ(total.bytes, 2 * total.parameters);
  EXPECT_THAT(total.formats, ElementsAre(testing::Pair("bf16", total.parameters)));
  EXPECT_THAT(found.missing, ElementsAre());
  EXPECT_THAT(found.extra, ElementsAre());
  EXPECT_THAT(found.faults, ElementsAre());
  EXPECT_THAT(found.notices, ElementsAre(HasSubstr("model.layers.*.mlp.gate.e_score_correction_bias (")));
}

TEST_F(InventoryTest, NamesWhatIsMissingExtraAndWrong) {
  const Inventory found = take(
      [](const std::string& name) { return name == "model.layers.1.mlp.experts.3.up_proj.weight" ? "other" : name; },
      {"model.layers.2.rotary.inv_freq", "model.layers.3.rotary.inv_freq", "lm_head.weight_scale"});
  EXPECT_THAT(found.missing, ElementsAre("model.layers.1.mlp.experts.3.up_proj.weight"));
  EXPECT_THAT(found.extra, ElementsAre("lm_head.weight_scale", "model.layers.2.rotary.inv_freq",
                                       "model.layers.3.rotary.inv_freq", "other"));
  ASSERT_EQ(found.faults.size(), 1u);
  EXPECT_THAT(found.faults[0], HasSubstr("lm_head.weight is BF16"));
  EXPECT_THAT(found.notices, testing::Contains("model.layers.*.rotary.inv_freq (2): not used"));
  EXPECT_THAT(found.notices, testing::Contains("other: not used"));
}

TEST_F(InventoryTest, IndexersOfSharedLayersAreOneNotice) {
  int64_t shared = 0;
  while (config_.is_full(shared)) ++shared;
  ASSERT_LT(shared, config_.n_layers);
  const std::string prefix = fmt::format("model.layers.{}.self_attn.indexer.", shared);
  const Inventory found =
      take([](const std::string& name) { return name; }, {prefix + "wk.weight", prefix + "wq_b.weight"});
  EXPECT_THAT(found.notices, testing::Contains(HasSubstr("2 indexer tensors of shared layers, the first " + prefix)));
}

TEST_F(InventoryTest, AnMtpLayerWithoutItsProjectionIsNotCounted) {
  const Inventory found =
      take([](const std::string& name) { return name.ends_with("eh_proj.weight") ? "other" : name; });
  EXPECT_THAT(found.notices, testing::Contains(HasSubstr("eh_proj.weight: absent, so the MTP layer cannot draft")));
  EXPECT_THAT(found.missing, ElementsAre());
  for (const PartInventory& row : found.parts) EXPECT_NE(row.name, "MTP layer");
}

TEST(Inventory, GroupsNamesByTheirNumbers) {
  EXPECT_THAT(group_names({"a.1.b.12.w2", "a.10.b.3.w2", "a.1.c", "z"}), ElementsAre("a.*.b.*.w2 (2)", "a.1.c", "z"));
}

}  // namespace
}  // namespace drawbridge
