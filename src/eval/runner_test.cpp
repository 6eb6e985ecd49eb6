#include "eval/runner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>

#include "base/scratch_test.h"
#include "eval/fake_target_test.h"
#include "eval/tasks/number_filters.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

/// Items "0" to "n - 1", whose prompt and right answer is their id.
EvalTask counting_task(int64_t n) {
  EvalTask task;
  task.name = "counting";
  task.filters = {exact_filter(), flexible_extract_filter()};
  task.stop = {"\n"};
  for (int64_t i = 0; i < n; ++i) {
    EvalItem item;
    item.id = item.prompt = item.expected = std::to_string(i);
    task.items.push_back(item);
  }
  return task;
}

Result<ChatReply> echo(const ChatCall& call) {
  return reply_of(call.prompt);
}

class RunnerTest : public testing::Test {
 protected:
  RunnerTest() { options_.journal_path = dir_.file("run.jsonl"); }

  ScratchDirectory dir_{"runner"};
  RunOptions options_;
};

TEST_F(RunnerTest, ScoresEveryItemByEveryFilterInTheTasksOrder) {
  FakeTarget target([](const ChatCall& call) { return reply_of("it is " + call.prompt); });
  options_.label = "fake";
  const auto outcome = run_task(counting_task(50), target, options_);
  ASSERT_TRUE(outcome.ok()) << outcome.status().message();
  EXPECT_TRUE(outcome->whole);
  ASSERT_EQ(outcome->result.tasks.size(), 2u);
  const TaskResult& exact = outcome->result.tasks[0];
  const TaskResult& flexible = outcome->result.tasks[1];
  for (size_t i = 0; i < 50; ++i) {
    EXPECT_EQ(exact.items[i].id, std::to_string(i));
    EXPECT_EQ(exact.items[i].score, 0);
    EXPECT_EQ(flexible.items[i].score, 1);
    EXPECT_EQ(flexible.items[i].answer, std::to_string(i));
    EXPECT_EQ(flexible.items[i].n_prompt, 10);
  }
  EXPECT_EQ(outcome->result.manifest["target"]["model"], "fake");
}

TEST_F(RunnerTest, AsksAsTheTaskAndTheOptionsSay) {
  FakeTarget target(echo);
  EvalTask task = counting_task(1);
  task.max_tokens = 77;
  task.temperature = 0.5f;
  options_.top_p = 0.9f;
  options_.enable_thinking = true;
  options_.seed = 3;
  ASSERT_TRUE(run_task(task, target, options_).ok());
  ASSERT_EQ(target.calls.size(), 1u);
  EXPECT_EQ(target.calls[0].max_tokens, 77);
  EXPECT_EQ(target.calls[0].temperature, 0.5f);
  EXPECT_EQ(target.calls[0].top_p, 0.9f);
  EXPECT_EQ(target.calls[0].stop, task.stop);
  EXPECT_TRUE(target.calls[0].enable_thinking);
  EXPECT_EQ(target.calls[0].seed, item_seed(3, "0", 0));
}

TEST_F(RunnerTest, TruncatedAndFailedAnswersAreWrongWhateverTheySay) {
  FakeTarget target([](const ChatCall& call) -> Result<ChatReply> {
    if (call.prompt == "1") return fail(Code::kOutOfRange, "too long");
    ChatReply reply = reply_of(call.prompt);
    reply.truncated = call.prompt == "2";
    return reply;
  });
  const auto outcome = run_task(counting_task(3), target, options_);
  ASSERT_TRUE(outcome.ok());
  const auto& items = outcome->result.tasks[0].items;
  EXPECT_EQ(items[0].score, 1);
  EXPECT_EQ(items[1].status, ItemStatus::kFailed);
  EXPECT_EQ(items[1].error, "too long");
  EXPECT_EQ(items[1].score, 0);
  EXPECT_EQ(items[2].status, ItemStatus::kTruncated);
  EXPECT_EQ(items[2].answer, "2");
  EXPECT_EQ(items[2].score, 0);
  const std::string text = dump_json(system_to_json(outcome->result));
  EXPECT_TRUE(parse_system_result(text, "r").ok()) << "the reader accepts what the runner makes";
}

