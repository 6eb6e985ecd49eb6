// The bundled model's own sums, asked in process and over HTTP: the same questions get the same answers, and a run that
// was stopped ends as one that was not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "api/server_process.h"
#include "base/mapped_file.h"
#include "base/scratch_test.h"
#include "eval/engine_target.h"
#include "eval/http_target.h"
#include "eval/runner.h"
#include "eval/tasks/gsm8k.h"
#include "eval/tasks/jsonl_task.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

const std::string kModel = DB_SOURCE_DIR "/models/glm52-nano";
const std::string kData = DB_SOURCE_DIR "/tests/data/eval/";

EngineOptions engine_options() {
  EngineOptions options;
  options.model = kModel;
  options.max_context = 1024;
  return options;
}

EvalTask sums(int64_t n) {
  EvalTask task = make_jsonl_task(read_data_file(kData + "sums.jsonl").value(), {"strict-match"}).value();
  limit_questions(task, n);
  return task;
}

/// Few-shot prompts as raw completions, sampled.
EvalTask completions(int64_t n) {
  const DataFile train = read_data_file(kData + "gsm8k_train.jsonl").value();
  EvalTask task = make_gsm8k_task(read_data_file(kData + "gsm8k_test.jsonl").value(), &train, {2}).value();
  limit_questions(task, n);
  task.max_tokens = 24;
  task.temperature = 0.8f;
  return task;
}

std::vector<ItemResult> run(const EvalTask& task, ChatTarget& target, const std::string& journal) {
  RunOptions options;
  options.journal_path = journal;
  options.n_concurrent = 8;
  auto outcome = run_task(task, target, options);
  EXPECT_TRUE(outcome.ok()) << outcome.status().message();
  if (!outcome.ok()) return {};
  EXPECT_TRUE(outcome->whole);
  return outcome->result.tasks.front().items;
}

void expect_same(const std::vector<ItemResult>& one, const std::vector<ItemResult>& other) {
  ASSERT_EQ(one.size(), other.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(item_to_json(one[i]), item_to_json(other[i]));
}

TEST(EvalRun, AnswersAreTheSameInProcessAndOverHttp) {
  const ScratchDirectory dir("run_http");
  auto server = api::ServerProcess::start(DB_PROGRAM, {"--model", kModel, "--max-context", "1024"});
  ASSERT_TRUE(server.ok()) << server.status().message();
  HttpTargetOptions http;
  http.url = "http://" + (*server)->url().authority();
  const auto remote = HttpTarget::create(http);
  ASSERT_TRUE(remote.ok()) << remote.status().message();
  const auto local = make_engine_target(engine_options());
  ASSERT_TRUE(local.ok()) << local.status().message();

  const auto here = run(sums(20), **local, dir.file("local.jsonl"));
  expect_same(here, run(sums(20), **remote, dir.file("remote.jsonl")));
  double right = 0;
  for (const ItemResult& item : here) right += item.score;
  EXPECT_GE(right, 18) << "the model card says 99 %";

  const auto continued = run(completions(6), **local, dir.file("local_completions.jsonl"));
  expect_same(continued, run(completions(6), **remote, dir.file("remote_completions.jsonl")));
  EXPECT_GT(continued.front().n_prompt, 100);
}

TEST(EvalRun, AQuestionThatDoesNotFitFailsAlone) {
  const ScratchDirectory dir("run_long");
  EngineOptions options = engine_options();
  options.max_context = 128;
  const auto target = make_engine_target(options);
  ASSERT_TRUE(target.ok());
  EvalTask task = sums(3);
  task.max_tokens = 64;
  task.items[1].messages[0]["content"] = std::string(600, 'x');
  const auto items = run(task, **target, dir.file("run.jsonl"));
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].status, ItemStatus::kAnswered);
  EXPECT_EQ(items[1].status, ItemStatus::kFailed);
  EXPECT_THAT(items[1].error, HasSubstr("exceed the context"));
}

class EvalRunProgram : public testing::Test {
 protected:
  int eval_run(const std::string& arguments) const {
    const std::string command = fmt::format("'{}' eval run {} >'{}' 2>&1", DB_PROGRAM, arguments, output_);
    return std::system(command.c_str());
  }
  std::string output() const { return read_text_file(output_, 1 << 20).value(); }
  std::string sums_to(const std::string& out, const std::string& more) const {
    return fmt::format("jsonl --model '{}' --max-context 1024 --data '{}sums.jsonl' -o '{}' {}", kModel, kData, out,
                       more);
  }

