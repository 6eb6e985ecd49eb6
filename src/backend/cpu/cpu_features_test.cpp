#include "backend/cpu/cpu_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backend/backend.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CpuFeatures avx2_machine() {
  CpuFeatures features;
  features.avx2 = features.fma = features.f16c = true;
  return features;
}

CpuFeatures avx512_machine() {
  CpuFeatures features = avx2_machine();
  features.avx512f = features.avx512bw = features.avx512dq = features.avx512vl = true;
  return features;
}

TEST(CpuFeatures, AutoTakesTheWidest) {
  EXPECT_EQ(choose_isa("auto", avx512_machine()).value(), Isa::kAvx512);
  EXPECT_EQ(choose_isa("auto", avx2_machine()).value(), Isa::kAvx2);
  EXPECT_EQ(choose_isa("auto", CpuFeatures()).value(), Isa::kPortable);
  EXPECT_THAT(usable_isas(avx512_machine()), ElementsAre("avx512", "avx2", "portable", "scalar"));
  EXPECT_THAT(usable_isas(CpuFeatures()), ElementsAre("portable", "scalar"));
}

TEST(CpuFeatures, ANarrowerSetMayBeAskedFor) {
  EXPECT_EQ(choose_isa("avx2", avx512_machine()).value(), Isa::kAvx2);
  EXPECT_EQ(choose_isa("portable", avx512_machine()).value(), Isa::kPortable);
  EXPECT_EQ(choose_isa("scalar", avx512_machine()).value(), Isa::kScalar);
}

TEST(CpuFeatures, WhatTheCpuLacksIsRefusedByName) {
  CpuFeatures features = avx512_machine();
  features.avx512bw = false;
  EXPECT_EQ(choose_isa("auto", features).value(), Isa::kAvx2);
  const Status refused = choose_isa("avx512", features).status();
  EXPECT_EQ(refused.code(), Code::kUnsupported);
  EXPECT_THAT(refused.message(), HasSubstr("--isa avx512: this CPU lacks avx512bw;"));
  EXPECT_THAT(choose_isa("avx2", CpuFeatures()).status().message(), HasSubstr("lacks avx2, fma, f16c"));
}

TEST(CpuBackend, BadOptionsAreRefusedByName) {
  CpuOptions options;
  options.isa = "avx9";
  EXPECT_THAT(make_cpu_backend(options).status().message(), HasSubstr("'avx9'"));
  options.isa = "auto";
  options.n_threads = -1;
  EXPECT_THAT(make_cpu_backend(options).status().message(), HasSubstr("--threads"));
  options.n_threads = 1025;
  EXPECT_THAT(make_cpu_backend(options).status().message(), HasSubstr("1025"));
}

TEST(CpuBackend, SaysWhatItRunsOn) {
  for (const std::string& isa : usable_cpu_isas()) {
    CpuOptions options;
    options.isa = isa;
    options.n_threads = 2;
    const std::string said = make_cpu_backend(options).value()->describe();
    EXPECT_THAT(said, HasSubstr("cpu " + isa));
    EXPECT_THAT(said, HasSubstr(isa == "scalar" ? "1 thread" : "2 threads"));
  }
}

TEST(CpuBackend, SaysWhichInputsAreQuantized) {
  for (const std::string& isa : usable_cpu_isas()) {
    CpuOptions options;
    options.isa = isa;
    options.numerics = Numerics::serving();
    EXPECT_THAT(make_cpu_backend(options).value()->describe(), testing::Not(HasSubstr("inputs")));
    options.numerics.input_codec = InputCodec::kMxfp4;
    EXPECT_THAT(make_cpu_backend(options).value()->describe(), HasSubstr("mxfp4 inputs for mxfp4 weights,"));
    options.numerics.input_codec = InputCodec::kInt8;
    EXPECT_THAT(make_cpu_backend(options).value()->describe(),
                HasSubstr("int8 inputs for mxfp4, fp8-e4m3-block128, q8"));
  }
}

}  // namespace
}  // namespace drawbridge
