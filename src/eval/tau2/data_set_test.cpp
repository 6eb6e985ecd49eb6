// Data files that are not what they should be.
#include "eval/tau2/data_set.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "base/scratch_test.h"
#include "eval/tau2/prompts.h"
#include "eval/tau2/test_data_test.h"

namespace drawbridge::tau2 {
namespace {

/// A copy of the test data to spoil.
class Spoiled {
 public:
  Spoiled() : scratch_("tau2_data") {
    std::filesystem::copy(test_directory(), scratch_.file("data"), std::filesystem::copy_options::recursive);
  }
  void write(const std::string& domain, const std::string& name, const std::string& text) {
    std::ofstream(scratch_.file("data/tau2/domains/" + domain + "/" + name)) << text;
  }
  Json read(const std::string& domain, const std::string& name) {
    const std::string path = scratch_.file("data/tau2/domains/" + domain + "/" + name);
    return parse_json(read_text_file(path, 1u << 20).value(), path).value();
  }
  /// The message without the path before the domain.
  std::string refusal(const std::string& domain, const std::string& split = "") {
    const std::string message = load_data_set(scratch_.file("data"), domain, split).status().message();
    const size_t at = message.find("domains/");
    return at == std::string::npos ? message : message.substr(at + 8);
  }

 private:
  ScratchDirectory scratch_;
};

TEST(DataSet, ReadsTheOfficialLayout) {
  const DataSet data = test_data("mock");
  EXPECT_EQ(data.tasks.size(), 8u);
  EXPECT_EQ(data.digests.size(), 5u);
  EXPECT_TRUE(task_named(data, "judged").needs_judge());
  EXPECT_FALSE(task_named(data, "make").needs_judge());
  // Members in the order of the shape, absent ones null, unknown ones dropped.
  EXPECT_EQ(dump_json(data.fresh.database()["tasks"]["task_2"]),
            R"({"task_id":"task_2","title":"Oil the hinge","description":null,"status":"completed"})");
  EXPECT_EQ(load_data_set(test_directory(), "mock", "rest").value().tasks.size(), 1u);
}

TEST(DataSet, NamesWhatIsWrongInADatabase) {
  Spoiled spoiled;
  Json db = spoiled.read("retail", "db.json");
  db["orders"]["#W1"]["items"][0]["price"] = "free";
  spoiled.write("retail", "db.json", dump_json(db));
  EXPECT_EQ(spoiled.refusal("retail"), "retail/db.json.orders.#W1.items[0].price: wanted a number, found \"free\"");
  db["orders"]["#W1"]["items"][0].erase("price");
  spoiled.write("retail", "db.json", dump_json(db));
  EXPECT_EQ(spoiled.refusal("retail"), "retail/db.json.orders.#W1.items[0]: member \"price\" is missing");
  db["orders"] = Json::object();
  db["users"]["nora_holm_1"]["payment_methods"]["gift_card_1"]["source"] = "shells";
  spoiled.write("retail", "db.json", dump_json(db));
  EXPECT_EQ(spoiled.refusal("retail"),
            "retail/db.json.users.nora_holm_1.payment_methods.gift_card_1.source: wanted one of \"credit_card\", "
            "\"gift_card\", \"paypal\", found \"shells\"");
  db = spoiled.read("mock", "db.json");
  db["extra"] = 1;
  spoiled.write("mock", "db.json", dump_json(db));
  EXPECT_EQ(spoiled.refusal("mock"), "mock/db.json: member \"extra\" is unknown");
}

TEST(DataSet, NamesWhatIsWrongInATask) {
  Spoiled spoiled;
  const Json whole = spoiled.read("mock", "tasks.json");
  const auto refusal_of = [&](const std::function<void(Json&)>& spoil) {
    Json tasks = whole;
    spoil(tasks[0]);
    spoiled.write("mock", "tasks.json", dump_json(tasks));
    const std::string message = spoiled.refusal("mock");
    return message.substr(std::min(message.find(": ") + 2, message.size()));
  };
  EXPECT_EQ(refusal_of([](Json& task) { task["id"] = 1; }), "member \"id\": wanted a string, found 1");
  EXPECT_EQ(refusal_of([](Json& task) { task["id"] = "finish"; }), "task \"finish\" stands twice");
  EXPECT_EQ(refusal_of([](Json& task) { task["user_scenario"] = Json::array(); }),
            "task \"make\": user_scenario: wanted a JSON object, found []");
  EXPECT_EQ(refusal_of([](Json& task) { task["user_tools"] = {"fly"}; }),
            "task \"make\": user_tools: the mock domain has no user tool \"fly\"");
  EXPECT_EQ(refusal_of([](Json& task) { task["evaluation_criteria"]["reward_basis"] = {"LUCK"}; }),
            "task \"make\": evaluation_criteria: reward_basis: \"LUCK\" is unknown");
  EXPECT_EQ(refusal_of([](Json& task) { task["evaluation_criteria"]["actions"][0]["arguments"] = 5; }),
            "task \"make\": evaluation_criteria: actions[0]: arguments: wanted a JSON object, found 5");
  EXPECT_EQ(
      refusal_of([](Json& task) {
        task["initial_state"] = {{"initialization_actions",
                                  {{{"env_type", "user"}, {"func_name", "explode"}, {"arguments", Json::object()}}}}};
      }),
      "task \"make\": the mock domain has no user function \"explode\"");
  EXPECT_EQ(refusal_of([](Json& task) {
              task["initial_state"] = {{"message_history", {{{"role", "tool"}, {"id", "x"}, {"content", "?"}}}}};
            }),
            "task \"make\": initial_state: message_history[0]: wanted a call before the answer of a tool");
}

TEST(DataSet, BoundsDepthAndWantsEveryFile) {
  Spoiled spoiled;
  spoiled.write("mock", "tasks.json", std::string(100, '[') + std::string(100, ']'));
  EXPECT_NE(spoiled.refusal("mock").find("nested levels, more than the limit"), std::string::npos);
  spoiled.write("mock", "tasks.json", "[]");
  EXPECT_EQ(spoiled.refusal("mock"), "mock/tasks.json: wanted an array of tasks");
  EXPECT_NE(spoiled.refusal("airline").find("domain \"airline\": wanted mock or retail"), std::string::npos);
  EXPECT_NE(spoiled.refusal("retail", "nights").find("member \"nights\" is missing"), std::string::npos);
  EXPECT_FALSE(load_data_set("/nonexistent", "mock", "").ok());
}

TEST(Prompts, OfAFileHaveJustTheToolsOfTheDomain) {
  const ScratchDirectory scratch("tau2_prompts");
  const Prompts built_in = built_in_prompts(retail_domain());
  EXPECT_EQ(built_in.agent_tools.size(), 16u);
  Json file = {{"agent_instruction", "Serve."}, {"agent_tools", built_in.agent_tools}};
  std::ofstream(scratch.file("p.json")) << dump_json(file);
  const auto read = read_prompts(scratch.file("p.json"), retail_domain());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->agent_instruction, "Serve.");
  EXPECT_EQ(read->sha256.size(), 64u);
  file["agent_tools"].erase(0);
  std::ofstream(scratch.file("p.json")) << dump_json(file);
  EXPECT_NE(read_prompts(scratch.file("p.json"), retail_domain()).status().message().find("wanted one schema for each"),
            std::string::npos);
}

}  // namespace
}  // namespace drawbridge::tau2
