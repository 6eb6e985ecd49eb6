// Data files that are not what they should be, and the shape of tasks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"
#include "eval/tasks/gpqa.h"
#include "eval/tasks/gsm8k.h"
#include "eval/tasks/jsonl_task.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

DataFile file_of(const std::string& text) {
  return {"d.jsonl", text, "hash"};
}

std::string refusal(const Result<EvalTask>& task) {
  return task.ok() ? "accepted" : task.status().message();
}

std::string jsonl_refusal(const std::string& text) {
  return refusal(make_jsonl_task(file_of(text), {"exact"}));
}

TEST(JsonlTask, ReadsPromptsAndMessages) {
  const auto task = make_jsonl_task(file_of("{\"id\":\"a\",\"prompt\":\"1+1=\",\"answer\":\"2\"}\r\n\n"
                                            "{\"id\":\"b\",\"messages\":[],\"answer\":\"3\",\"cluster\":\"q\"}"),
                                    {"exact", "strict-match"});
  ASSERT_TRUE(task.ok()) << task.status().message();
  EXPECT_EQ(task->name, "d");
  ASSERT_EQ(task->items.size(), 2u);
  EXPECT_EQ(task->items[0].prompt, "1+1=");
  EXPECT_TRUE(task->items[0].messages.is_null());
  EXPECT_EQ(task->items[1].cluster, "q");
  EXPECT_EQ(task->filters[0].score(task->items[0], " 2\n").score, 1);
  EXPECT_EQ(task->filters[1].score(task->items[0], " 2\n").score, 0);
}

TEST(JsonlTask, NamesTheLineThatIsWrong) {
  EXPECT_THAT(jsonl_refusal(""), HasSubstr("wanted a JSON object on each line"));
  EXPECT_THAT(jsonl_refusal("{\"id\":\"a\",\"prompt\":\"1"), HasSubstr("d.jsonl:1: not valid JSON"));
  EXPECT_THAT(jsonl_refusal("\n[1]\n"), HasSubstr("d.jsonl:2: wanted a JSON object, found [1]"));
  EXPECT_THAT(jsonl_refusal("{\"id\":1}"), HasSubstr("d.jsonl:1: member \"id\": wanted a string, found 1"));
  EXPECT_THAT(jsonl_refusal("{\"id\":\"a\",\"answer\":\"2\"}"), HasSubstr("\"prompt\" or \"messages\", found neither"));
  EXPECT_THAT(jsonl_refusal("{\"id\":\"a\",\"answer\":\"\xff\",\"prompt\":\"\"}"),
              HasSubstr("d.jsonl:1: not valid JSON"));
  EXPECT_THAT(jsonl_refusal("{\"id\":\"" + std::string(2 << 20, 'x') + "\"}"), HasSubstr("d.jsonl:1: JSON has"));
  EXPECT_THAT(jsonl_refusal(std::string(1000, '[')), HasSubstr("d.jsonl:1: JSON has"));
  const std::string line = "{\"id\":\"a\",\"answer\":\"2\",\"prompt\":\"\"}\n";
  EXPECT_THAT(jsonl_refusal(line + line), HasSubstr("d.jsonl:2: id \"a\" stands twice"));
  EXPECT_THAT(refusal(make_jsonl_task(file_of(line), {"best"})), HasSubstr("found \"best\""));
}

TEST(DataFile, IsHashedAndMustNotBeCompressed) {
  const ScratchDirectory dir("data_file");
  std::ofstream(dir.file("abc.txt")) << "abc";
  std::ofstream(dir.file("t.gz")) << "\x1f\x8b\x08";
  EXPECT_EQ(read_data_file(dir.file("abc.txt"))->sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THAT(read_data_file(dir.file("t.gz")).status().message(), HasSubstr("found gzip; unpack it with gunzip"));
  EXPECT_EQ(read_data_file(dir.file("none")).status().code(), Code::kNotFound);
}

TEST(Gsm8k, WantsExamplesToDrawFrom) {
  const DataFile one = file_of("{\"question\":\"q\",\"answer\":\"#### 1\"}\n");
  EXPECT_THAT(refusal(make_gsm8k_task(one, nullptr, {})), HasSubstr("--fewshot"));
  EXPECT_THAT(refusal(make_gsm8k_task(one, &one, {})), HasSubstr("wanted at least 5 examples (--shots), found 1"));
  EXPECT_THAT(refusal(make_gsm8k_task(file_of("{\"question\":\"q\",\"answer\":\"1\"}"), nullptr, {0})),
              HasSubstr("d.jsonl:1: answer: wanted its result after \"#### \""));
  const auto task = make_gsm8k_task(one, nullptr, {0});
  ASSERT_TRUE(task.ok());
  EXPECT_EQ(task->items[0].prompt, "Question: q\nAnswer:");
}

TEST(Gpqa, NamesWhatTheFileLacks) {
  const std::string heading =
      "Record ID,Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3\n";
  EXPECT_THAT(refusal(make_gpqa_task(file_of("a,b\n"), {})), HasSubstr("wanted a column \"Record ID\", found a, b"));
  EXPECT_THAT(refusal(make_gpqa_task(file_of(heading), {})), HasSubstr("found a heading alone"));
  EXPECT_THAT(refusal(make_gpqa_task(file_of(heading + "r,,c,i,j,k\n"), {})),
              HasSubstr("d.jsonl:2: wanted a record id"));
  EXPECT_THAT(refusal(make_gpqa_task(file_of(heading + "r,q,c,i,j,k\nr,q,c,i,j,k\n"), {})),
              HasSubstr("d.jsonl:3: record \"r\" stands twice"));
}

TEST(EvalTask, IsLimitedByQuestionAndRepeatedByTrial) {
  EvalTask task;
  for (const char* id : {"a", "b", "c"}) task.items.push_back({id, "", Json(), "", "", 0});
  repeat_items(task, 2);
  limit_questions(task, 2);
  ASSERT_EQ(task.items.size(), 4u);
  EXPECT_EQ(task.items[2].id, "a");
  EXPECT_EQ(task.items[2].cluster, "a");
  EXPECT_EQ(task.items[2].trial, 1);
}

}  // namespace
}  // namespace drawbridge
