// Workloads by what they plan: lengths, shares, turns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "load/history_workload.h"
#include "load/make_workload.h"
#include "load/random_workload.h"
#include "load/token_costs.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

TokenCosts costs(double per_word = 1, double per_request = 6, double per_turn = 5) {
  TokenCosts made;
  made.per_word.assign(prompt_words().size(), per_word);
  made.per_request = per_request;
  made.per_turn = per_turn;
  return made;
}

int64_t n_words(const std::string& text) {
  return text.empty() ? 0 : 1 + std::count(text.begin(), text.end(), ' ');
}

int64_t n_words(const PlannedRequest& request) {
  int64_t n = 0;
  for (const LoadMessage& message : request.messages) n += n_words(message.text);
  return n;
}

PlannedRequest next_of(Workload& workload, int64_t lane = 0) {
  auto next = workload.next(lane);
  EXPECT_TRUE(next.ok() && next->has_value());
  return std::move(**next);
}

TEST(PromptText, IsAsLongAsAskedAndDiffersByStream) {
  const PromptText text(costs(), 3);
  EXPECT_EQ(n_words(text.draw(1, 1000)), 1000);
  EXPECT_EQ(text.draw(1, 1000), text.draw(1, 1000));
  EXPECT_NE(text.draw(1, 1000), text.draw(2, 1000));
  EXPECT_NE(text.draw(1, 1000), PromptText(costs(), 4).draw(1, 1000));
  EXPECT_EQ(text.draw(1, 1000).substr(0, 500), text.draw(1, 2000).substr(0, 500));
  EXPECT_EQ(text.draw(1, 0), "");
}

TEST(PromptText, WordsOfSeveralTokensStillEndWhereAsked) {
  TokenCosts uneven = costs();
  for (size_t i = 0; i < uneven.per_word.size(); ++i) uneven.per_word[i] = 1 + static_cast<double>(i % 3);
  const PromptText text(uneven, 3);
  const auto words = prompt_words();
  for (int64_t wanted = 1; wanted < 40; ++wanted) {
    std::string drawn = text.draw(static_cast<uint64_t>(wanted), wanted) + ' ';
    double sum = 0;
    for (size_t end = drawn.find(' '); end != std::string::npos; end = drawn.find(' ')) {
      const auto at = std::find(words.begin(), words.end(), drawn.substr(0, end));
      ASSERT_NE(at, words.end());
      sum += uneven.per_word[static_cast<size_t>(at - words.begin())];
      drawn.erase(0, end + 1);
    }
    EXPECT_EQ(sum, static_cast<double>(wanted));
  }
}

TEST(TokenCosts, TwoCountsAreEnoughWhereEveryWordIsOneToken) {
  int n_counts = 0;
  const auto found = count_words([&n_counts](const std::string& text) -> Result<int64_t> {
    ++n_counts;
    return n_words(text) + 1;  // with a token at the front
  });
  ASSERT_TRUE(found.ok());
  EXPECT_THAT(*found, testing::Each(1.0));
  EXPECT_EQ(n_counts, 2);
}

TEST(TokenCosts, WordsOfSeveralTokensAreCountedOneByOne) {
  const auto found = count_words([](const std::string& text) -> Result<int64_t> {
    return static_cast<int64_t>(text.size());  // a token a byte, blanks too
  });
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)[0], static_cast<double>(prompt_words()[0].size() + 1));
}

TEST(TokenCosts, OtherTextsAreCountedOrElseEstimated) {
  TokenCosts counted = costs();
  counted.count = [](const std::string&) -> Result<int64_t> { return 42; };
  EXPECT_EQ(*count_tokens(counted, "x"), 42);
  const std::string text = PromptText(costs(), 1).draw(1, 1000);
  EXPECT_NEAR(static_cast<double>(*count_tokens(costs(), text)), 1000, 50);
}

