#include "eval/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"
#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

Answer answer_of(const std::string& id, const std::string& text) {
  Answer answer;
  answer.id = id;
  answer.text = text;
  return answer;
}

class JournalTest : public testing::Test {
 protected:
  Result<AnswerJournal> open(const Json& manifest = {{"model", "a"}}) { return AnswerJournal::open(path_, manifest); }
  std::string refusal() {
    const auto journal = open();
    return journal.ok() ? "accepted" : journal.status().message();
  }
  void append(const std::string& text) { std::ofstream(path_, std::ios::app | std::ios::binary) << text; }

  ScratchDirectory dir_{"journal"};
  std::string path_ = dir_.file("run.jsonl");
};

TEST_F(JournalTest, KeepsWhatWasAddedAndTheLastOfEachItem) {
  {
    auto journal = open();
    ASSERT_TRUE(journal.ok());
    ASSERT_TRUE(journal->add(answer_of("q", "one\ntwo \xff")).ok());
    ASSERT_TRUE(journal->add(answer_of("r", "1")).ok());
    ASSERT_TRUE(journal->add(answer_of("r", "2")).ok());
  }
  const auto again = open();
  ASSERT_TRUE(again.ok()) << again.status().message();
  ASSERT_EQ(again->answers().size(), 2u);
  EXPECT_EQ(again->answers().at({"q", 0}).text, "one\ntwo \xef\xbf\xbd");
  EXPECT_EQ(again->answers().at({"r", 0}).text, "2");
}

TEST_F(JournalTest, AKillMayCutTheLastLineAnywhere) {
  { ASSERT_TRUE(open()->add(answer_of("q", "1")).ok()); }
  const std::string whole = read_text_file(path_, 1 << 20).value();
  for (size_t n = 0; n < whole.size(); ++n) {
    std::filesystem::resize_file(path_, 0);
    append(whole.substr(0, n));
    auto journal = open();
    ASSERT_TRUE(journal.ok()) << n << " bytes: " << journal.status().message();
    ASSERT_TRUE(journal->add(answer_of("r", "2")).ok());
    EXPECT_EQ(journal->answers().count({"q", 0}), 0u);
  }
  const auto last = open();
  ASSERT_TRUE(last.ok()) << last.status().message();
  EXPECT_EQ(last->answers().size(), 1u);
}

TEST_F(JournalTest, AFailedWriteLeavesNoPartOfALine) {
  auto journal = open();
  ASSERT_TRUE(journal.ok());
  ASSERT_TRUE(journal->add(answer_of("q", "1")).ok());
  const auto size = std::filesystem::file_size(path_);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit full{size + 30, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &full), 0);
  const Status refused = journal->add(answer_of("r", std::string(100, 'x')));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_EQ(std::filesystem::file_size(path_), size);
  EXPECT_THAT(journal->add(answer_of("s", "1")).message(), HasSubstr("a write has failed before"));
  EXPECT_EQ(journal->answers().size(), 1u);
}

TEST_F(JournalTest, BelongsToOneRun) {
  const auto held = open();
  ASSERT_TRUE(held.ok());
  EXPECT_THAT(refusal(), HasSubstr("another run is writing to it"));
}

TEST_F(JournalTest, SaysThatItsFolderIsNotThere) {
  const Status refused = AnswerJournal::open(dir_.file("none/run.jsonl"), {{"model", "a"}}).status();
  EXPECT_EQ(refused.code(), Code::kNotFound);
  EXPECT_THAT(refused.message(), HasSubstr("its folder is not there; make it first"));
}

TEST_F(JournalTest, RefusesWhatIsNoJournal) {
  append("hello\n");
  EXPECT_THAT(refusal(), HasSubstr("run.jsonl:1: not valid JSON"));
  std::filesystem::resize_file(path_, 0);
  append("{\"format\":\"other\"}\n");
  EXPECT_THAT(refusal(), HasSubstr("run.jsonl:1: format: wanted \"drawbridge-eval-journal-1\""));
  std::filesystem::resize_file(path_, 0);
  { ASSERT_TRUE(open().ok()); }
  append("{\"id\":\"q\",\"trial\":\"0\"}\n");
  EXPECT_THAT(refusal(), HasSubstr("run.jsonl:2: member \"trial\": wanted an integer"));
}

TEST(FirstDifference, NamesTheMemberAndBothValues) {
  const Json before = {{"a", 1}, {"b", {{"c", "x"}, {"d", 2}}}};
  EXPECT_EQ(first_difference(before, before), "");
  EXPECT_EQ(first_difference(before, {{"b", {{"d", 2}, {"c", "x"}}}, {"a", 1}}), "") << "the order does not matter";
  EXPECT_EQ(first_difference(before, {{"a", 1}, {"b", {{"c", "y"}, {"d", 2}}}}),
            "b.c: the journal has \"x\", this run \"y\"");
  EXPECT_EQ(first_difference(before, {{"a", 1}, {"b", {{"c", "x"}}}}), "b.d: the journal has 2, this run nothing");
  EXPECT_EQ(first_difference({{"a", 1}}, {{"a", 1}, {"z", true}}), "z: the journal has nothing, this run true");
}

}  // namespace
}  // namespace drawbridge