TEST_F(RunnerTest, GoesOnWhereItWasStopped) {
  std::atomic<int> n_asked = 0;
  FakeTarget first([&](const ChatCall& call) {
    ++n_asked;
    return echo(call);
  });
  options_.n_concurrent = 3;
  options_.should_stop = [&] { return n_asked >= 20; };
  const auto stopped = run_task(counting_task(60), first, options_);
  ASSERT_TRUE(stopped.ok());
  EXPECT_FALSE(stopped->whole);
  EXPECT_GE(first.calls.size(), 20u);
  EXPECT_LE(first.calls.size(), 22u);

  options_.should_stop = {};
  FakeTarget second(echo);
  const auto resumed = run_task(counting_task(60), second, options_);
  ASSERT_TRUE(resumed.ok());
  EXPECT_TRUE(resumed->whole);
  EXPECT_EQ(resumed->n_resumed, static_cast<int64_t>(first.calls.size()));
  EXPECT_EQ(first.calls.size() + second.calls.size(), 60u);

  options_.journal_path = dir_.file("at_once.jsonl");
  FakeTarget third(echo);
  const auto at_once = run_task(counting_task(60), third, options_);
  EXPECT_EQ(system_to_json(resumed->result), system_to_json(at_once->result));
}

TEST_F(RunnerTest, AsksFailedItemsAgainOnlyIfTold) {
  FakeTarget down([](const ChatCall&) -> Result<ChatReply> { return fail(Code::kUnavailable, "down"); });
  ASSERT_TRUE(run_task(counting_task(4), down, options_).ok());
  FakeTarget up(echo);
  EXPECT_EQ(run_task(counting_task(4), up, options_)->result.tasks[0].items[0].error, "down");
  EXPECT_TRUE(up.calls.empty());
  options_.retry_failed = true;
  EXPECT_EQ(run_task(counting_task(4), up, options_)->result.tasks[0].items[0].score, 1);
  EXPECT_EQ(up.calls.size(), 4u);
}

TEST_F(RunnerTest, GivesUpOnATargetThatIsGone) {
  FakeTarget gone([](const ChatCall&) -> Result<ChatReply> { return fail(Code::kUnavailable, "no connection"); });
  options_.n_concurrent = 1;
  const auto outcome = run_task(counting_task(100), gone, options_);
  ASSERT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.status().message(), HasSubstr("20 items in a row got no answer"));
  EXPECT_THAT(outcome.status().message(), HasSubstr("no connection"));
  EXPECT_EQ(gone.calls.size(), 20u);
}

TEST_F(RunnerTest, CancelledItemsStayOpen) {
  FakeTarget target([](const ChatCall& call) -> Result<ChatReply> {
    if (call.prompt == "1") return fail(Code::kCancelled, "stopped");
    return echo(call);
  });
  const auto outcome = run_task(counting_task(3), target, options_);
  ASSERT_TRUE(outcome.ok());
  EXPECT_FALSE(outcome->whole);
  EXPECT_EQ(outcome->result.tasks[0].items.size(), 2u);
}

TEST_F(RunnerTest, AnotherModelOrTaskIsAnotherRun) {
  FakeTarget one(echo), other(echo, "another");
  ASSERT_TRUE(run_task(counting_task(2), one, options_).ok());
  EXPECT_THAT(run_task(counting_task(2), other, options_).status().message(),
              HasSubstr("target.model: the journal has \"fake\", this run \"another\""));
  EXPECT_THAT(run_task(counting_task(3), one, options_).status().message(),
              HasSubstr("n_items: the journal has 2, this run 3"));
  options_.seed = 1;
  EXPECT_THAT(run_task(counting_task(2), one, options_).status().message(), HasSubstr("sampling.seed"));
}

TEST_F(RunnerTest, ProgressEndsAtTheTotal) {
  FakeTarget target(echo);
  std::vector<int64_t> seen;
  options_.on_progress = [&](const RunProgress& p) { seen.push_back(p.n_done); };
  ASSERT_TRUE(run_task(counting_task(10), target, options_).ok());
  EXPECT_EQ(seen, (std::vector<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}));
}

TEST(ItemSeed, DependsOnSeedIdAndTrialAlone) {
  const std::set<uint64_t> seeds = {item_seed(0, "a", 0), item_seed(0, "a", 1), item_seed(0, "b", 0),
                                    item_seed(1, "a", 0), item_seed(0, "", 0)};
  EXPECT_EQ(seeds.size(), 5u);
  EXPECT_TRUE(std::all_of(seeds.begin(), seeds.end(), [](uint64_t s) { return s < (uint64_t{1} << 53); }));
}

}  // namespace
}  // namespace drawbridge
