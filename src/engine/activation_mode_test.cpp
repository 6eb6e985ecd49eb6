#include "engine/activation_mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Inventory holding(std::map<std::string, int64_t> formats) {
  Inventory inventory;
  inventory.parts.emplace_back();
  inventory.parts.back().formats = std::move(formats);
  return inventory;
}

TEST(ActivationMode, NamesAndTheirCodecs) {
  for (const InputCodec codec : {InputCodec::kNone, InputCodec::kInt8, InputCodec::kMxfp8, InputCodec::kMxfp4}) {
    EXPECT_EQ(read_activation(input_codec_name(codec), "serving").value(), codec);
  }
  EXPECT_EQ(read_activation("auto", "serving").value(), std::nullopt);
  EXPECT_EQ(read_activation("auto", "parity").value(), InputCodec::kNone);
  EXPECT_THAT(read_activation("fp4", "serving").status().message(), HasSubstr("mxfp4, found 'fp4'"));
}

TEST(ActivationMode, AutoIsInt8WhereAllQuantizedWeightsHaveIntegerKernels) {
  EXPECT_EQ(auto_activation(holding({{"mxfp4", 64}, {"bf16", 64}})), InputCodec::kInt8);
  EXPECT_EQ(auto_activation(holding({{"q8", 64}, {"mxfp4", 1}})), InputCodec::kInt8);
  EXPECT_EQ(auto_activation(holding({{"mxfp4", 64}, {"fp8-e4m3-block128", 1}})), InputCodec::kNone);
  EXPECT_EQ(auto_activation(holding({{"bf16", 64}})), InputCodec::kNone);
}

TEST(ActivationMode, AutoSaysWhereItPassesIntegerKernelsBy) {
  EXPECT_THAT(auto_activation_notices(holding({{"mxfp4", 64}, {"fp8-e4m3-block128", 1}})),
              ElementsAre(HasSubstr("--activation int8 uses them")));
  EXPECT_THAT(auto_activation_notices(holding({{"mxfp4", 64}, {"bf16", 1}})), IsEmpty());
  EXPECT_THAT(auto_activation_notices(holding({{"fp8-e4m3-block128", 1}})), IsEmpty());
}

TEST(ActivationMode, ParityQuantizesNoInputs) {
  EXPECT_TRUE(read_activation("bf16", "parity-f32").ok());
  EXPECT_THAT(read_activation("int8", "parity-f32").status().message(),
              HasSubstr("--activation int8: --numerics parity-f32"));
}

TEST(ActivationMode, SaysThatMorePreciseInputsThanAskedForAreUsed) {
  QuantizationConfig w4a4;
  w4a4.input_dtype = "fp4";
  const Inventory fp4 = holding({{"mxfp4", 64}, {"bf16", 64}});
  EXPECT_THAT(activation_notices(InputCodec::kNone, w4a4, fp4),
              ElementsAre(HasSubstr("(W4A4); they are taken as bf16, which is more precise; --activation mxfp4")));
  EXPECT_THAT(activation_notices(InputCodec::kInt8, w4a4, fp4), ElementsAre(HasSubstr("taken as int8")));
  EXPECT_THAT(activation_notices(InputCodec::kMxfp4, w4a4, fp4), IsEmpty());
  EXPECT_THAT(activation_notices(InputCodec::kNone, {}, fp4), IsEmpty());
}

TEST(ActivationMode, SaysWhichWeightsAModeDoesNotHoldFor) {
  const Inventory mixed = holding({{"mxfp4", 64}, {"fp8-e4m3-block128", 128}, {"bf16", 256}});
  EXPECT_THAT(activation_notices(InputCodec::kMxfp4, {}, mixed),
              ElementsAre("--activation mxfp4 does not hold for weights in fp8-e4m3-block128 (128 parameters): "
                          "their inputs are bf16"));
  EXPECT_THAT(activation_notices(InputCodec::kInt8, {}, mixed), IsEmpty());
  EXPECT_THAT(activation_notices(InputCodec::kInt8, {}, holding({{"bf16", 1}})),
              ElementsAre(HasSubstr("changes nothing")));
}

}  // namespace
}  // namespace drawbridge
