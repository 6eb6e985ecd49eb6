// A benchmark of the bundled model is complete and its profile adds up; never how fast it is.
#include "bench/engine_speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>
#include <vector>

#include "model/glm52_config.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

class EngineSpeedTest : public testing::Test {
 protected:
  static BenchEngineOptions options() {
    BenchEngineOptions o;
    o.engine.model = std::string(DB_SOURCE_DIR) + "/models/glm52-nano";
    o.engine.max_context = 128;
    o.prompt_tokens = {20};
    o.generate_tokens = {6};
    o.n_rounds = 1;
    o.profile = true;
    o.machine.n_rounds = 1;
    o.machine.buffer_bytes = 4 << 20;
    o.machine.sample_s = 0.0005;
    return o;
  }
  static Json run(BenchEngineOptions o) {
    o.output = "json";
    std::ostringstream out;
    const Status status = run_bench_engine(o, out);
    EXPECT_TRUE(status.ok()) << status.message();
    return parse_json(out.str(), "report").value();
  }
};

TEST_F(EngineSpeedTest, AProfileCoversThePromptOrTheDecodingAlone) {
  const Json report = run(options());
  const auto config = load_glm52_config(options().engine.model).value();
  const Json& prefill = report["tests"][0]["profile"];
  const Json& decode = report["tests"][1]["profile"];
  EXPECT_EQ(report["tests"][0]["test"], "pp20");
  EXPECT_EQ(prefill["n_steps"], 1);
  EXPECT_EQ(decode["n_steps"], 6);
  for (const Json* profile : {&prefill, &decode}) {
    std::map<std::string, double> calls;
    double us = 0;
    for (const Json& op : (*profile)["ops"]) {
      calls[op["op"]] += op["calls"].get<double>();
      us += op["us"].get<double>();
    }
    EXPECT_EQ(calls["embed"], 1);
    EXPECT_EQ(calls["mla_attention"], config.n_layers);
    EXPECT_EQ(calls["norm_linear"], 3 * config.n_layers);  // from h, from q_c, and the MLP's
    EXPECT_EQ(calls["add_rms_norm"], 1);
    EXPECT_NEAR(us + (*profile)["between_ops_us"].get<double>(), (*profile)["step_us"].get<double>(), 1e-3);
  }
}

TEST_F(EngineSpeedTest, StreamsAreProfiledWhileAllDecode) {
  BenchEngineOptions o = options();
  o.prompt_tokens = {};
  o.streams = {3};
  const Json profile = run(o)["tests"][0]["profile"];
  EXPECT_EQ(profile["n_steps"].get<int>(), 6);
  const auto config = load_glm52_config(o.engine.model).value();
  const auto fill =
      std::find_if(profile["ops"].begin(), profile["ops"].end(), [](const Json& op) { return op["op"] == "fill"; });
  ASSERT_NE(fill, profile["ops"].end());
  // Three rows, each written once.
  EXPECT_EQ((*fill)["bytes"].get<double>() / (*fill)["calls"].get<double>(), 3 * 4 * config.hidden);
}

TEST_F(EngineSpeedTest, TheTablesNameOpsAndLimits) {
  std::ostringstream out;
  ASSERT_TRUE(run_bench_engine(options(), out).ok());
  for (const char* part : {"| t/s |", " ± ", "build: ", "manifest ", "tg6, 6 steps", "mla_attention", "between ops",
                           "parallel regions a step", "peaks: f32"}) {
    EXPECT_THAT(out.str(), HasSubstr(part));
  }
}

