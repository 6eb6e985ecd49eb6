#include "eval/run_notes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

ItemResult item_of(const std::string& id, int64_t n_prompt, ItemStatus status = ItemStatus::kAnswered) {
  ItemResult item;
  item.id = id;
  item.n_prompt = n_prompt;
  item.n_completion = 1;
  item.status = status;
  return item;
}

TEST(RunNotes, TellsHowManyItemsPassedIndexTopk) {
  SystemResult system;
  system.tasks.push_back({"t", 1, "f", 0, "m", {}});
  for (int64_t n = 1; n <= 10; ++n) system.tasks[0].items.push_back(item_of(std::to_string(n), 100 * n));
  const PromptLengths lengths = prompt_lengths(system.tasks[0], 900);
  EXPECT_EQ(lengths.shortest, 100);
  EXPECT_EQ(lengths.median, 600);
  EXPECT_EQ(lengths.p90, 1000);
  EXPECT_EQ(lengths.longest, 1000);
  EXPECT_EQ(lengths.n_beyond, 2) << "900 + 1 counts";
  EXPECT_THAT(run_notes(system, 900), HasSubstr("2 of 10 items had more than index_topk = 900 tokens\n"));
  EXPECT_THAT(run_notes(system, 5000), HasSubstr("never put to the test"));
  EXPECT_THAT(run_notes(system, 0), Not(HasSubstr("index_topk")));
  EXPECT_THAT(run_notes(system, 0), HasSubstr("every item was answered"));
}

TEST(RunNotes, ListsWhatHasNoAnswer) {
  SystemResult system;
  system.tasks.push_back({"t", 1, "f", 0, "m", {}});
  EXPECT_THAT(run_notes(system, 0), HasSubstr("not told by the server"));
  for (int i = 0; i < 25; ++i) system.tasks[0].items.push_back(item_of(std::to_string(i), 0, ItemStatus::kTruncated));
  system.tasks[0].items[3].status = ItemStatus::kFailed;
  system.tasks[0].items[3].error = "HTTP 500\x1b";
  system.tasks[0].items[3].trial = 1;
  const std::string notes = run_notes(system, 0);
  EXPECT_THAT(notes, HasSubstr("25 of 25 items count as wrong"));
  EXPECT_THAT(notes, HasSubstr("  failed 3 (trial 1): HTTP 500 \n"));
  EXPECT_THAT(notes, HasSubstr("  truncated 19\n  and 5 more\n"));
}

}  // namespace
}  // namespace drawbridge
