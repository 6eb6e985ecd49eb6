// On a tiny MXFP4 model: every wanted row is measured through the serving path, found by an engine, and never measured
// over by a run that goes on.
#include "tune/tune.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "base/mapped_file.h"
#include "engine/step.h"
#include "model/random_checkpoint_test.h"
#include "synth/synth.h"
#include "tune/doctor.h"
#include "tune/exchange.h"
#include "tuned/table.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class TuneTest : public testing::Test {
 protected:
  void SetUp() override {
    base_ = process_directory("tune");
    fs::remove_all(base_);
    fs::create_directories(base_);
    SynthOptions synth;
    synth.source = std::string(DB_SOURCE_DIR) + "/tests/golden/model/shared_indexer/config.json";
    synth.target = base_ + "/model";
    synth.dtype = SynthDType::kMxfp4;
    ASSERT_TRUE(synthesize(synth).ok());
    options_.engine.model = synth.target;
    options_.engine.max_context = 64;
    options_.engine.max_running = 2;
    options_.engine.max_step_tokens = 4;
    options_.engine.n_threads = 2;
    options_.budget_s = 600;
  }
  void TearDown() override { fs::remove_all(base_); }

  /// Nothing where this CPU has no kernels that plans cut.
  std::optional<TuneReport> run() {
    auto report = tune(options_);
    if (report.ok()) return std::move(report).value();
    EXPECT_EQ(report.status().code(), Code::kUnsupported) << report.status().message();
    return std::nullopt;
  }

  std::string base_;
  TuneOptions options_;
};

TEST_F(TuneTest, MeasuresEveryRowOnceAndTheEngineFindsThem) {
  const auto first = run();
  if (!first) GTEST_SKIP() << "no kernels here that plans cut";
  EXPECT_EQ(first->n_wanted, static_cast<int64_t>(first->rows.size()));
  EXPECT_THAT(first->refused, testing::IsEmpty());
  EXPECT_EQ(first->rows.front().key.n_tokens, 1);
  for (const TunedRow& row : first->rows) {
    EXPECT_GT(row.us, 0);
    EXPECT_LE(row.us, row.default_us);
    EXPECT_LT(row.max_error, 0.02);
    EXPECT_GE(row.candidates.size(), 2u);
    EXPECT_EQ(row.origin, PlanOrigin::kMeasured);
  }
  const std::string before = read_text_file(first->table, 1 << 24).value();
  const auto second = run();
  EXPECT_EQ(second->n_before, first->n_wanted);
  EXPECT_TRUE(second->rows.empty());
  EXPECT_EQ(read_text_file(first->table, 1 << 24).value(), before);

  const auto healthy = doctor(options_.engine);
  ASSERT_TRUE(healthy.ok()) << healthy.status().message();
  EXPECT_EQ(healthy->table, first->table);
  EXPECT_EQ(healthy->coverage->shares(), "100.0 % measured");
  EXPECT_TRUE(healthy->missing().empty());
  EXPECT_EQ(healthy->health->n_rows, first->n_wanted);
  EXPECT_EQ(healthy->health->n_other_machine + healthy->health->n_other_version, 0);
  EXPECT_THAT(healthy->moe_keys, Contains(HasSubstr("is looked up as moe_hidden mxfp4")));
  EXPECT_THAT(doctor_text(*healthy), HasSubstr("coverage  100.0 % measured"));
  EXPECT_EQ(doctor_json(*healthy)["products"].size(), healthy->coverage->products.size());

  EngineOptions more = options_.engine;
  more.max_step_tokens = 8;
  const auto lacking = doctor(more);
  EXPECT_THAT(lacking->missing(), Contains(HasSubstr("tokens=6,8")));
  EXPECT_THAT(doctor_text(*lacking), HasSubstr("`drawbridge tune --model"));
}

TEST_F(TuneTest, KeepsWhatWasMeasuredWhenItIsStopped) {
  int n_told = 0;
  options_.progress = [&](int64_t, int64_t, const std::string&) { ++n_told; };
  options_.should_stop = [&] { return n_told >= 3; };
  const auto stopped = run();
  if (!stopped) GTEST_SKIP() << "no kernels here that plans cut";
  EXPECT_TRUE(stopped->stopped);
  EXPECT_EQ(stopped->rows.size(), 2u);
  EXPECT_THAT(tune_report_text(*stopped), HasSubstr("the same command goes on"));
  options_.should_stop = nullptr;
  const auto rest = run();
  EXPECT_EQ(static_cast<int64_t>(rest->rows.size()) + rest->n_before, rest->n_wanted);
  EXPECT_GT(rest->n_before, 0);
}

