// That the kernels compute, that every test gives a rate, and that the report is complete; never how fast it is.
#include "bench/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <sstream>

#include "base/json.h"
#include "bench/gang.h"
#include "bench/machine_kernels.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

MachineOptions quick() {
  MachineOptions options;
  options.n_rounds = 2;
  options.buffer_bytes = 4 << 20;
  options.sample_s = 0.0005;
  return options;
}

struct alignas(64) Block {
  float values[192];
};

TEST(Machine, StreamKernelsComputeWhatTheyMeasure) {
  Block a{}, b{}, c{};
  std::iota(b.values, b.values + 192, 0.0f);
  std::iota(c.values, c.values + 192, 100.0f);
  const StreamKernels kernels = stream_kernels();
  EXPECT_EQ(kernels.sum(b.values, 192), 191 * 192 / 2);
  kernels.copy(a.values, b.values, 192);
  EXPECT_EQ(a.values[191], 191);
  kernels.triad(a.values, b.values, c.values, 0.5f, 192);
  EXPECT_EQ(a.values[0], 50);
  EXPECT_EQ(a.values[191], 191 + 0.5f * 291);
}

TEST(Machine, PeakKernelsCountWhatTheyDo) {
  ASSERT_FALSE(peak_kernels().empty());
  for (const PeakKernel& kernel : peak_kernels()) {
    EXPECT_GT(kernel.operations, 0) << kernel.name;
    kernel.run(1000);
  }
}

TEST(Machine, AGangRunsEachThreadOnce) {
  std::vector<std::atomic<int>> runs(3);
  const GangTime time = run_gang(3, [&](int64_t t) { ++runs[static_cast<size_t>(t)]; });
  EXPECT_GE(time.seconds, 0);
  EXPECT_LE(time.cpu_share, 1);
  for (const auto& count : runs) EXPECT_EQ(count, 1);
}

TEST(Machine, ReportsEveryTestWithOneThreadAndWithAll) {
  const auto report = measure_machine(quick());
  ASSERT_TRUE(report.ok()) << report.status().message();
  const size_t per_count = 3 + peak_kernels().size();
  EXPECT_EQ(report->rows.size(), report->info.n_cpus > 1 ? 2 * per_count : per_count);
  for (const MachineRow& row : report->rows) {
    EXPECT_GT(row.rate.min, 0) << row.test;
    EXPECT_LE(row.rate.min, row.rate.median) << row.test;
    EXPECT_LE(row.rate.median, row.rate.max) << row.test;
    EXPECT_GT(row.cpu_share.max, 0) << row.test;
  }
  EXPECT_FALSE(report->info.cpu.empty());
  EXPECT_GE(report->info.page_bytes, 4096);
  EXPECT_GT(report->info.memory_bytes, 0);
}

TEST(Machine, PrintsJson) {
  MachineOptions options = quick();
  options.json = true;
  std::ostringstream out;
  ASSERT_TRUE(run_bench_machine(options, out).ok());
  const auto report = parse_json(out.str(), "report");
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ((*report)["tests"][0]["test"], "memory read");
  EXPECT_EQ((*report)["buffer_bytes"], 4 << 20);
}

TEST(Machine, WrongOptionsAreRefusedByName) {
  MachineOptions options = quick();
  options.n_rounds = 0;
  EXPECT_THAT(measure_machine(options).status().message(), HasSubstr("--rounds"));
  options = quick();
  options.buffer_bytes = 64;
  EXPECT_THAT(measure_machine(options).status().message(), HasSubstr("--buffer-bytes"));
  EXPECT_FALSE(measure_limits(options, 0).ok());
}

TEST(Machine, LimitsAreAllThere) {
  const auto limits = measure_limits(quick(), 1);
  ASSERT_TRUE(limits.ok()) << limits.status().message();
  EXPECT_GT(limits->read_gb_per_s.median, 0);
  for (const Spread& peak : limits->peak_g_per_s) EXPECT_GT(peak.median, 0);
}

TEST(Machine, TheLargerShareBoundsAnOp) {
  MachineLimits limits;
  limits.read_gb_per_s = {10, 10, 10};
  limits.peak_g_per_s = {Spread{100, 100, 100}, Spread{200, 200, 200}, Spread{400, 400, 400}};
  EXPECT_DOUBLE_EQ(limits.seconds(20'000'000'000, {1, 1, 1}), 2);
  EXPECT_DOUBLE_EQ(limits.seconds(1, {100'000'000'000, 200'000'000'000, 400'000'000'000}), 3);
  MachineLimits later = limits;
  later.read_gb_per_s = {20, 8, 30};
  const MachineLimits around = limits_around(limits, later);
  EXPECT_EQ(around.read_gb_per_s.median, 15);
  EXPECT_EQ(around.read_gb_per_s.min, 8);
  EXPECT_EQ(around.read_gb_per_s.max, 30);
  EXPECT_EQ(around.peak_g_per_s[1].median, 200);
}

}  // namespace
}  // namespace drawbridge