TEST(RandomWorkload, FixedLengthsHoldTheTemplateToo) {
  const auto workload = make_random_workload({100, 20, 1, 0, 1}, PromptText(costs(), 1));
  ASSERT_TRUE(workload.ok());
  std::set<std::string> texts;
  for (int i = 0; i < 10; ++i) {
    const PlannedRequest request = next_of(**workload);
    EXPECT_EQ(request.n_prompt, 100);
    EXPECT_EQ(request.n_output, 20);
    EXPECT_EQ(request.n_cached, 0);
    EXPECT_EQ(request.conversation, -1);
    EXPECT_EQ(n_words(request), 94);
    texts.insert(request.messages[0].text);
  }
  EXPECT_EQ(texts.size(), 10u);
  EXPECT_EQ((*workload)->description(), "fixed 100 in 20 out");
}

TEST(RandomWorkload, RangedLengthsFillTheirRange) {
  const auto workload = make_random_workload({100, 20, 0.5, 0, 1}, PromptText(costs(), 1));
  ASSERT_TRUE(workload.ok());
  std::set<int64_t> prompts;
  std::set<int64_t> outputs;
  for (int i = 0; i < 2000; ++i) {
    const PlannedRequest request = next_of(**workload);
    prompts.insert(request.n_prompt);
    outputs.insert(request.n_output);
  }
  EXPECT_EQ(*prompts.begin(), 50);
  EXPECT_EQ(*prompts.rbegin(), 100);
  EXPECT_EQ(prompts.size(), 51u);
  EXPECT_EQ(*outputs.begin(), 10);
  EXPECT_EQ(*outputs.rbegin(), 20);
}

TEST(RandomWorkload, SharesItsPrefix) {
  const auto workload = make_random_workload({100, 20, 1, 0.6, 1}, PromptText(costs(), 1));
  ASSERT_TRUE(workload.ok());
  const PlannedRequest first = next_of(**workload);
  const PlannedRequest second = next_of(**workload);
  EXPECT_EQ(first.n_cached, 0) << "nothing was sent before";
  EXPECT_EQ(second.n_cached, 60);
  EXPECT_EQ(n_words(second), 94);
  const std::string& a = first.messages[0].text;
  const std::string& b = second.messages[0].text;
  const auto differs = std::mismatch(a.begin(), a.end(), b.begin()).first;
  const int64_t n_shared = n_words(std::string(a.begin(), differs));
  EXPECT_GE(n_shared, 60);
  EXPECT_LE(n_shared, 62);  // a word may start, or be, the same by chance
  EXPECT_EQ((*workload)->cache_design(), "one shared prefix");
  EXPECT_EQ((*workload)->description(), "fixed 100 in 20 out, 60% shared prefix");
}

TEST(RandomWorkload, RefusesPromptsThatTheTemplateFills) {
  const auto workload = make_random_workload({7, 20, 1, 0, 1}, PromptText(costs(), 1));
  ASSERT_FALSE(workload.ok());
  EXPECT_THAT(workload.status().message(), HasSubstr("--input: wanted at least 8 tokens"));
}

struct HistoryCase {
  int64_t n_prompt, n_output;
  double cache_hit;
};

class HistoryShapes : public testing::TestWithParam<HistoryCase> {};

/// Over any conversation, prompts and hits are on average what was asked for.
TEST_P(HistoryShapes, HoldTheirAverages) {
  HistoryWorkloadOptions options;
  options.n_prompt = GetParam().n_prompt;
  options.n_output = GetParam().n_output;
  options.cache_hit = GetParam().cache_hit;
  const auto workload = make_history_workload(options, PromptText(costs(), 1));
  ASSERT_TRUE(workload.ok()) << workload.status().message();
  double n_prompt = 0;
  double n_cached = 0;
  double n_turns = 0;
  int64_t n_said = 0;  // tokens of the conversation as it is sent: words, template, answers of the asked length
  for (bool is_over = false; !is_over; ++n_turns) {
    const PlannedRequest request = next_of(**workload);
    EXPECT_EQ(request.turn, static_cast<int64_t>(n_turns));
    EXPECT_EQ(request.conversation, 0);
    n_said += n_words(request) + (request.turn == 0 ? 6 : 5 + options.n_output);
    EXPECT_EQ(n_said, request.n_prompt);
    n_prompt += static_cast<double>(request.n_prompt);
    n_cached += static_cast<double>(request.n_cached);
    is_over = request.ends_conversation;
  }
  EXPECT_NEAR(n_prompt / n_turns, static_cast<double>(options.n_prompt), 1);
  EXPECT_NEAR(n_cached / n_prompt, options.cache_hit, 0.01);
  EXPECT_EQ(next_of(**workload).conversation, 1);
}