TEST_F(TuneTest, ExpertsAloneAndNumbersOfTokensAsAsked) {
  options_.moe_only = true;
  options_.tokens = {3};
  options_.out = base_ + "/t.jsonl";
  const auto report = run();
  if (!report) GTEST_SKIP() << "no kernels here that plans cut";
  EXPECT_EQ(report->table, options_.out);
  for (const TunedRow& row : report->rows) {
    EXPECT_EQ(row.key.n_tokens, 3);
    EXPECT_GT(row.key.product.experts, 0);
  }
}

TEST_F(TuneTest, AnotherMachinesRowsCountAsImported) {
  options_.tokens = {1};
  const auto report = run();
  if (!report) GTEST_SKIP() << "no kernels here that plans cut";
  const std::string copy = base_ + "/copy.jsonl";
  fs::rename(report->table, copy);
  const auto said = import_tuning_file(copy, report->table, "");
  ASSERT_TRUE(said.ok()) << said.status().message();
  EXPECT_THAT(*said, HasSubstr(fmt::format("{} rows imported, 0 left out", report->rows.size())));
  const TunedTable table = TunedTable::read(report->table).value();
  for (const auto& [key, row] : table.rows()) EXPECT_EQ(row.origin, PlanOrigin::kImported);
  options_.engine.max_running = options_.engine.max_step_tokens = 1;
  EXPECT_EQ(doctor(options_.engine)->coverage->shares(), "100.0 % imported");
}

TEST(TuneOrder, MostTrafficFirst) {
  EXPECT_THAT(tune_order({8, 512, 2, 1, 2048, 2, 4}), ElementsAre(1, 2048, 512, 8, 2, 4));
}

TEST(Doctor, TellsOfTheMachineWithoutAModel) {
  const auto report = doctor({});
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_THAT(report->usable_isas, Contains("scalar"));
  EXPECT_THAT(doctor_text(*report), HasSubstr(report->device.isa));
  EXPECT_FALSE(doctor_json(*report).contains("products"));
}

TEST(Doctor, CountsRowsOfOtherVersionsAndMachines) {
  const TunedDevice here{"a", "avx2", 1}, there{"b", "avx2", 1};
  TunedTable table;
  TunedRow row;
  row.key = {here, {}, 1};
  row.date = "2026-01-02";
  row.version = "0.0.1";
  table.add(row);
  row.key.n_tokens = 2;
  row.date = "2026-03-04";
  table.add(row);
  row.key.device = there;
  table.add(row);
  const TableHealth health = table_health(table, here);
  EXPECT_EQ(health.n_rows, 2);
  EXPECT_EQ(health.n_other_devices, 1);
  EXPECT_EQ(health.n_other_version, 2);
  EXPECT_EQ(health.n_other_machine, 2);
  EXPECT_EQ(health.oldest + health.newest, "2026-01-022026-03-04");
}

TEST(Doctor, NamesRowsThatTheKernelsCut) {
  EngineOptions engine;
  engine.isa = "portable";
  engine.n_threads = 1;
  engine.tuned_table = process_directory("doctor_cut") + ".jsonl";
  CpuOptions cpu;
  cpu.isa = engine.isa;
  cpu.n_threads = engine.n_threads;
  TunedRow row;
  row.key = {tuned_device(cpu).value(), {ProductStage::kLinear, WeightFormat::kBF16, PanelInput::kF32, 64, 64}, 4};
  row.plan = {8, true, 4};
  row.us = row.default_us = 1;
  row.candidates = {{row.plan, 1}};
  row.date = "2026-01-02";
  row.machine = "m";
  row.version = "0.0.1";
  ASSERT_TRUE(TunedTableFile::open(engine.tuned_table)->add(row).ok());
  const auto report = doctor(engine);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_THAT(doctor_text(*report),
              HasSubstr("CUT       linear bf16 x f32 N=64 K=64 tokens=4: 8x4+expand runs as 2x4+expand"));
  EXPECT_EQ(doctor_json(*report)["cut"].size(), 1u);
  std::filesystem::remove(engine.tuned_table);
}

}  // namespace
}  // namespace drawbridge
