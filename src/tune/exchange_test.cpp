#include "tune/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/mapped_file.h"
#include "base/scratch_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kData = std::string(DB_SOURCE_DIR) + "/tests/data/tuned/";

TEST(Exchange, SaysWhichKeyIsLookedUpAndWhetherTheTableHasIt) {
  ForeignTable table = parse_foreign_table(read_text_file(kData + "tuned_fmoe.csv", 1 << 20).value(), "t.csv").value();
  Glm52Config config;
  config.hidden = 6144;
  config.moe_intermediate = 2048;
  config.n_experts = 256;
  config.n_shared_experts = 1;
  config.experts_per_token = 8;
  EXPECT_EQ(lookup_lines(table, config),
            "  lookup E=257 topk=9 (256 routed + 1 fused shared): 4 rows at inter_dim=2048 (TP1)\n"
            "  lookup E=256 topk=8 (256 routed, the shared one apart): 1 rows at inter_dim=512 (TP4)\n");
  table.rows.pop_back();
  EXPECT_THAT(lookup_lines(table, config),
              HasSubstr("E=256 topk=8 (256 routed, the shared one apart): NO ROW: every such lookup falls back"));
}

TEST(Exchange, WhatComesInGoesOutByteForByte) {
  const ScratchDirectory dir("exchange");
  const std::string table = dir.file("t.jsonl");
  for (const std::string name : {"tuned_fmoe.csv", "older_tuned_fmoe.csv"}) {
    const auto said = import_tuning_file(kData + name, table, "");
    ASSERT_TRUE(said.ok()) << said.status().message();
    EXPECT_THAT(*said, HasSubstr("kept for export; the CPU uses none of them"));
    EXPECT_THAT(*said, Not(HasSubstr("not the same bytes")));
  }
  EXPECT_THAT(export_tuning_file(table, ForeignFormat::kAiter, "").status().message(),
              HasSubstr("wanted one file imported from aiter, found tuned_fmoe.csv, older_tuned_fmoe.csv"));
  EXPECT_THAT(export_tuning_file(table, ForeignFormat::kSglang, "").status().message(), HasSubstr("found none"));
  for (const std::string name : {"tuned_fmoe.csv", "older_tuned_fmoe.csv"}) {
    EXPECT_EQ(export_tuning_file(table, ForeignFormat::kAiter, name).value(),
              read_text_file(kData + name, 1 << 20).value());
  }
}

}  // namespace
}  // namespace drawbridge