TEST_F(EngineSpeedTest, ATestHasLlamaBenchsKeysAndOurManifest) {
  BenchEngineOptions o = options();
  o.profile = false;
  o.n_rounds = 3;
  const Json report = run(o), &decode = report["tests"][1];
  for (const char* key :
       {"build_commit", "cpu_info",  "backends",  "model_filename", "model_type", "model_size", "model_n_params",
        "n_batch",      "n_threads", "type_k",    "type_v",         "n_prompt",   "n_gen",      "n_depth",
        "test_time",    "avg_ns",    "stddev_ns", "avg_ts",         "stddev_ts",  "samples_ns", "samples_ts"}) {
    EXPECT_TRUE(decode.contains(key)) << key;
  }
  EXPECT_EQ(decode["n_gen"], 6);
  ASSERT_EQ(decode["samples_ns"].size(), 3u);
  double mean = 0;
  for (size_t i = 0; i < 3; ++i) {
    const auto ns = decode["samples_ns"][i].get<double>(), rate = decode["samples_ts"][i].get<double>();
    EXPECT_NEAR(rate, 6e9 / ns, 1e-3 * rate);
    mean += rate / 3;
  }
  EXPECT_NEAR(decode["avg_ts"].get<double>(), mean, 1e-6 * mean);
  EXPECT_LE(decode["min_ts"], decode["median_ts"]);
  EXPECT_EQ(decode["manifest_sha256"], report["manifest"]["sha256"]);
  EXPECT_EQ(report["manifest"]["options"]["rounds"], 3);
}

TEST_F(EngineSpeedTest, DepthsAndStreamsAreTestsOfTheirOwn) {
  BenchEngineOptions o = options();
  o.profile = false;
  o.prompt_tokens = {80};
  o.depths = {0, 20};
  o.streams = {1, 2};
  o.output = "jsonl";
  std::ostringstream out;
  const Status status = run_bench_engine(o, out);
  ASSERT_TRUE(status.ok()) << status.message();
  std::vector<std::string> found;
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) {
    const Json test = parse_json(line, "line").value();
    found.push_back(fmt::format("{} x{}", test["test"].get<std::string>(), test["n_streams"].get<int>()));
    EXPECT_GT(test["avg_ts"].get<double>(), 0);
  }
  EXPECT_THAT(found,
              testing::ElementsAre("pp80 x1", "tg6 x1", "tg6 x2", "pp80 @ d20 x1", "tg6 @ d20 x1", "tg6 @ d20 x2"));
}

TEST_F(EngineSpeedTest, CsvHasALineATestAndAsManyFieldsAsNames) {
  BenchEngineOptions o = options();
  o.profile = false;
  o.output = "csv";
  std::ostringstream out;
  ASSERT_TRUE(run_bench_engine(o, out).ok());
  std::istringstream lines(out.str());
  std::string header, line;
  ASSERT_TRUE(std::getline(lines, header));
  EXPECT_THAT(header, HasSubstr("test,build_commit,"));
  const auto n_commas = [](const std::string& text) {
    bool quoted = false;
    int n = 0;
    for (const char c : text) {
      if (c == '"') quoted = !quoted;
      if (c == ',' && !quoted) ++n;
    }
    return n;
  };
  int n_lines = 0;
  for (; std::getline(lines, line); ++n_lines) EXPECT_EQ(n_commas(line), n_commas(header)) << line;
  EXPECT_EQ(n_lines, 2);
}

TEST_F(EngineSpeedTest, RefusesNumbersByOption) {
  const auto message = [](const BenchEngineOptions& o) {
    std::ostringstream out;
    return run_bench_engine(o, out).message();
  };
  BenchEngineOptions o = options();
  o.streams = {1, 33};
  EXPECT_THAT(message(o), HasSubstr("--streams: wanted 1 to 32, found 33"));
  o = options();
  o.depths = {-1};
  EXPECT_THAT(message(o), HasSubstr("--depth: wanted 0 to 128, found -1"));
  o = options();
  o.output = "sql";
  EXPECT_THAT(message(o), HasSubstr("--output: wanted md, csv, json or jsonl, found 'sql'"));
}

TEST_F(EngineSpeedTest, WithoutAProfileThereIsNone) {
  BenchEngineOptions o = options();
  o.profile = false;
  o.generate_tokens = {};
  const Json report = run(o);
  ASSERT_EQ(report["tests"].size(), 1u);
  EXPECT_FALSE(report["tests"][0].contains("profile"));
  EXPECT_GT(report["limits"]["bf16_gflop_per_s"].get<double>(), 0);
}

}  // namespace
}  // namespace drawbridge
