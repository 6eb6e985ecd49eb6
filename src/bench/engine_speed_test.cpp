// A benchmark of the bundled model is complete and its profile adds up; never how fast it is.
#include "bench/engine_speed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

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
    o.json = true;
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
  EXPECT_EQ(decode["n_steps"], 5);  // the prompt's step gave the first of six tokens
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
  o.n_streams = 3;
  const Json profile = run(o)["tests"][0]["profile"];
  EXPECT_LE(profile["n_steps"].get<int>(), 5);
  EXPECT_GE(profile["n_steps"].get<int>(), 1);
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
  for (const char* part : {"tg6, 5 steps", "mla_attention", "between ops", "parallel regions a step", "peaks: f32"}) {
    EXPECT_THAT(out.str(), HasSubstr(part));
  }
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
