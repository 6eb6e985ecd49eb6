#include "model/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Result<GenerationConfig> load(const std::string& text) {
  const std::string dir = process_directory("generation_config");
  std::filesystem::create_directories(dir);
  std::ofstream(dir + "/generation_config.json") << text;
  return load_generation_config(dir, 100);
}

TEST(GenerationConfig, ReadsEndTokensAndSampling) {
  const auto config = load(R"({"eos_token_id":[1,99],"temperature":0.5,"top_p":0.95,"do_sample":true})");
  ASSERT_TRUE(config.ok()) << config.status().message();
  EXPECT_THAT(*config->eos, ElementsAre(1, 99));
  EXPECT_EQ(config->temperature, 0.5f);
  EXPECT_EQ(config->top_p, 0.95f);
  EXPECT_THAT(config->notices, ElementsAre());
  EXPECT_THAT(*load(R"({"eos_token_id":7})")->eos, ElementsAre(7));
  EXPECT_FALSE(load(R"({"eos_token_id":null})")->eos.has_value());
}

TEST(GenerationConfig, AnAbsentFileAndUnusedKeysAreSaid) {
  const auto absent = load_generation_config(process_directory("nowhere"), 100);
  ASSERT_TRUE(absent.ok());
  EXPECT_EQ(absent->top_p, 1.0f);
  ASSERT_EQ(absent->notices.size(), 1u);
  EXPECT_THAT(absent->notices[0], HasSubstr("generation_config.json: absent"));
  EXPECT_THAT(load(R"({"top_k":20,"min_p":0.1})")->notices[0], HasSubstr("top_k, min_p"));
}

TEST(GenerationConfig, WrongValuesAreRefusedByName) {
  for (const char* text :
       {R"({"eos_token_id":100})", R"({"eos_token_id":[-1]})", R"({"eos_token_id":"</s>"})", R"({"temperature":-1})",
        R"({"temperature":"warm"})", R"({"top_p":0})", R"({"top_p":1.5})", R"([1])"}) {
    const auto message = load(text).status().message();
    EXPECT_THAT(message, HasSubstr("generation_config.json: ")) << text;
    EXPECT_THAT(message, HasSubstr("wanted")) << text;
  }
}

}  // namespace
}  // namespace drawbridge
