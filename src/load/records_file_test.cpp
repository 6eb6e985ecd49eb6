#include "load/records_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/mapped_file.h"
#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

RequestRecord full_record(int64_t index) {
  RequestRecord r;
  r.index = index;
  r.conversation = 3;
  r.turn = 2;
  r.due_s = 1.25;
  r.sent_s = 1.250041;
  r.headers_s = 1.3;
  r.first_token_s = 1.5;
  r.end_s = 2.75;
  r.pieces = {{1.5, 4}, {1.5, 2}, {2.7, 100}};
  r.n_prompt_designed = 100;
  r.n_cached_designed = 60;
  r.n_output_designed = 20;
  r.n_prompt_reported = 101;
  r.n_cached_reported = 0;
  r.n_output_reported = 20;
  r.n_output_counted = 19;
  r.accept_length = 3.5;
  r.http_status = 200;
  r.finish_reason = "length";
  return r;
}

LoadRun small_run() {
  LoadRun run;
  run.setup.url = "http://h:1";
  run.setup.model = "m";
  run.setup.arrivals = "poisson";
  run.setup.rate_rps = 2.5;
  run.setup.max_concurrency = 7;
  run.setup.ignores_eos = true;
  run.setup.seed = UINT64_MAX;
  run.setup.options = {{"rps", "2.5"}};
  run.setup.manifest = {{"hash", "abc"}};
  run.requests = {full_record(0), full_record(1)};
  run.requests[1] = {};
  run.requests[1].index = 1;
  run.requests[1].due_s = 2;
  run.requests[1].error = "HTTP 500: \"no\"\n";
  run.requests[1].http_status = 500;
  run.duration_s = 1.5;
  run.arrivals_end_s = 2;
  run.generator_cpu_share = 0.25;
  run.n_postponed = 3;
  run.before.prompt_tokens = 10;
  run.after.prompt_tokens = 110.5;
  return run;
}

std::string written(const LoadRun& run, const std::string& path) {
  auto writer = RecordsWriter::create(path, run.setup);
  EXPECT_TRUE(writer.ok());
  for (const RequestRecord& record : run.requests) EXPECT_TRUE(writer->add(record).ok());
  EXPECT_TRUE(writer->finish(run).ok());
  return *read_text_file(path, 1 << 20);
}

TEST(RecordsFile, ComesBackAsItWas) {
  const ScratchDirectory scratch("records_round_trip");
  const LoadRun run = small_run();
  const std::string text = written(run, scratch.file("r.jsonl"));
  const auto back = read_records_file(scratch.file("r.jsonl"));
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->setup.seed, UINT64_MAX);
  EXPECT_EQ(back->setup.rate_rps, 2.5);
  EXPECT_EQ(back->setup.options, run.setup.options);
  ASSERT_EQ(back->requests.size(), 2u);
  EXPECT_EQ(back->requests[0].pieces.size(), 3u);
  EXPECT_DOUBLE_EQ(back->requests[0].pieces[2].at_s, 2.7);
  EXPECT_EQ(back->requests[0].pieces[2].n_bytes, 100);
  EXPECT_DOUBLE_EQ(back->requests[0].sent_s, 1.250041);
  EXPECT_EQ(back->requests[0].n_cached_reported, 0);
  EXPECT_EQ(back->requests[1].n_cached_reported, -1);
  EXPECT_TRUE(std::isnan(back->requests[1].first_token_s));
  EXPECT_EQ(back->requests[1].error, "HTTP 500: \"no\"\n");
  EXPECT_FALSE(back->requests[1].succeeded());
  EXPECT_EQ(back->after.prompt_tokens, 110.5);
  EXPECT_FALSE(back->after.requests.has_value());
  EXPECT_FALSE(back->was_stopped);
  // Whatever else there is comes back too: written again, it is the same text.
  EXPECT_EQ(written(*back, scratch.file("again.jsonl")), text);
}

TEST(RecordsFile, OfAKilledRunKeepsItsWholeLines) {
  const ScratchDirectory scratch("records_cut");
  const std::string text = written(small_run(), scratch.file("r.jsonl"));
  const size_t third_line = text.find("\n", text.find('\n') + 1) + 1;
  const auto back = parse_records(text.substr(0, third_line + 20), "r");
  ASSERT_TRUE(back.ok()) << back.status().message();
  EXPECT_EQ(back->requests.size(), 1u);
  EXPECT_TRUE(back->was_stopped);
  EXPECT_EQ(back->stop_reason, "the file ends before the run does");
  EXPECT_DOUBLE_EQ(back->duration_s, 1.5);
  EXPECT_DOUBLE_EQ(back->arrivals_end_s, 1.25);
}

TEST(RecordsFile, BadLinesAreNamed) {
  const std::string head = "{\"drawbridge_load_run\":1,\"setup\":{}}\n";
  const auto error = [](const std::string& text) { return parse_records(text, "r").status().message(); };
  EXPECT_THAT(error(""), HasSubstr("r: wanted the records of a load run"));
  EXPECT_THAT(error("{}\n"), HasSubstr("r:1: member \"drawbridge_load_run\" is missing"));
  EXPECT_THAT(error("{\"drawbridge_load_run\":2,\"setup\":{}}\n"), HasSubstr("wanted version 1, found 2"));
  EXPECT_THAT(error(head + "[]\n"), HasSubstr("r:2: wanted a JSON object"));
  EXPECT_THAT(error(head + "{\"index\":0,\"due_us\":1e300}\n"), HasSubstr("\"due_us\": wanted an integer"));
  EXPECT_THAT(error(head + "{\"index\":0,\"due_us\":9000000000000000000}\n"), HasSubstr("wanted a time within"));
  EXPECT_THAT(error(head + "{\"index\":0,\"pieces\":[1,2,3]}\n"), HasSubstr("wanted pairs, found 3"));
  EXPECT_THAT(error(head + "{\"index\":0,\"pieces\":[5,1,-2,1]}\n"), HasSubstr("wanted microseconds that ascend"));
  EXPECT_THAT(error(head + "{\"end\":{}}\n{\"index\":0}\n"), HasSubstr("r:3: wanted nothing behind the run's end"));
  EXPECT_THAT(error(head + "not json\n"), HasSubstr("r:2"));
}

TEST(RecordsFile, SaysWhereItCannotBe) {
  const auto writer = RecordsWriter::create("/no/such/folder/r.jsonl", {});
  ASSERT_FALSE(writer.ok());
  EXPECT_THAT(writer.status().message(), HasSubstr("/no/such/folder/r.jsonl: cannot be written"));
}

}  // namespace
}  // namespace drawbridge
