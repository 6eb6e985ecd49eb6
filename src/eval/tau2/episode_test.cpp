#include "eval/tau2/episode.h"

#include <gtest/gtest.h>

#include "eval/tau2/grade.h"
#include "eval/tau2/scripted_target_test.h"

namespace drawbridge::tau2 {
namespace {

/// A domain of two tasks' worth of invented data.
Environment fresh_mock() {
  Json db = {{"tasks", {{"task_1", {{"task_id", "task_1"}, {"title", "Water plants"}, {"status", "pending"}}}}},
             {"users", {{"ada", {{"user_id", "ada"}, {"name", "Ada"}, {"tasks", {"task_1"}}}}}}};
  Json inbox = {{"notifications", {{"n1", {{"notification_id", "n1"}, {"message", "Plants!"}}}}}};
  const Domain& domain = mock_domain();
  return Environment(domain, normalize(domain.agent.shape, db, "db").value(),
                     normalize(domain.user->shape, inbox, "user_db").value());
}

Task mock_task(Json criteria) {
  const Json json = {{"id", "t"},
                     {"user_scenario", {{"instructions", "Have a task made."}}},
                     {"evaluation_criteria", std::move(criteria)}};
  return task_from_json(json, "tasks.json").value();
}

Task making_task() {
  return mock_task(
      {{"actions",
        {{{"action_id", "a"}, {"name", "create_task"}, {"arguments", {{"user_id", "ada"}, {"title", "Bake bread"}}}}}},
       {"communicate_info", {"Task_2"}}});
}

struct Played {
  Episode episode;
  Grade grade;
};

Played play_scripts(const Task& task, std::vector<ChatReply> agent_says, std::vector<ChatReply> user_says,
                    EpisodeLimits limits = {}) {
  ScriptedTarget agent(std::move(agent_says));
  ScriptedTarget user(std::move(user_says));
  const Environment fresh = fresh_mock();
  Environment environment = initial_environment(task, fresh).value();
  Played played;
  played.episode = play(task, environment, {.target = &agent}, {.target = &user}, limits);
  played.grade = grade(task, fresh, played.episode.conversation).value();
  return played;
}

const Json kBread = {{"user_id", "ada"}, {"title", "Bake bread"}};

TEST(Episode, PassesWhenTheDatabaseAndTheWordsAreThose) {
  const Played played =
      play_scripts(making_task(), {calls("create_task", kBread), says("Done: TASK_2, as you wished.")},
                   {says("Bread, please."), says("Thanks ###STOP###")});
  EXPECT_EQ(played.episode.termination, Termination::kUserStop);
  EXPECT_EQ(played.grade.reward, 1);
  EXPECT_EQ(played.grade.summary(), "DB=1 COMMUNICATE=1");
  ASSERT_EQ(played.episode.conversation.size(), 6u);
  EXPECT_EQ(played.episode.conversation[0].content, "Hi! How can I help you today?");
  EXPECT_EQ(played.episode.conversation[3].content,
            R"({"task_id": "task_2", "title": "Bake bread", "description": null, "status": "pending"})");
}

TEST(Episode, FailsByTheDatabase) {
  const Json cake = {{"user_id", "ada"}, {"title", "Bake cake"}};
  const Played played = play_scripts(making_task(), {calls("create_task", cake), says("task_2")},
                                     {says("Bread, please."), says("###STOP###")});
  EXPECT_EQ(played.grade.summary(), "DB=0 COMMUNICATE=1");
  EXPECT_EQ(played.grade.reward, 0);
}

TEST(Episode, FailsByWhatTheUserWasNotTold) {
  const Played played = play_scripts(making_task(), {calls("create_task", kBread), says("Done.")},
                                     {says("Task_2 with bread, please."), says("###TRANSFER###")});
  EXPECT_EQ(played.grade.summary(), "DB=1 COMMUNICATE=0");
  EXPECT_EQ(played.grade.reward, 0);
}

}  // namespace
}  // namespace drawbridge::tau2
