#include "verdict/published.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

PublishedTable article() {
  return read_published(std::string(DB_SOURCE_DIR) + "/tests/data/published/glm52_mi355x.json").value();
}

std::vector<std::string> flagged(const PublishedReport& report) {
  std::vector<std::string> names;
  for (size_t i = 0; i < report.rows.size(); ++i) {
    if (report.rows[i].verdict != LoadVerdict::kPass) names.push_back(fmt::format("{:g}/s", report.table.rows[i].rps));
  }
  for (const Check& check : report.checks) {
    if (check.verdict != LoadVerdict::kPass) names.push_back(check.name);
  }
  return names;
}

TEST(Published, FlagsTheArticlesRowAndItsKnee) {
  const PublishedReport report = judge_published(article());
  EXPECT_EQ(report.verdict, LoadVerdict::kFail);
  EXPECT_THAT(flagged(report), ElementsAre("1.5/s", "samples", "knee", "knee"));
  EXPECT_THAT(report.rows[2].found, HasSubstr("1913 tokens/s: 1275 tokens a request"));
  EXPECT_THAT(report.rows[2].advice, HasSubstr("fewer than 51 requests"));
  EXPECT_THAT(report.checks[2].found, HasSubstr("p95 TTFT 2.22 s at 2.4/s"));
  EXPECT_THAT(report.checks[2].advice, HasSubstr("never reached"));
  EXPECT_THAT(report.checks[3].found, HasSubstr("no TTFT at 3/s"));
}

TEST(Published, PassesATableThatAgreesWithItself) {
  PublishedTable table = article();
  table.rows.resize(6);
  table.rows[2].output_tok_s = 1480;
  for (PublishedRow& row : table.rows) row.n_requests = 2000;
  table.rows.push_back({"8x MI355X", 2.8, 2700, 4.0, 9.5, 1.0, 2000});
  EXPECT_EQ(judge_published(table).verdict, LoadVerdict::kPass) << published_text(judge_published(table));
  table.rows[1].n_requests = 50;
  EXPECT_THAT(flagged(judge_published(table)), ElementsAre("samples"));
  table.rows[1] = {"8x MI355X", 1, 974, 0.9, 0.8, 1.0, 2000};
  EXPECT_THAT(flagged(judge_published(table)), ElementsAre("order"));
}

TEST(Published, TextAndJsonSayTheSame) {
  const PublishedReport report = judge_published(article());
  EXPECT_THAT(published_text(report), HasSubstr("verdict: fail"));
  EXPECT_THAT(published_text(report), HasSubstr("8x MI355X 1.5/s, throughput: wanted at most 1500 tokens/s"));
  const Json json = published_json(report);
  EXPECT_EQ(json["verdict"], "fail");
  EXPECT_EQ(json["rows"][2]["check"]["verdict"], "fail");
  EXPECT_EQ(json["rows"].size(), 7u);
}

TEST(Published, ErrorsNameFileAndMember) {
  const ScratchDirectory scratch("published");
  const std::string path = scratch.file("rows.json");
  const auto message = [&](const std::string& text) {
    std::ofstream(path) << text;
    return read_published(path).status().message();
  };
  const std::string head = R"({"source": "s", "workload": "w", "output_tokens": 1000, "rows": )";
  EXPECT_THAT(message(head + "[]}"), HasSubstr("rows.json: rows: wanted at least one row"));
  EXPECT_THAT(message(head + R"([{"system": "x", "rps": 0, "output_tok_s": 1}]})"), HasSubstr("rows[0]: rps: wanted"));
  EXPECT_THAT(message(head + R"([{"system": "x", "rps": 1}]})"), HasSubstr("output_tok_s"));
}

}  // namespace
}  // namespace drawbridge
