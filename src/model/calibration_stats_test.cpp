// Statistics survive the file; each fault of a hostile file is one error that names file and tensor.
#include "model/calibration_stats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <span>

#include "checkpoint/safetensors_writer.h"
#include "model/random_checkpoint_test.h"

namespace drawbridge {
namespace {

using testing::HasSubstr;

std::string stats_file() {
  return process_directory("calibration_stats") + ".safetensors";
}

CalibrationStats sample_stats() {
  CalibrationStats stats;
  stats.n_tokens = 12345;
  stats.input_mean_square = {{"model.layers.0.mlp.down_proj", {0.5f, 0, 2e-30f}}, {"lm_head", {3, 4}}};
  stats.n_rows = {{"model.layers.0.mlp.down_proj", 0}, {"lm_head", 12345}};
  stats.latent_amax = {{0, 7.25f}, {11, 0}};
  stats.index_amax = {{0, 1.5f}};
  return stats;
}

TEST(CalibrationStats, SurviveTheFile) {
  const CalibrationStats stats = sample_stats();
  ASSERT_TRUE(write_calibration_stats(stats, stats_file()).ok());
  const auto found = read_calibration_stats(stats_file());
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found->n_tokens, stats.n_tokens);
  EXPECT_EQ(found->input_mean_square, stats.input_mean_square);
  EXPECT_EQ(found->n_rows, stats.n_rows);
  EXPECT_EQ(found->latent_amax, stats.latent_amax);
  EXPECT_EQ(found->index_amax, stats.index_amax);
  EXPECT_TRUE(found->is_fallback("model.layers.0.mlp.down_proj"));
  EXPECT_FALSE(found->is_fallback("lm_head"));
  EXPECT_FALSE(std::filesystem::exists(stats_file() + ".partial"));
}

TEST(CalibrationStats, WriteSaysWhereItCannot) {
  const Status status = write_calibration_stats(sample_stats(), "/nowhere/stats.safetensors");
  EXPECT_EQ(status.code(), Code::kPermissionDenied);
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/stats.safetensors"));
}

template <typename T>
struct Entry {
  std::string name;
  DType dtype;
  std::vector<T> values;
};

/// The error of a file with n_tokens and one more tensor.
template <typename T>
std::string fault_of(const Entry<T>& entry, int64_t n_tokens = 9) {
  auto writer = SafetensorsWriter::create(
      stats_file(),
      {{"n_tokens", DType::kI64, {1}}, {entry.name, entry.dtype, {static_cast<int64_t>(entry.values.size())}}});
  DB_CHECK(writer.ok());
  DB_CHECK(writer->append(std::as_bytes(std::span(&n_tokens, 1))).ok());
  DB_CHECK(writer->append(std::as_bytes(std::span(entry.values))).ok());
  DB_CHECK(writer->finish().ok());
  const auto found = read_calibration_stats(stats_file());
  return found.ok() ? "" : found.status().message();
}

TEST(CalibrationStats, RefusesValuesThatCannotBe) {
  const auto f32 = [](const std::string& name, std::vector<float> values) {
    return fault_of(Entry<float>{name, DType::kF32, std::move(values)});
  };
  const auto i64 = [](const std::string& name, std::vector<int64_t> values, int64_t n_tokens = 9) {
    return fault_of(Entry<int64_t>{name, DType::kI64, std::move(values)}, n_tokens);
  };
  EXPECT_EQ(f32("latent_amax.3", {2}), "");
  EXPECT_THAT(f32("latent_amax.3", {NAN}), HasSubstr("latent_amax.3[0]: wanted a finite value of at least 0"));
  EXPECT_THAT(f32("latent_amax.3", {-1}), HasSubstr("found -1"));
  EXPECT_THAT(f32("index_amax.3", {1, 2}), HasSubstr("index_amax.3: wanted one value, found 2"));
  EXPECT_THAT(f32("index_amax.x", {1}), HasSubstr("index_amax.x: wanted a layer's number"));
  EXPECT_THAT(f32("index_amax.-1", {1}), HasSubstr("index_amax.-1: wanted a layer's number"));
  EXPECT_THAT(f32("index_amax.007", {1}), HasSubstr("index_amax.007: wanted a layer's number"));
  EXPECT_THAT(f32("latent_amax.99999999999", {1}), HasSubstr("wanted a layer's number"));
  EXPECT_THAT(f32("input_mean_square.lm_head", {1, INFINITY}), HasSubstr("input_mean_square.lm_head[1]"));
  EXPECT_THAT(f32("input_mean_square.lm_head", {1}), HasSubstr("n_rows.lm_head: wanted beside"));
  EXPECT_THAT(f32("input_mean_square.lm_head", {}), HasSubstr("input_mean_square.lm_head: wanted F32 [n]"));
  EXPECT_THAT(f32("n_rows.lm_head", {1}), HasSubstr("n_rows.lm_head: wanted I64 [n], found F32"));
  EXPECT_THAT(f32("model.norm.weight", {1}), HasSubstr("model.norm.weight: wanted only n_tokens"));
  EXPECT_THAT(i64("n_rows.lm_head", {1}), HasSubstr("input_mean_square.lm_head: wanted beside"));
  EXPECT_THAT(i64("n_rows.lm_head", {-1}), HasSubstr("n_rows.lm_head: wanted one value of at least 0"));
  EXPECT_THAT(i64("n_rows.lm_head", {1}, 0), HasSubstr("n_tokens: wanted one value of at least 1"));
}

TEST(CalibrationStats, RefusesAFileThatIsNone) {
  EXPECT_EQ(read_calibration_stats("/nowhere").status().code(), Code::kNotFound);
  auto writer = SafetensorsWriter::create(stats_file(), {});
  ASSERT_TRUE(writer.ok() && writer->finish().ok());
  EXPECT_THAT(read_calibration_stats(stats_file()).status().message(), HasSubstr("n_tokens: wanted a tensor"));
}

}  // namespace
}  // namespace drawbridge
