// Whole runs: data files, both models, runner, journal and scores.
#include "eval/tau2/simulation.h"

#include <gtest/gtest.h>

#include <set>

#include "base/scratch_test.h"
#include "eval/runner.h"
#include "eval/tau2/pass_hat_k.h"
#include "eval/tau2/scripted_target_test.h"
#include "eval/tau2/test_data_test.h"

namespace drawbridge::tau2 {
namespace {

/// Answers by what was said last: knows how "make" and "finish" are to be played, gets all else wrong.
class Actor : public ChatTarget {
 public:
  explicit Actor(bool is_agent) : is_agent_(is_agent) {}

  Result<ChatReply> chat(const ChatCall& call) override {
    ++n_asked;
    seeds.insert(call.seed.value_or(0));
    return is_agent_ ? as_agent(call) : as_user(call);
  }
  Json manifest() const override { return {{"model", is_agent_ ? "agent" : "user"}}; }

  int n_asked = 0;
  std::set<uint64_t> seeds;
  bool is_down = false;

 private:
  Result<ChatReply> as_agent(const ChatCall& call) const {
    if (is_down) return fail(Code::kUnavailable, "agent is down");
    if (call.messages.back()["role"] == "tool") return says("Done: task_3 for 1,200.");
    if (call.messages.back()["content"] == "Bread.") {
      return calls("create_task", {{"user_id", "ada"}, {"title", "Bake bread"}});
    }
    return says("No.");
  }
  static Result<ChatReply> as_user(const ChatCall& call) {
    const bool is_first = call.messages.size() == 2;
    const std::string scenario = call.messages[0]["content"].get<std::string>();
    if (scenario.find("Bake bread") != std::string::npos) return says(is_first ? "Bread." : "###STOP###");
    return says(is_first ? "Sweep!" : "###STOP###");
  }

  const bool is_agent_;
};

SimulationOptions options_of(const std::string& split, JudgedTasks judged) {
  SimulationOptions options;
  options.directory = test_directory();
  options.domain = "mock";
  options.split = split;
  options.judged = judged;
  return options;
}

struct Stage {
  explicit Stage(const SimulationOptions& options) : simulation(load_simulation(options).value()) {}

  Result<RunOutcome> run(const std::string& journal, int64_t n_trials = 1) {
    EvalTask task = make_simulation_task(simulation);
    repeat_items(task, n_trials);
    const auto target = make_simulation_target(simulation, agent, user);
    RunOptions options;
    options.label = "test";
    options.journal_path = journal;
    options.n_concurrent = 1;
    options.retry_failed = true;
    return run_task(task, *target, options);
  }

  std::shared_ptr<const Simulation> simulation;
  Actor agent{true};
  Actor user{false};
};

TEST(Simulation, ScoresEveryTaskAndGoesOnFromItsJournal) {
  const ScratchDirectory scratch("tau2_run");
  Stage stage(options_of("base", JudgedTasks::kExclude));
  const auto outcome = stage.run(scratch.file("run.jsonl"), 2);
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  ASSERT_TRUE(outcome->whole);
  const TaskResult& task = outcome->result.tasks.at(0);
  EXPECT_EQ(task.task, "tau2_mock");
  EXPECT_EQ(task.metric, "reward");
  ASSERT_EQ(task.items.size(), 6u);
  for (const ItemResult& item : task.items) EXPECT_EQ(item.score, item.id == "make" ? 1 : 0) << item.id;
  EXPECT_EQ(task.items[0].answer, "user_stop DB=1 COMMUNICATE=1");
  EXPECT_EQ(task.items[0].expected, "DB COMMUNICATE");
  EXPECT_EQ(task.items[0].n_prompt, 20);
  EXPECT_EQ(pass_hat_k(task), (std::vector<double>{1.0 / 3, 1.0 / 3}));
  EXPECT_EQ(outcome->result.manifest["target"]["user"]["model"], "user");
  EXPECT_EQ(stage.agent.seeds.size(), 6u);  // one for each task and trial
  EXPECT_EQ(stage.agent.seeds, stage.user.seeds);

  const int n_asked = stage.agent.n_asked;
  const auto again = stage.run(scratch.file("run.jsonl"), 2);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->n_resumed, 6);
  EXPECT_EQ(stage.agent.n_asked, n_asked);
  EXPECT_EQ(dump_json(system_to_json(again->result)), dump_json(system_to_json(outcome->result)));
}

TEST(Simulation, FailsWhatGotNoAnswerAndPlaysItAgain) {
  const ScratchDirectory scratch("tau2_retry");
  Stage stage(options_of("base", JudgedTasks::kExclude));
  stage.agent.is_down = true;
  const auto failed = stage.run(scratch.file("run.jsonl"));
  ASSERT_TRUE(failed.ok()) << failed.status().message();
  EXPECT_EQ(failed->result.tasks[0].items[0].status, ItemStatus::kFailed);
  EXPECT_EQ(failed->result.tasks[0].items[0].error, "agent is down");
  stage.agent.is_down = false;
  EXPECT_EQ(stage.run(scratch.file("run.jsonl"))->result.tasks[0].items[0].score, 1);
}

TEST(Simulation, CountsAConversationWithoutEndAsTruncated) {
  const ScratchDirectory scratch("tau2_steps");
  SimulationOptions options = options_of("base", JudgedTasks::kExclude);
  options.limits.max_steps = 2;
  Stage stage(options);
  const ItemResult item = stage.run(scratch.file("run.jsonl")).value().result.tasks[0].items[1];
  EXPECT_EQ(item.status, ItemStatus::kTruncated);
  EXPECT_EQ(item.answer, "max_steps");
  EXPECT_EQ(item.score, 0);
}

TEST(Simulation, TakesTasksThatNeedAJudgeOnlyWhenTold) {
  const auto refused = load_simulation(options_of("base", JudgedTasks::kRefuse));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message().substr(0, 54), "1 of 4 tasks have assertions in natural language in th");
  EXPECT_EQ(Stage(options_of("base", JudgedTasks::kExclude)).simulation->data.tasks.size(), 3u);
  const EvalTask partial = make_simulation_task(Stage(options_of("base", JudgedTasks::kPartial)).simulation);
  EXPECT_EQ(partial.items.size(), 4u);
  EXPECT_EQ(partial.filters[0].name, "without-nl-assertions");
}

TEST(Simulation, OffersTheUserJustTheToolsOfTheTask) {
  const DataSet data = test_data("mock");
  const Prompts prompts = built_in_prompts(data.fresh.domain());
  EXPECT_EQ(user_tools_of(prompts, task_named(data, "make")).size(), 2u);
  EXPECT_EQ(user_tools_of(prompts, task_named(data, "judged")).size(), 1u);
  EXPECT_TRUE(user_tools_of(built_in_prompts(retail_domain()), Task()).is_null());
}

}  // namespace
}  // namespace drawbridge::tau2
