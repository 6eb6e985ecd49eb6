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

TEST(Episode, FailsByAnActionThatWasNotMade) {
  Json criteria = {{"actions", {{{"name", "get_users"}, {"arguments", Json::object()}}}}, {"reward_basis", {"ACTION"}}};
  const auto ends = {says("###OUT-OF-SCOPE###")};
  EXPECT_EQ(play_scripts(mock_task(criteria), {}, ends).grade.summary(), "ACTION=0");
  EXPECT_EQ(play_scripts(mock_task(criteria), {calls("get_users", Json::object()), says("So.")},
                         {says("Who is there?"), says("###STOP###")})
                .grade.summary(),
            "ACTION=1");
}

TEST(Episode, ComparesTheNamedArgumentsOfActions) {
  Json action = {{"name", "create_task"}, {"arguments", kBread}, {"compare_args", {"user_id"}}};
  const Json cake = {{"user_id", "ada"}, {"title", "Bake cake"}};
  const auto summary = [&] {
    return play_scripts(mock_task({{"actions", {action}}, {"reward_basis", {"ACTION"}}}),
                        {calls("create_task", cake), says("So.")}, {says("Cake."), says("###STOP###")})
        .grade.summary();
  };
  EXPECT_EQ(summary(), "ACTION=1");
  action["compare_args"] = {"user_id", "title"};
  EXPECT_EQ(summary(), "ACTION=0");
  action.erase("compare_args");
  EXPECT_EQ(summary(), "ACTION=0");
}

TEST(Episode, FailsByAnAssertionEvenOneThatLooksUpNothing) {
  const auto summary = [](const char* task_id, bool wanted) {
    const Json assertion = {{"env_type", "assistant"},
                            {"func_name", "assert_task_status"},
                            {"arguments", {{"task_id", task_id}, {"expected_status", "pending"}}},
                            {"assert_value", wanted}};
    const Json criteria = {{"env_assertions", {assertion}}, {"reward_basis", {"ENV_ASSERTION"}}};
    return play_scripts(mock_task(criteria), {}, {says("###STOP###")}).grade.summary();
  };
  EXPECT_EQ(summary("task_1", true), "ENV_ASSERTION=1");
  EXPECT_EQ(summary("task_1", false), "ENV_ASSERTION=0");
  EXPECT_EQ(summary("task_9", true), "ENV_ASSERTION=0");
  EXPECT_EQ(summary("task_9", false), "ENV_ASSERTION=0");
}

TEST(Episode, NeverPassesWhatWasNotJudged) {
  const Json criteria = {{"nl_assertions", {"It rhymes"}}, {"reward_basis", {"DB", "NL_ASSERTION"}}};
  const Played played = play_scripts(mock_task(criteria), {}, {says("###STOP###")});
  EXPECT_FALSE(played.grade.is_complete);
  EXPECT_EQ(played.grade.summary(), "DB=1 NL_ASSERTION=not evaluated");
}

TEST(Episode, EndsAtTheLimitOfStepsEvenWithTheUsersLastWord) {
  const std::vector<ChatReply> agent = {says("And?"), says("And?")};
  const std::vector<ChatReply> user = {says("Well."), says("###STOP###")};
  EXPECT_EQ(play_scripts(making_task(), agent, user, {.max_steps = 2}).episode.termination, Termination::kMaxSteps);
  EXPECT_EQ(play_scripts(making_task(), agent, user, {.max_steps = 3}).episode.termination, Termination::kMaxSteps);
  EXPECT_EQ(play_scripts(making_task(), agent, user, {.max_steps = 4}).episode.termination, Termination::kUserStop);
}

TEST(Episode, EndsAtTheLimitOfToolErrors) {
  const std::vector<ChatReply> agent = {calls("fly", Json::object()), calls("create_task", {{"user_id", "ada"}}),
                                        says("Hm.")};
  const Played played = play_scripts(making_task(), agent, {says("Bread.")}, {.max_errors = 2});
  EXPECT_EQ(played.episode.termination, Termination::kTooManyErrors);
  EXPECT_EQ(played.episode.conversation[3].content, "Error: Tool 'fly' not found.");
  EXPECT_EQ(played.episode.conversation[5].content,
            "Error: MockTools.create_task() missing 1 required positional argument: 'title'");
}

TEST(Episode, EndsWithAnEmptyMessage) {
  const Played by_agent = play_scripts(making_task(), {says(" \n")}, {says("Bread.")});
  EXPECT_EQ(by_agent.episode.termination, Termination::kAgentError);
  EXPECT_EQ(by_agent.episode.error, "empty message");
  ChatReply cut = says("");
  cut.truncated = true;
  const Played by_user = play_scripts(making_task(), {}, {cut});
  EXPECT_EQ(by_user.episode.termination, Termination::kUserError);
  EXPECT_EQ(by_user.episode.error, "empty message at the token limit");
}

TEST(Episode, FailsWithoutAnAnswerOfATarget) {
  const Played played = play_scripts(making_task(), {}, {says("Bread.")});
  EXPECT_EQ(played.episode.failure.message(), "the script has ended");
}

/// What each kind of wrong arguments is answered.
TEST(Episode, AnswersHostileCallsAndGoesOn) {
  const auto answer_to = [](const Json& tool_call) {
    ChatReply reply = says("");
    reply.tool_calls = Json::array({tool_call});
    const Played played = play_scripts(making_task(), {reply, says("Sorry.")}, {says("Bread."), says("###STOP###")});
    EXPECT_EQ(played.episode.termination, Termination::kUserStop);
    return played.episode.conversation[3].content;
  };
  const auto called = [](const std::string& name, const Json& arguments) {
    return Json{{"id", "c"}, {"function", {{"name", name}, {"arguments", arguments}}}};
  };
  EXPECT_EQ(answer_to(called("create_task", R"({"user_id": "ada", "title": 5})")),
            "Error: 1 validation error for Task\ntitle\n  Input should be a valid string [type=string_type, "
            "input_type=int]");
  EXPECT_EQ(answer_to(called("create_task", R"({"user_id": ["ada"], "title": "x"})")),
            "Error: unhashable type: 'list'");
  EXPECT_EQ(answer_to(called("create_task", R"({"user_id": null, "title": "x"})")), "Error: User None not found");
  EXPECT_EQ(answer_to(called("get_users", R"({"x": 1})")),
            "Error: MockTools.get_users() got an unexpected keyword argument 'x'");
  EXPECT_EQ(answer_to(called("get_users", "[1]")), "Error: arguments: wanted a JSON object");
  EXPECT_EQ(answer_to(called("get_users", 7)), "Error: arguments: wanted a JSON object");
  EXPECT_EQ(answer_to(called("get_users", "{")).substr(0, 34), "Error: arguments: not valid JSON: ");
  EXPECT_EQ(answer_to(called("get_users", std::string(500, '['))).substr(0, 22), "Error: arguments: JSON");
  EXPECT_EQ(answer_to(Json("call me")), "Error: arguments: wanted a JSON object");
  EXPECT_EQ(answer_to(called("", "{}")), "Error: Tool '' not found.");
  EXPECT_EQ(answer_to(called("assert_task_status", "{}")), "Error: Tool 'assert_task_status' not found.");
}

}  // namespace
}  // namespace drawbridge::tau2