INSTANTIATE_TEST_SUITE_P(All, HistoryShapes,
                         testing::Values(HistoryCase{20000, 1000, 0.6}, HistoryCase{1000, 100, 0.3},
                                         HistoryCase{1000, 10, 0.8}, HistoryCase{400, 100, 0.5}));

TEST(HistoryWorkload, TurnsMayBeAskedFor) {
  HistoryWorkloadOptions options;
  options.n_prompt = 20000;
  options.n_output = 1000;
  const auto fewest = history_shape(options, costs());
  options.n_turns = 4;
  const auto four = history_shape(options, costs());
  ASSERT_TRUE(fewest.ok() && four.ok());
  EXPECT_EQ(fewest->n_turns, 3);
  EXPECT_EQ(fewest->n_first, 14000);
  EXPECT_EQ(fewest->n_step, 6000);
  EXPECT_EQ(four->n_first, 5000);
  EXPECT_EQ(four->n_step, 10000);
}

TEST(HistoryWorkload, RefusesWhatNoConversationHas) {
  HistoryWorkloadOptions options;
  options.cache_hit = 0.6;
  options.n_turns = 2;
  const auto shape = history_shape(options, costs());
  ASSERT_FALSE(shape.ok());
  EXPECT_THAT(shape.status().message(), HasSubstr("--cache-hit 0.6: wanted a share that conversations of 2 turns"));
}

/// The load is the same from the start on, with conversations at every turn.
TEST(HistoryWorkload, LanesStartAtDifferentTurnsWithAHistoryOfOurs) {
  HistoryWorkloadOptions options;
  options.n_prompt = 20000;
  options.n_output = 1000;
  options.n_lanes = 3;
  const auto workload = make_history_workload(options, PromptText(costs(), 1));
  ASSERT_TRUE(workload.ok());
  for (int64_t lane = 0; lane < 3; ++lane) {
    const PlannedRequest request = next_of(**workload, lane);
    EXPECT_EQ(request.turn, lane);
    EXPECT_EQ(request.n_cached, 0);
    EXPECT_EQ(request.n_prompt, 14000 + lane * 6000);
    EXPECT_EQ(n_words(request) + 6 + 5 * lane, request.n_prompt);
    EXPECT_EQ(request.messages.size(), static_cast<size_t>(1 + 2 * lane));
    EXPECT_EQ(request.ends_conversation, lane == 2);
  }
}

TEST(WorkloadOptions, SayWhatDoesNotGoTogether) {
  WorkloadOptions o;
  EXPECT_TRUE(check_workload_options(o).ok());
  o.cache_design = "history:1";
  EXPECT_THAT(check_workload_options(o).message(), HasSubstr("--cache-design: wanted shared, history"));
  o.cache_design = "history:4";
  o.cache_hit = 0.5;
  o.range_ratio = 0.5;
  EXPECT_THAT(check_workload_options(o).message(), HasSubstr("--range-ratio: wanted 1 with"));
  o = {};
  o.dataset = "mooncake";
  EXPECT_THAT(check_workload_options(o).message(), HasSubstr("wanted its file"));
  o.path = "x";
  o.cache_hit = 0.5;
  EXPECT_THAT(check_workload_options(o).message(), HasSubstr("--cache-hit: wanted with --dataset random"));
}

}  // namespace
}  // namespace drawbridge
