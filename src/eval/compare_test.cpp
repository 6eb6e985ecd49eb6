#include "eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eval/report.h"

namespace drawbridge {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

ItemResult item(const std::string& id, double score, ItemStatus status = ItemStatus::kAnswered) {
  ItemResult made;
  made.id = id;
  made.score = score;
  made.status = status;
  made.expected = "42";
  made.answer = score == 1 ? "42" : "41";
  return made;
}

SystemResult system_of(const std::string& label, std::vector<ItemResult> items) {
  return {label,
          {{"model", label}, {"temperature", 0}},
          {{"gsm8k", 3, "strict-match", 5, "exact_match", std::move(items)}}};
}

TEST(CompareRuns, PairsItemsByIdWhateverTheirOrder) {
  const SystemResult a = system_of("bf16", {item("1", 1), item("2", 1), item("3", 0)});
  const SystemResult b = system_of("mxfp4", {item("3", 1), item("1", 1), item("2", 0)});
  const auto found = compare_runs(a, b, {});
  ASSERT_TRUE(found.ok()) << found.status().message();
  const TaskComparison& task = found->tasks.at(0);
  EXPECT_EQ(task.paired.table->both, 1);
  EXPECT_THAT(task.lost, testing::ElementsAre("2"));
  EXPECT_THAT(task.won, testing::ElementsAre("3"));
  EXPECT_EQ(task.n_changed_answers, 2);
  EXPECT_THAT(found->notes, testing::ElementsAre("manifests differ in model: \"bf16\" against \"mxfp4\""));
}

TEST(CompareRuns, NoItemMayBeLeftOut) {
  const SystemResult all = system_of("bf16", {item("1", 1), item("2", 1), item("3", 0)});
  const SystemResult fewer = system_of("mxfp4", {item("1", 1), item("3", 0)});
  for (const auto& error : {compare_runs(all, fewer, {}).status(), compare_runs(fewer, all, {}).status()}) {
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.message(), HasSubstr("found 1 only in \"bf16\", 2 the first"));
  }
}

TEST(CompareRuns, RefusesOtherDataAndOtherTasks) {
  const SystemResult a = system_of("a", {item("1", 1)});
  SystemResult b = system_of("b", {item("1", 1)});
  b.tasks[0].items[0].expected = "43";
  EXPECT_THAT(compare_runs(a, b, {}).status().message(), HasSubstr("expect \"42\" and \"43\""));
  b = system_of("b", {item("1", 1)});
  b.tasks[0].n_shot = 8;
  EXPECT_THAT(compare_runs(a, b, {}).status().message(), HasSubstr("no task in common"));
  b.tasks.push_back(a.tasks[0]);
  EXPECT_THAT(compare_runs(a, b, {})->notes, Contains(HasSubstr("8-shot) is only in \"b\"")));
}

TEST(CompareRuns, TruncatedAndFailedAnswersAreWrongAndSaid) {
  std::vector<ItemResult> right(50), cut;
  for (int i = 0; i < 50; ++i) {
    right[static_cast<size_t>(i)] = item(std::to_string(i), 1);
    cut.push_back(i < 6 ? item(std::to_string(i), 0, i < 4 ? ItemStatus::kFailed : ItemStatus::kTruncated)
                        : item(std::to_string(i), 1));
  }
  const SystemResult a = system_of("a", right), b = system_of("b", cut);
  const auto found = compare_runs(a, b, {});
  const TaskComparison& task = found->tasks.at(0);
  EXPECT_EQ(task.candidate.n_failed, 4);
  EXPECT_EQ(task.candidate.n_truncated, 2);
  EXPECT_NEAR(task.paired.candidate, 0.88, 1e-12);
  EXPECT_EQ(task.paired.table->only_baseline, 6);
  EXPECT_GT(task.n_unpaired_needed, 1000);  // although the baseline has no variance
  EXPECT_EQ(task.paired.verdict, Verdict::kInferior);
  const std::string text = render_terminal({{a, b}, *found, {}});
  EXPECT_THAT(text, HasSubstr("|Tasks|Version|Filter      |n-shot|Metric     |   | Value|   |Stderr|"));
  EXPECT_THAT(text, HasSubstr("|gsm8k|      3|strict-match|     5|exact_match|↑  |0.8800|±  |0.0464|"));
  EXPECT_THAT(text, HasSubstr("50 items, of which truncated 2 and failed 4; both count as wrong"));
  EXPECT_THAT(text, HasSubstr("Inferior: the loss is larger than the margin of 1 points"));
}

TEST(CompareRuns, SaysWhyNothingIsShown) {
  std::vector<ItemResult> a, b;
  for (int i = 0; i < 300; ++i) {
    a.push_back(item(fmt::format("{}\x1b", i), i < 6 ? 1 : 0));
    b.push_back(item(fmt::format("{}\x1b", i), i >= 298 ? 1 : 0));
  }
  PairedOptions options;
  const auto text = [&] {
    const auto found = compare_runs(system_of("a", a), system_of("b", b), options);
    return render_terminal({{}, *found, {}});
  };
  EXPECT_THAT(text(), HasSubstr("If the candidate is truly as good, 1650 questions are needed"));
  EXPECT_THAT(text(), HasSubstr("; 300 were asked.\n"));
  EXPECT_THAT(text(), Not(HasSubstr("\x1b")));
  options.margin = 0.025;
  EXPECT_THAT(text(), HasSubstr("264 questions are needed"));
  EXPECT_THAT(text(), HasSubstr("; 300 were asked: the observed loss itself is the reason.\n"));
}

TEST(CompareRuns, SeedsOfOneQuestionAreOneCluster) {
  std::vector<ItemResult> a, b;
  for (int question = 0; question < 30; ++question) {
    for (int trial = 0; trial < 3; ++trial) {
      ItemResult one = item(std::to_string(question), 1);
      one.id += fmt::format("/{}", trial);
      one.cluster = std::to_string(question);
      one.trial = trial;
      a.push_back(one);
      one.score = question % 10 == 0 ? 0 : 1;
      b.push_back(one);
    }
  }
  const auto found = compare_runs(system_of("a", a), system_of("b", b), {});
  EXPECT_EQ(found->tasks.at(0).paired.n_clusters, 30);
  EXPECT_EQ(found->tasks.at(0).paired.method, PairedMethod::kBootstrap);
  EXPECT_EQ(found->tasks.at(0).lost.size(), 9u);
  EXPECT_THAT(found->notes, Contains(HasSubstr("3 of 30 questions differ, few for a bootstrap")));
  for (ItemResult& one : b) one.score = 0;
  EXPECT_THAT(compare_runs(system_of("a", a), system_of("b", b), {})->notes,
              Not(Contains(HasSubstr("few for a bootstrap"))));
}

}  // namespace
}  // namespace drawbridge
