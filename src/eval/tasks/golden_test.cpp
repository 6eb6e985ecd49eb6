// Prompts, draws and filters against the public harnesses' own (tests/reference/eval/make_eval_golden.py).
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "eval/tasks/gpqa.h"
#include "eval/tasks/gsm8k.h"
#include "eval/tasks/number_filters.h"

namespace drawbridge {
namespace {

Json golden(const std::string& name) {
  const std::string path = std::string(DB_SOURCE_DIR) + "/tests/golden/eval/" + name;
  return parse_json(read_text_file(path, 16 << 20).value(), path).value();
}

DataFile data(const std::string& name) {
  return read_data_file(std::string(DB_SOURCE_DIR) + "/tests/data/eval/" + name).value();
}

EvalTask gsm8k(int64_t n_shot, uint64_t seed, PromptForm form) {
  const DataFile train = data("gsm8k_train.jsonl");
  return make_gsm8k_task(data("gsm8k_test.jsonl"), &train, {n_shot, seed, form}).value();
}

TEST(Gsm8kGolden, PromptsAreThoseOfLmEval) {
  const Json file = golden("gsm8k.json");
  for (const Json& set : file["prompts"]) {
    const EvalTask task = gsm8k(set["shots"], set["seed"], PromptForm::kCompletion);
    ASSERT_EQ(task.items.size(), set["sha256"].size());
    for (size_t i = 0; i < task.items.size(); ++i) {
      EXPECT_EQ(sha256_of(task.items[i].prompt), set["sha256"][i]) << set["shots"] << " shots, item " << i;
    }
  }
  EXPECT_EQ(gsm8k(2, 1234, PromptForm::kCompletion).items[0].prompt, file["first_prompt_2_shots"]);
  EXPECT_EQ(gsm8k(2, 1234, PromptForm::kChat).items[0].messages[0]["content"], file["first_prompt_2_shots"]);
  EXPECT_EQ(gsm8k(2, 1234, PromptForm::kMultiturn).items[0].messages, file["first_messages_2_shots"]);
}

TEST(Gsm8kGolden, StopsAndVersionAreThoseOfLmEval) {
  const Json file = golden("gsm8k.json");
  const EvalTask task = gsm8k(5, 1234, PromptForm::kCompletion);
  EXPECT_EQ(Json(task.stop), file["until"]);
  EXPECT_EQ(static_cast<double>(task.version), file["version"]);
}

TEST(Gsm8kGolden, FiltersAreThoseOfLmEval) {
  const Json file = golden("gsm8k.json");
  for (const AnswerFilter& filter : {strict_match_filter(), flexible_extract_filter()}) {
    for (const Json& row : file["filters"]) {
      for (size_t r = 0; r < file["references"].size(); ++r) {
        EvalItem item;
        item.expected = file["references"][r];
        const ScoredAnswer scored = filter.score(item, row["output"]);
        EXPECT_EQ(scored.answer, row[filter.name]["answer"]) << filter.name << ": " << row["output"];
        EXPECT_EQ(scored.score, row[filter.name]["scores"][r].get<double>()) << filter.name << ": " << row["output"];
      }
    }
  }
}

TEST(GpqaGolden, PromptsAndChoicesAreThoseOfSimpleEvals) {
  const Json file = golden("gpqa.json");
  for (const Json& set : file["sets"]) {
    const EvalTask task = make_gpqa_task(data("gpqa_invented.csv"), {set["repeats"], set["seed"]}).value();
    ASSERT_EQ(task.items.size(), set["items"].size());
    for (size_t i = 0; i < task.items.size(); ++i) {
      EXPECT_EQ(task.items[i].messages[0]["content"], set["items"][i]["prompt"]);
      EXPECT_EQ(task.items[i].expected, set["items"][i]["answer"]);
      EXPECT_EQ(task.items[i].cluster, set["items"][i]["id"]);
    }
  }
}

TEST(GpqaGolden, TheLetterIsTheFirstThatTheRegexFinds) {
  const Json file = golden("gpqa.json");
  for (const Json& row : file["letters"])
    EXPECT_EQ(choice_letter(row["text"].get<std::string>()), row["letter"]) << row;
}

}  // namespace
}  // namespace drawbridge
