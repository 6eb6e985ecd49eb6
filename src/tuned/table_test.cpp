#include "tuned/table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/mapped_file.h"
#include "base/scratch_test.h"
#include "tuned/plan_text.h"
#include "tuned/row_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

constexpr const char* kHeading = "{\"format\":\"drawbridge-tuned-1\"}\n";

std::string text_of(const TunedRow& row) {
  return dump_json(tuned_row_to_json(row)) + "\n";
}

/// The message that refuses a table of one row, which is `change`d first.
template <typename Change>
std::string refusal(const Change& change) {
  Json json = tuned_row_to_json(test_row(8, {8, false, 2}));
  change(json);
  const auto table = TunedTable::parse(kHeading + dump_json(json) + "\n", "t.jsonl");
  return table.ok() ? "accepted" : table.status().message();
}

TEST(PlanText, ReadsWhatItWrites) {
  for (const TilePlan& plan : {TilePlan{1, false, 1}, TilePlan{16, true, 1024}}) {
    EXPECT_EQ(plan_from_text(plan_text(plan), "t").value(), plan);
  }
  EXPECT_EQ(plan_text({8, true, 2}), "8x2+expand");
  for (const char* text :
       {"", "8", "8x", "x2", "0x2", "17x2", "8x0", "8x1025", "8x2+", "8x2 ", " 8x2", "99999999999x1"}) {
    EXPECT_THAT(plan_from_text(text, "t:1").status().message(), HasSubstr("t:1: wanted a plan such as 8x2")) << text;
  }
}

TEST(TunedTable, ReadsWhatItWrites) {
  const TunedRow row = test_row(512, {8, false, 4});
  const auto table = TunedTable::parse(kHeading + text_of(row), "t.jsonl");
  ASSERT_TRUE(table.ok()) << table.status().message();
  ASSERT_EQ(table->rows().size(), 1u);
  const TunedRow& read = table->rows().begin()->second;
  EXPECT_EQ(read.key, row.key);
  EXPECT_EQ(read.plan, row.plan);
  EXPECT_EQ(read.origin, PlanOrigin::kMeasured);
  EXPECT_EQ(read.us, row.us);
  EXPECT_EQ(read.default_us, row.default_us);
  EXPECT_EQ(read.max_error, row.max_error);
  ASSERT_EQ(read.candidates.size(), 3u);
  EXPECT_EQ(read.candidates[1].us, 100.25);
  EXPECT_FALSE(read.candidates[2].us.has_value());
  EXPECT_EQ(read.date + read.machine + read.version, "2026-11-24here0.1.0");
}

TEST(TunedTable, ALaterRowCountsButAnImportedOneNeverAgainstAMeasuredOne) {
  TunedRow imported = test_row(8, {4, false, 4});
  imported.origin = PlanOrigin::kImported;
  const std::string first = text_of(test_row(8, {8, false, 2})), second = text_of(test_row(8, {2, true, 2}));
  const auto later = TunedTable::parse(kHeading + text_of(imported) + first + second, "t");
  ASSERT_TRUE(later.ok()) << later.status().message();
  EXPECT_EQ(later->rows().begin()->second.plan, (TilePlan{2, true, 2}));
  const auto kept = TunedTable::parse(kHeading + first + text_of(imported), "t");
  EXPECT_EQ(kept->rows().begin()->second.plan, (TilePlan{8, false, 2}));
}

