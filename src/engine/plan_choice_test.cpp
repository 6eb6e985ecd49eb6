#include "engine/plan_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "engine/tiny_engine_test.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ProductKey kHidden{ProductStage::kMoeHidden, WeightFormat::kMxfp4, PanelInput::kBf16, 256, 512, 65, 9};
const ProductKey kHead{ProductStage::kLinear, WeightFormat::kBF16, PanelInput::kBf16, 1000, 512, 0, 0};

TunedRow row_of(const TunedDevice& device, const ProductKey& product, int64_t n_tokens) {
  TunedRow row;
  row.key = {device, product, n_tokens};
  row.plan = {1, false, 1};
  return row;
}

/// A choice whose table has the first `n_rows` of what two tokens of up to two requests need.
PlanChoice choice_of(int n_rows) {
  PlanChoice choice;
  choice.device = {"Test CPU", "avx512", 2};
  TunedTable table;
  const std::vector<TunedRow> rows = {row_of(choice.device, kHidden, 1), row_of(choice.device, kHidden, 2),
                                      row_of(choice.device, kHead, 1), row_of(choice.device, kHead, 2)};
  for (int i = 0; i < n_rows; ++i) table.add(rows[static_cast<size_t>(i)]);
  choice.table = "t.jsonl";
  choice.plans = std::make_shared<TunedPlans>(DevicePlans(table, choice.device));
  return choice;
}

EngineOptions options_of(bool strict) {
  EngineOptions options;
  options.model = "m";
  options.max_running = 2;
  options.max_step_tokens = 2;
  options.strict = strict;
  return options;
}

Coverage coverage_of_choice(const PlanChoice& choice) {
  return coverage_of(choice.plans->rows(), {{kHidden, false}, {kHead, true}}, {2, 2});
}

Glm52Config config_of() {
  Glm52Config config;
  config.n_experts = 64;
  config.n_shared_experts = 1;
  return config;
}

TEST(PlanChoice, SaysTheKeyThatIsLookedUp) {
  const PlanChoice choice = choice_of(4);
  EXPECT_THAT(plan_lines(choice, coverage_of_choice(choice), config_of()),
              ElementsAre("plans of t.jsonl: 100.0 % measured (2 products at 4 numbers of tokens, each counted once)",
                          "moe E=65 (64 routed + 1 fused shared) topk=9 is looked up as moe_hidden mxfp4 x bf16 N=256 "
                          "K=512 E=65 topk=9"));
  const Coverage apart =
      coverage_of({}, {{{kHidden.stage, kHidden.format, kHidden.input, 256, 512, 64, 8}, false}}, {});
  EXPECT_THAT(moe_key_lines(apart, config_of()),
              ElementsAre(HasSubstr("moe E=64 (64 routed, the shared one apart) topk=8 is looked up as")));
}

TEST(PlanChoice, SaysWhatIsMissingAndWhatMendsIt) {
  const auto notices = [](const PlanChoice& choice) {
    return plan_notices(options_of(false), choice, coverage_of_choice(choice));
  };
  EXPECT_THAT(notices(choice_of(4)), IsEmpty());
  EXPECT_THAT(notices(choice_of(3)),
              ElementsAre("t.jsonl does not cover 1 products: linear bf16 x bf16 N=1000 K=512 tokens=2; "
                          "`drawbridge tune --model m` measures them"));
  EXPECT_THAT(notices(choice_of(0)),
              ElementsAre(HasSubstr("t.jsonl has no plan for this device (Test CPU, avx512, 2")));
  PlanChoice none = choice_of(0);
  none.table.clear();
  EXPECT_THAT(notices(none), ElementsAre(HasSubstr("nobody measured plans for this model on this device")));
}

TEST(PlanChoice, NamesRowsThatTheKernelsCut) {
  PlanChoice choice = choice_of(4);
  TunedTable table;
  TunedRow wide = row_of(choice.device, kHead, 2);
  wide.plan = {16, false, 1};
  table.add(wide);
  TileLimits limits;
  limits.max_columns.fill(8);
  choice.plans = std::make_shared<TunedPlans>(DevicePlans(table, choice.device, limits));
  EXPECT_THAT(plan_notices(options_of(false), choice, coverage_of(choice.plans->rows(), {}, {2, 2})),
              ElementsAre("1 of t.jsonl's plans are beyond what the kernels of Test CPU, avx512, 2 threads do: linear "
                          "bf16 x bf16 N=1000 K=512 tokens=2: 16x1 runs as 8x1; `drawbridge tune --model m --again` "
                          "measures them anew"));
}

TEST(PlanChoice, StrictRefusesWhatNobodyMeasured) {
  const auto strict = [](int n_rows) { return check_strict(options_of(true), coverage_of_choice(choice_of(n_rows))); };
  EXPECT_TRUE(strict(4).ok());
  EXPECT_THAT(strict(1).message(),
              HasSubstr("--strict: 2 products of the expected traffic have no measured or imported plan: moe_hidden "
                        "mxfp4 x bf16 N=256 K=512 E=65 topk=9 tokens=2; linear"));
  EXPECT_TRUE(check_strict(options_of(false), coverage_of_choice(choice_of(1))).ok());
}

TEST(PlanChoice, TakesTheModelsOwnTableUnlessAnotherIsNamed) {
  EngineOptions options = tiny_options();
  options.model = process_directory("plan_choice");
  const std::string own = default_table_path(options.model, choose_plans(options)->device);
  std::filesystem::create_directories(options.model + "/tuned");
  EXPECT_EQ(choose_plans(options)->table, "");
  ASSERT_TRUE(TunedTableFile::open(own).ok());
  EXPECT_EQ(choose_plans(options)->table, own);
  options.tuned_table = options.model + "/none.jsonl";
  EXPECT_THAT(choose_plans(options).status().message(), HasSubstr("none.jsonl"));
  std::ofstream(own) << "{}\n";
  options.tuned_table.clear();
  EXPECT_THAT(choose_plans(options).status().message(), HasSubstr(":1: member \"format\" is missing"));
  std::filesystem::remove_all(options.model);
}

}  // namespace
}  // namespace drawbridge
