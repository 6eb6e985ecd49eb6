#include "tuned/foreign.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "base/scratch_test.h"
#include "tuned/table.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

std::string test_file(const std::string& name) {
  return std::string(DB_SOURCE_DIR) + "/tests/data/tuned/" + name;
}

constexpr const char* kSglangName =
    "E=65,N=256,device_name=AMD_Instinct_MI355X,dtype=fp8_w8a8,block_shape=[128,128].json";

ForeignTable read_test_file(const std::string& name) {
  auto table = parse_foreign_table(read_text_file(test_file(name), 1 << 20).value(), test_file(name));
  EXPECT_TRUE(table.ok()) << table.status().message();
  return std::move(table).value();
}

TEST(ForeignTable, AiterRowsHaveTheirKeysAndComeBackByteForByte) {
  const ForeignTable table = read_test_file("tuned_fmoe.csv");
  ASSERT_EQ(table.rows.size(), 5u);
  const ForeignKey& key = table.rows[1].key;
  EXPECT_EQ(key.device, "gfx950 256");
  EXPECT_EQ(key.hidden, 6144);
  EXPECT_EQ(key.width, 2048);
  EXPECT_EQ(key.experts, 257);
  EXPECT_EQ(key.experts_per_token, 9);
  EXPECT_EQ(key.n_tokens, 2);
  EXPECT_THAT(key.types, HasSubstr("ActivationType.Silu torch.bfloat16 torch.float4_e2m1fn_x2"));
  EXPECT_EQ(foreign_file_text(table), read_text_file(test_file("tuned_fmoe.csv"), 1 << 20).value());
}

TEST(ForeignTable, OlderAiterFilesLackColumns) {
  const ForeignTable table = read_test_file("older_tuned_fmoe.csv");
  ASSERT_EQ(table.rows.size(), 2u);
  EXPECT_EQ(table.rows[0].key.device, "256");
  EXPECT_EQ(table.rows[0].key.experts, 256);
  EXPECT_EQ(foreign_file_text(table), read_text_file(test_file("older_tuned_fmoe.csv"), 1 << 20).value());
}

TEST(ForeignTable, SglangKeysAreInTheName) {
  const ForeignTable table = read_test_file(kSglangName);
  ASSERT_EQ(table.rows.size(), 3u);
  EXPECT_EQ(table.rows[2].key.n_tokens, 64);
  EXPECT_EQ(table.rows[2].key.experts, 65);
  EXPECT_EQ(table.rows[2].key.width, 256);
  EXPECT_EQ(table.rows[2].key.device, "AMD_Instinct_MI355X");
  EXPECT_EQ(table.rows[2].key.types, "dtype=fp8_w8a8,block_shape=[128,128]");
  EXPECT_EQ(foreign_file_text(table), read_text_file(test_file(kSglangName), 1 << 20).value());
}

TEST(ForeignTable, SurvivesInATableAndIsNeverUsed) {
  const ScratchDirectory dir("foreign");
  const std::string path = dir.file("t.jsonl");
  {
    auto file = TunedTableFile::open(path);
    for (const std::string name : {"tuned_fmoe.csv", "older_tuned_fmoe.csv", kSglangName}) {
      ASSERT_TRUE(file->add(read_test_file(name)).ok()) << name;
      ASSERT_TRUE(file->add(read_test_file(name)).ok()) << "again: nothing to do";
    }
    ForeignTable other = read_test_file("tuned_fmoe.csv");
    other.rows.pop_back();
    EXPECT_THAT(file->add(other).message(), HasSubstr("tuned_fmoe.csv: was imported before with other rows"));
  }
  const auto table = TunedTable::read(path);
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_TRUE(table->rows().empty());
  ASSERT_EQ(table->foreign().size(), 3u);
  for (const ForeignTable& foreign : table->foreign()) {
    EXPECT_EQ(foreign_file_text(foreign), read_text_file(test_file(foreign.file), 1 << 20).value());
  }
}

TEST(ForeignTable, LineEndsAndTheLastLineAreKept) {
  const std::string unix_text = read_text_file(test_file("older_tuned_fmoe.csv"), 1 << 20).value();
  std::string text;
  for (const char c : unix_text) text += c == '\n' ? std::string("\r\n") : std::string(1, c);
  text.resize(text.size() - 2);
  const auto table = parse_foreign_table(text, "a/b.csv");
  ASSERT_TRUE(table.ok()) << table.status().message();
  EXPECT_EQ(foreign_file_text(*table), text);
}

TEST(ForeignTable, RefusesByLineAndColumn) {
  const std::string text = read_text_file(test_file("older_tuned_fmoe.csv"), 1 << 20).value();
  const auto refusal = [](const std::string& content, const std::string& path) {
    const auto table = parse_foreign_table(content, path);
    return table.ok() ? std::string("accepted") : table.status().message();
  };
  EXPECT_THAT(refusal("a,b\n", "x.csv"),
              HasSubstr("x.csv:1: wanted aiter's fused MoE columns, found no column cu_num"));
  EXPECT_THAT(refusal("", "x.csv"), HasSubstr("x.csv:1:"));
  EXPECT_THAT(refusal(text + "1,2,3\n", "x.csv"), HasSubstr("x.csv:4: wanted 13 to 26 plain fields"));
  EXPECT_THAT(refusal(text + "\n", "x.csv"), HasSubstr("x.csv:4: wanted 13 to 26 plain fields"));
  EXPECT_EQ(refusal(text.substr(0, text.size() - 2), "x.csv"), "accepted")
      << "aiter's own rows may lack the last field";
  std::string wrong = text;
  wrong.replace(wrong.find(",6144,"), 6, ",6k,");
  EXPECT_THAT(refusal(wrong, "x.csv"), HasSubstr("x.csv:2: model_dim: wanted a whole number, found \"6k\""));
  EXPECT_THAT(refusal("{}", "x.txt"), HasSubstr("wanted a .csv file of aiter or a .json file"));
  EXPECT_EQ(refusal("{}", "E=4,N=8,device_name=d.json"), "accepted");
  EXPECT_THAT(refusal("{\"1\": {}}", "config.json"), HasSubstr("wanted a name such as E=257,N=256"));
  EXPECT_THAT(refusal("{\"016\": {}}", "E=4,N=8,device_name=d.json"), HasSubstr("wanted 16, found 016"));
  EXPECT_THAT(refusal("{\"x\": {}}", "E=4,N=8,device_name=d.json"), HasSubstr("wanted a whole number, found \"x\""));
  EXPECT_THAT(refusal("[]", "E=4,N=8,device_name=d.json"), HasSubstr("wanted a JSON object"));
}

}  // namespace
}  // namespace drawbridge