TEST(TunedTable, RefusesByLineAndMember) {
  EXPECT_THAT(refusal([](Json& j) { j["n"] = 0; }), HasSubstr("t.jsonl:2: member \"n\": wanted 1 to"));
  EXPECT_THAT(refusal([](Json& j) { j["k"] = 1e300; }), HasSubstr("member \"k\": wanted an integer"));
  EXPECT_THAT(refusal([](Json& j) { j["tokens"] = -1; }), HasSubstr("member \"tokens\": wanted 1 to"));
  EXPECT_THAT(refusal([](Json& j) { j["experts_per_token"] = 34; }), HasSubstr("wanted 0 to 33, found 34"));
  EXPECT_THAT(refusal([](Json& j) { j["stage"] = "moe"; }), HasSubstr("wanted one of linear, heads, moe_hidden"));
  EXPECT_THAT(refusal([](Json& j) { j["format"] = "fp3"; }), HasSubstr("member \"format\": wanted one of f32"));
  EXPECT_THAT(refusal([](Json& j) { j["input"] = 3; }), HasSubstr("member \"input\": wanted a string"));
  EXPECT_THAT(refusal([](Json& j) { j["plan"] = "8x"; }), HasSubstr("member \"plan\": wanted a plan such as"));
  EXPECT_THAT(refusal([](Json& j) { j["plan"] = "16x1"; }), HasSubstr("wanted a plan that was not refused"));
  EXPECT_THAT(refusal([](Json& j) { j["origin"] = "default"; }), HasSubstr("wanted measured or imported"));
  EXPECT_THAT(refusal([](Json& j) { j["us"] = -1; }), HasSubstr("member \"us\": wanted a finite number"));
  EXPECT_THAT(refusal([](Json& j) { j["candidates"] = 1; }), HasSubstr("wanted a JSON object"));
  EXPECT_THAT(refusal([](Json& j) { j["candidates"]["8x3"] = "best"; }), HasSubstr("\"8x3\": wanted a number"));
  EXPECT_THAT(refusal([](Json& j) { j["cpu"] = std::string(300, 'a'); }), HasSubstr("wanted at most 256 bytes"));
  EXPECT_THAT(refusal([](Json& j) { j.erase("date"); }), HasSubstr("member \"date\" is missing"));
  EXPECT_THAT(refusal([](Json& j) { j = {{"of", "x.csv"}, {"row", "1"}}; }), HasSubstr("no line before it imports"));
  for (const char* text : {"", "\n", "{}\n", "{\"format\":\"drawbridge-tuned-9\"}\n", "[]\n", "{\"format\":1}\n"}) {
    EXPECT_THAT(TunedTable::parse(text, "t.jsonl").status().message(), HasSubstr("t.jsonl:")) << text;
  }
}

class TunedTableFileTest : public testing::Test {
 protected:
  ScratchDirectory dir_{"tuned_table"};
  std::string path_ = dir_.file("t.jsonl");
};

TEST_F(TunedTableFileTest, GoesOnWhereItWasCut) {
  {
    auto file = TunedTableFile::open(path_);
    ASSERT_TRUE(file.ok()) << file.status().message();
    ASSERT_TRUE(file->add(test_row(1, {1, false, 2})).ok());
    ASSERT_TRUE(file->add(test_row(8, {8, false, 2})).ok());
  }
  const std::string whole = read_text_file(path_, 1 << 20).value();
  std::ofstream(path_, std::ios::trunc | std::ios::binary) << whole.substr(0, whole.size() - 5);
  EXPECT_EQ(TunedTable::read(path_)->rows().size(), 1u) << "a reader leaves the cut row out";
  auto again = TunedTableFile::open(path_);
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->table().rows().size(), 1u);
  ASSERT_TRUE(again->add(test_row(8, {8, false, 2})).ok());
  EXPECT_EQ(read_text_file(path_, 1 << 20).value(), whole);
}

TEST_F(TunedTableFileTest, KeepsMeasuredRowsAndWhatElseIsThere) {
  auto file = TunedTableFile::open(path_);
  ASSERT_TRUE(file->add(test_row(8, {8, false, 2})).ok());
  TunedRow imported = test_row(8, {4, false, 4});
  imported.origin = PlanOrigin::kImported;
  EXPECT_THAT(file->add(imported).message(), HasSubstr("an imported row does not take its place"));
  EXPECT_THAT(TunedTableFile::open(path_).status().message(), HasSubstr("another run is writing to it"));
}

}  // namespace
}  // namespace drawbridge
