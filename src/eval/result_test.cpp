#include "eval/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

SystemResult sample() {
  SystemResult system;
  system.label = "bf16";
  system.manifest = {{"model", "nano"}, {"seed", 7}};
  TaskResult task{"gsm8k", 3, "strict-match", 5, "exact_match", {}};
  task.items.push_back({"q1", "", 0, 1.0, ItemStatus::kAnswered, "18", "18", "", 900, 80});
  task.items.push_back({"q1", "q1", 1, 0.0, ItemStatus::kTruncated, "18", "", "", 900, 512});
  task.items.push_back({"q2", "", 0, 0.0, ItemStatus::kFailed, "3", "", "HTTP 500", 0, 0});
  system.tasks.push_back(task);
  return system;
}

std::string refusal(const std::function<void(Json&)>& change) {
  Json json = system_to_json(sample());
  change(json);
  const auto parsed = parse_system_result(dump_json(json), "r.json");
  return parsed.ok() ? "accepted" : parsed.status().message();
}

TEST(SystemResult, ComesBackAsItWasWritten) {
  const ScratchDirectory dir("result");
  const std::string path = dir.file("r.json");
  ASSERT_TRUE(write_system_result(sample(), path).ok());
  ASSERT_TRUE(write_system_result(sample(), path).ok()) << "an earlier result is replaced";
  const auto read = read_system_result(path);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(system_to_json(*read), system_to_json(sample()));
}

TEST(SystemResult, RefusesWhatIsNotOne) {
  EXPECT_THAT(parse_system_result("{\"format\":", "r.json").status().message(), HasSubstr("r.json: not valid JSON"));
  EXPECT_THAT(parse_system_result("[]", "r.json").status().message(), HasSubstr("wanted a JSON object"));
  EXPECT_THAT(refusal([](Json& j) { j["format"] = "other"; }), HasSubstr("wanted \"drawbridge-eval-1\""));
  EXPECT_THAT(refusal([](Json& j) { j.erase("tasks"); }), HasSubstr("\"tasks\" is missing"));
  EXPECT_THAT(refusal([](Json& j) { j["manifest"] = 3; }), HasSubstr("manifest: wanted a JSON object, found 3"));
}

TEST(SystemResult, NamesTheItemThatIsWrong) {
  const auto item = [](size_t i, const char* key, Json value) {
    return refusal([&](Json& j) { j["tasks"][0]["items"][i][key] = std::move(value); });
  };
  EXPECT_THAT(item(1, "score", 0.5), HasSubstr("items[1]: score: wanted 0 for an item that is truncated"));
  EXPECT_THAT(item(0, "score", 1.5), HasSubstr("items[0]: score: wanted 0 to 1"));
  EXPECT_THAT(item(0, "score", "1"), HasSubstr("\"score\": wanted a number"));
  EXPECT_THAT(item(0, "trial", -1), HasSubstr("trial: wanted 0 or more"));
  EXPECT_THAT(item(0, "n_prompt", 1.5), HasSubstr("wanted an integer"));
  EXPECT_THAT(item(0, "n_prompt", UINT64_MAX), HasSubstr("wanted an integer"));
  EXPECT_THAT(item(0, "status", "lost"), HasSubstr("wanted answered, truncated or failed"));
  EXPECT_THAT(item(1, "trial", 0), HasSubstr("\"q1\" with trial 0 stands twice"));
}

}  // namespace
}  // namespace drawbridge
