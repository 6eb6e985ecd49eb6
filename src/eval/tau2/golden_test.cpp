// What the official tau2-bench code did in the same conversations (tests/reference/tau2/make_simulations.py).
#include <gtest/gtest.h>

#include "eval/tau2/prompts.h"
#include "eval/tau2/test_data_test.h"
#include "eval/tau2/turns.h"

namespace drawbridge::tau2 {
namespace {

Regrade regraded(const Json& results, const std::string& domain) {
  Result<Regrade> regrade = regrade_official_results(results, test_data(domain).fresh, "golden");
  EXPECT_TRUE(regrade.ok()) << regrade.status().message();
  return std::move(regrade).value();
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, EveryAnswerOfAToolAndEveryRewardIsThatOfTheOfficialCode) {
  const Json results = golden_results(GetParam());
  const Regrade regrade = regraded(results, GetParam());
  for (const Disagreement& d : regrade.disagreements) ADD_FAILURE() << d.simulation << ": " << d.what;
  EXPECT_EQ(regrade.n_simulations, static_cast<int64_t>(results["simulations"].size()));
  EXPECT_GT(regrade.n_calls, 60);
  EXPECT_EQ(regrade.n_partly_graded > 0, true);
}

/// OpenAI's form without what litellm adds: nulls, and a name beside the function's.
Json plain(Json view) {
  for (Json& message : view) {
    if (message["content"].is_null()) message["content"] = "";
    if (message.contains("tool_calls") && message["tool_calls"].is_null()) message.erase("tool_calls");
    if (!message.contains("tool_calls")) continue;
    for (Json& call : message["tool_calls"]) call.erase("name");
  }
  return view;
}

/// A view as the model's last call had it: without the message that the call gave.
Json asked_for_last(Requestor side, std::vector<Message> conversation, const std::string& system_prompt) {
  const Speaker speaker = side == Requestor::kAgent ? Speaker::kAgent : Speaker::kUser;
  while (conversation.back().speaker != speaker) conversation.pop_back();
  conversation.pop_back();
  return view_of(side, system_prompt, conversation);
}

TEST_P(Golden, BothModelsSeeWhatTheySeeInTheOfficialHarness) {
  const DataSet data = test_data(GetParam());
  const Json results = golden_results(GetParam());
  int n_seen = 0;
  for (const Json& simulation : results["simulations"]) {
    if (!simulation.contains("agent_view") || simulation["termination_reason"] != "user_stop") continue;
    const Task& task = task_named(data, simulation["task_id"].get<std::string>());
    const auto conversation = conversation_from_json(simulation["messages"], "golden");
    ASSERT_TRUE(conversation.ok()) << conversation.status().message();
    const Json user = asked_for_last(Requestor::kUser, *conversation, user_system_prompt(data, task));
    EXPECT_EQ(SortedJson(plain(simulation["user_view"])), SortedJson(user)) << task.id;
    Json agent = plain(simulation["agent_view"]);
    const std::string policy = "<policy>\n" + data.policy + "\n</policy>";
    EXPECT_NE(agent[0]["content"].get<std::string>().find(policy), std::string::npos);
    agent[0]["content"] = "ours";
    EXPECT_EQ(SortedJson(agent), SortedJson(asked_for_last(Requestor::kAgent, *conversation, "ours"))) << task.id;
    ++n_seen;
  }
  EXPECT_GE(n_seen, 4);
}

INSTANTIATE_TEST_SUITE_P(Domains, Golden, testing::Values("mock", "retail"),
                         [](const auto& param_info) { return param_info.param; });

TEST(Regrading, TellsAnAnswerAndARewardThatWereTamperedWith) {
  Json results = golden_results("retail");
  Json& simulation = results["simulations"][0];
  simulation["reward_info"]["reward"] = 0.0;
  for (Json& message : simulation["messages"]) {
    if (message["role"] == "tool") message["content"] = "nora_holm_2";
  }
  const Regrade regrade = regraded(results, "retail");
  ASSERT_GE(regrade.disagreements.size(), 2u);
  EXPECT_EQ(regrade.disagreements[0].simulation, "task cancel, trial 0");
  EXPECT_NE(regrade.disagreements[0].what.find("recorded nora_holm_2, now nora_holm_1"), std::string::npos);
  EXPECT_EQ(regrade.disagreements.back().what, "reward: recorded 0, now 1");
}

TEST(Regrading, WantsTheDomainOfTheResults) {
  const auto regrade = regrade_official_results(golden_results("mock"), test_data("retail").fresh, "golden");
  ASSERT_FALSE(regrade.ok());
  EXPECT_EQ(regrade.status().message(), "golden: wanted results of retail, found mock");
}

}  // namespace
}  // namespace drawbridge::tau2
