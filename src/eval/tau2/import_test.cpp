#include "eval/tau2/import.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"
#include "eval/tau2/pass_hat_k.h"

namespace drawbridge::tau2 {
namespace {

Json simulation(const std::string& task, int trial, const std::string& ending, double reward) {
  return {{"task_id", task},
          {"trial", trial},
          {"termination_reason", ending},
          {"messages", {{{"role", "assistant"}, {"content", "Hi"}, {"usage", {{"prompt_tokens", 7}}}}}},
          {"reward_info", {{"reward", reward}, {"reward_breakdown", {{"DB", reward}}}}}};
}

Json airline(std::vector<Json> simulations) {
  return {{"info",
           {{"environment_info", {{"domain_name", "airline"}}},
            {"agent_info", {{"llm", "agent-1"}}},
            {"user_info", {{"llm", "user-1"}}}}},
          {"simulations", simulations}};
}

std::string refusal(const Json& results) {
  return import_official_results(results, "label", "r.json").status().message();
}

TEST(Import, TakesRewardsAndCountsWhatBrokeOffAsWrong) {
  const auto system = import_official_results(
      airline({simulation("2", 0, "user_stop", 1), simulation("1", 1, "max_steps", 1),
               simulation("1", 0, "agent_stop", 0), simulation("2", 1, "infrastructure_error", 1)}),
      "base", "r.json");
  ASSERT_TRUE(system.ok()) << system.status().message();
  ASSERT_EQ(system->tasks.size(), 1u);
  EXPECT_EQ(system->tasks[0].task, "tau2_airline");
  const std::vector<ItemResult>& items = system->tasks[0].items;
  ASSERT_EQ(items.size(), 4u);
  EXPECT_EQ(items[0].answer, R"(agent_stop {"DB":0.0})");
  EXPECT_EQ(items[1].status, ItemStatus::kTruncated);
  EXPECT_EQ(items[1].score, 0);
  EXPECT_EQ(items[2].score, 1);
  EXPECT_EQ(items[2].n_prompt, 7);
  EXPECT_EQ(items[3].status, ItemStatus::kFailed);
  EXPECT_EQ(items[3].error, "infrastructure_error");
  EXPECT_EQ(items[3].score, 0);
  EXPECT_EQ(system->manifest["user"]["model"], "user-1");
}

TEST(Import, MembersOfAnotherKindAreNone) {
  Json results = airline({simulation("1", 0, "user_stop", 1)});
  results["info"]["agent_info"] = Json::array();
  const auto system = import_official_results(results, "base", "r.json");
  ASSERT_TRUE(system.ok()) << system.status().message();
  EXPECT_EQ(system->manifest["agent"]["model"], "");
  results["info"] = Json::array();
  EXPECT_NE(refusal(results), "");
}

TEST(Import, WritesAResultThatCanBeReadAgain) {
  const auto system = import_official_results(airline({simulation("1", 0, "user_stop", 1)}), "base", "r.json");
  const auto again = parse_system_result(pretty_json(system_to_json(*system)), "out.json");
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->tasks[0].items[0].score, 1);
}

TEST(Import, ReadsADirectoryOfSimulations) {
  const ScratchDirectory scratch("tau2_import");
  std::filesystem::create_directories(scratch.file("simulations"));
  std::ofstream(scratch.file("results.json")) << dump_json(airline({}));
  std::ofstream(scratch.file("simulations/b.json")) << dump_json(simulation("2", 0, "user_stop", 1));
  std::ofstream(scratch.file("simulations/a.json")) << dump_json(simulation("1", 0, "user_stop", 0));
  const auto results = read_official_results(scratch.file("."));
  ASSERT_TRUE(results.ok()) << results.status().message();
  EXPECT_EQ((*results)["simulations"].size(), 2u);
  EXPECT_EQ((*results)["simulations"][0]["task_id"], "1");
}

TEST(Import, RefusesWhatIsNoResultFile) {
  EXPECT_EQ(refusal(Json::array()),
            "r.json: info.environment_info.domain_name: wanted a string; is this a result file of tau2?");
  EXPECT_EQ(refusal(airline({})), "r.json: simulations: there are none");
  EXPECT_EQ(refusal(airline({Json(3)})), "r.json: simulations[0]: wanted a JSON object, found 3");
  Json typed = simulation("1", 0, "user_stop", 1);
  typed["reward_info"]["reward"] = "all";
  EXPECT_NE(refusal(airline({typed})).find("wanted a number, found \"all\""), std::string::npos);
  EXPECT_NE(refusal(airline({simulation("1", 0, "user_stop", 7)})).find("wanted 0 to 1, found 7"), std::string::npos);
  const Json one = simulation("1", 0, "user_stop", 1);
  EXPECT_EQ(refusal(airline({one, one})), "r.json: simulations: task \"1\", trial 0 stands twice");
}

TEST(PassHatK, IsTheChanceThatAllOfKTrialsPass) {
  TaskResult result;
  for (const auto& [id, score] : {std::pair("a", 1.0), std::pair("a", 1.0), std::pair("a", 0.0), std::pair("a", 0.5),
                                  std::pair("b", 1.0), std::pair("b", 1.0), std::pair("b", 1.0)}) {
    ItemResult item;
    item.id = id;
    item.score = score;
    result.items.push_back(item);
  }
  // a: 2 of 4 trials pass, b: 3 of 3. k goes to b's three trials.
  const std::vector<double> shares = pass_hat_k(result);
  ASSERT_EQ(shares.size(), 3u);
  EXPECT_DOUBLE_EQ(shares[0], (2.0 / 4 + 1) / 2);
  EXPECT_DOUBLE_EQ(shares[1], (1.0 / 6 + 1) / 2);
  EXPECT_DOUBLE_EQ(shares[2], (0.0 + 1) / 2);
  EXPECT_TRUE(pass_hat_k({}).empty());
}

}  // namespace
}  // namespace drawbridge::tau2