  ScratchDirectory dir_{"run_program"};
  std::string output_ = dir_.file("output");
};

TEST_F(EvalRunProgram, WritesScoresAndGoesOnWhereAKillLeftIt) {
  const std::string out = dir_.file("sums");
  ASSERT_EQ(eval_run(sums_to(out, "--limit 20")), 0) << output();
  EXPECT_THAT(output(), HasSubstr("|sums |"));
  EXPECT_THAT(output(), HasSubstr("every item was answered"));
  const auto whole = read_system_result(out + ".json");
  ASSERT_TRUE(whole.ok()) << whole.status().message();
  EXPECT_EQ(whole->label, "sums");

  // As a kill leaves it: some answers, the last one cut.
  const std::string journal = read_text_file(out + ".jsonl", 1 << 20).value();
  std::filesystem::resize_file(out + ".jsonl", journal.size() / 2);
  std::filesystem::remove(out + ".json");
  ASSERT_EQ(eval_run(sums_to(out, "--limit 20 --concurrency 3 --threads 1")), 0) << output();
  EXPECT_THAT(output(), HasSubstr("answers are of an earlier run"));
  const auto resumed = read_system_result(out + ".json");
  ASSERT_TRUE(resumed.ok()) << resumed.status().message();
  EXPECT_EQ(system_to_json(*resumed), system_to_json(*whole));

  EXPECT_NE(eval_run(sums_to(out, "--limit 20 --temperature 1")), 0);
  EXPECT_THAT(output(), HasSubstr("belongs to another run: sampling.temperature"));
}

TEST_F(EvalRunProgram, AnInterruptKeepsWhatIsDone) {
  const std::string out = dir_.file("stopped");
  const std::string command = fmt::format(
      "'{}' eval run {} >'{}' 2>&1 & until [ \"$(cat '{}.jsonl' 2>/dev/null | wc -l)\" -gt 3 ]; do sleep 0.01; done; "
      "kill -INT $!; wait $!",
      DB_PROGRAM, sums_to(out, "--seeds 20 --concurrency 2"), output_, out);
  EXPECT_NE(std::system(command.c_str()), 0);
  EXPECT_THAT(output(), HasSubstr("the same command goes on"));
  EXPECT_FALSE(std::filesystem::exists(out + ".json")) << "there is no result of a part";
  EXPECT_THAT(read_text_file(out + ".jsonl", 16 << 20).value(), HasSubstr("\"status\":\"answered\""));
}

TEST_F(EvalRunProgram, NeedlesFitTheModel) {
  const std::string out = dir_.file("none/needle");  // no item is asked
  for (const char* context : {"", "--max-context 100000"}) {
    EXPECT_NE(eval_run(fmt::format("needle --needles 1 --model '{}' -o '{}' {}", kModel, out, context)), 0);
    EXPECT_THAT(output(), HasSubstr("4096 tokens become 3904 in a context of 4096"));
    EXPECT_THAT(output(), HasSubstr("its folder is not there"));
  }
  EXPECT_EQ(eval_run("--help"), 0);
  EXPECT_THAT(output(), HasSubstr("--form FORM [completion]"));
}

TEST_F(EvalRunProgram, SaysWhatItLacks) {
  EXPECT_NE(eval_run("jsonl -o x --data " + kData + "sums.jsonl"), 0);
  EXPECT_THAT(output(), HasSubstr("wanted either --model DIR or --url URL, found neither"));
  EXPECT_NE(eval_run("gsm8k -o x --url http://127.0.0.1:1"), 0);
  EXPECT_THAT(output(), HasSubstr("--data"));
  EXPECT_NE(eval_run("needle -o x --url http://127.0.0.1:1 --tokenizer '" + kModel + "'"), 0);
  EXPECT_THAT(output(), HasSubstr("--max-context: needle items are made to fit the server's context"));
  EXPECT_NE(eval_run("needle -o x --needles 0 --model '" + kModel + "'"), 0);
  EXPECT_THAT(output(), HasSubstr("--needles: wanted 1 to 1000, found 0"));
  EXPECT_NE(eval_run("mmlu -o x"), 0);
  EXPECT_THAT(output(), HasSubstr("gsm8k"));
}

}  // namespace
}  // namespace drawbridge
