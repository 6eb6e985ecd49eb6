// Good and hostile checkpoints: each fault gives one error that names file, tensor, wanted and found.
#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "checkpoint/matrix_source.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_writer.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }

  void write_text(const std::string& name, const std::string& text) {
    std::ofstream(dir_ + "/" + name, std::ios::binary) << text;
  }

  /// A file with this header text and `n_data` zero bytes.
  void write_raw(const std::string& header, size_t n_data, const std::string& name = "model.safetensors") {
    const uint64_t size = header.size();
    std::string text(reinterpret_cast<const char*>(&size), 8);
    write_text(name, text + header + std::string(n_data, '\0'));
  }

  void write_tensors(const std::vector<std::pair<TensorSpec, std::string>>& tensors,
                     const std::string& name = "model.safetensors") {
    std::vector<TensorSpec> specs;
    for (const auto& [spec, data] : tensors) specs.push_back(spec);
    auto writer = SafetensorsWriter::create(dir_ + "/" + name, specs);
    ASSERT_TRUE(writer.ok());
    for (const auto& [spec, data] : tensors) ASSERT_TRUE(writer->append(std::as_bytes(std::span(data))).ok());
    ASSERT_TRUE(writer->finish().ok());
  }

  Status open_error() { return Checkpoint::open(dir_).status(); }

  std::string dir_;
};

std::string floats(std::initializer_list<float> values) {
  return std::string(reinterpret_cast<const char*>(values.begin()), values.size() * 4);
}

TEST_F(CheckpointTest, ReadsWhatTheWriterWrote) {
  write_tensors({{{"a.weight", DType::kF32, {1, 2}}, floats({1, 2})}, {{"b", DType::kF32, {1}}, floats({3})}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  const auto matrix = find_matrix(*checkpoint, "a", 1, 2);
  ASSERT_TRUE(matrix.ok());
  EXPECT_EQ(static_cast<const float*>(matrix->data)[1], 2.0f);
  EXPECT_EQ(find_vector(*checkpoint, "b", 1).value(), std::vector<float>{3});
  EXPECT_EQ(checkpoint->find("c"), nullptr);
}

TEST_F(CheckpointTest, ReadsShards) {
  write_tensors({{{"a", DType::kF32, {1}}, floats({1})}}, "one.safetensors");
  write_tensors({{{"b", DType::kF32, {1}}, floats({2})}}, "two.safetensors");
  write_text("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_EQ(checkpoint->tensors().size(), 2u);
}

TEST_F(CheckpointTest, NothingToOpen) {
  EXPECT_THAT(open_error().message(), HasSubstr("neither model.safetensors"));
}

TEST_F(CheckpointTest, MissingShardIsNamed) {
  write_text("model.safetensors.index.json", R"({"weight_map":{"a":"gone.safetensors"}})");
  EXPECT_THAT(open_error().message(), HasSubstr("gone.safetensors"));
}

TEST_F(CheckpointTest, IndexMayNotLeaveTheDirectory) {
  for (const char* path : {"../model.safetensors", "/etc/passwd", "..", ""}) {
    write_text("model.safetensors.index.json", fmt::format(R"({{"weight_map":{{"a":"{}"}}}})", path));
    EXPECT_THAT(open_error().message(), HasSubstr("same directory")) << path;
  }
}

TEST_F(CheckpointTest, IndexPromisesWhatTheShardLacks) {
  write_tensors({{{"a", DType::kF32, {1}}, floats({1})}}, "one.safetensors");
  write_text("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","b":"one.safetensors"}})");
  EXPECT_THAT(open_error().message(), HasSubstr("promises tensor b"));
}

TEST_F(CheckpointTest, SameNameInTwoShards) {
  write_tensors({{{"a", DType::kF32, {1}}, floats({1})}}, "one.safetensors");
  write_tensors({{{"a", DType::kF32, {1}}, floats({1})}, {{"b", DType::kF32, {1}}, floats({1})}}, "two.safetensors");
  write_text("model.safetensors.index.json", R"({"weight_map":{"a":"one.safetensors","b":"two.safetensors"}})");
  EXPECT_THAT(open_error().message(), HasSubstr("tensor a stands in"));
}

TEST_F(CheckpointTest, TruncatedFiles) {
  write_text("model.safetensors", "abc");
  EXPECT_THAT(open_error().message(), HasSubstr("found 3 bytes"));
  write_raw(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", 15);
  EXPECT_THAT(open_error().message(), HasSubstr("tensor a: data_offsets [0, 16] leave the 15 bytes"));
}

TEST_F(CheckpointTest, HugeHeaderIsNotRead) {
  write_text("model.safetensors", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f", 8) + "{}");
  EXPECT_THAT(open_error().message(), HasSubstr("header claims"));
}

struct BadHeader {
  const char* name;
  const char* header;
  const char* message;
};

class BadHeaderTest : public testing::TestWithParam<BadHeader> {};

TEST_P(BadHeaderTest, IsRefusedByName) {
  const std::string header = GetParam().header;
  const uint64_t size = header.size();
  const std::string file = std::string(reinterpret_cast<const char*>(&size), 8) + header + std::string(64, '\0');
  const auto parsed = parse_safetensors_header(std::as_bytes(std::span(file)), "m.safetensors");
  ASSERT_FALSE(parsed.ok());
  EXPECT_THAT(parsed.status().message(), HasSubstr("m.safetensors"));
  EXPECT_THAT(parsed.status().message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Safetensors, BadHeaderTest,
    testing::Values(
        BadHeader{
            "Overlap",
            R"({"a":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},"b":{"dtype":"U8","shape":[8],"data_offsets":[4,12]}})",
            "tensors a and b overlap"},
        BadHeader{"OutOfRange", R"({"a":{"dtype":"U8","shape":[65],"data_offsets":[0,65]}})", "leave the 64 bytes"},
        BadHeader{"Reversed", R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[8,0]}})", "leave the 64 bytes"},
        BadHeader{
            "Duplicate",
            R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
            "key \"a\" stands twice"},
        BadHeader{"DuplicateInEntry", R"({"a":{"dtype":"U8","shape":[1],"shape":[2],"data_offsets":[0,1]}})",
                  "key \"shape\" stands twice"},
        BadHeader{"Overflow", R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})",
                  "overflows"},
        BadHeader{"Negative", R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "wanted a whole number"},
        BadHeader{"Fraction", R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.5]}})", "wanted a whole number"},
        BadHeader{"UnknownType", R"({"a":{"dtype":"F4","shape":[1],"data_offsets":[0,1]}})", "dtype F4 is unknown"},
        BadHeader{"SizeMismatch", R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "needs 8 bytes"},
        BadHeader{"NotAnObject", R"([1])", "not a JSON object"}, BadHeader{"NotJson", R"({"a":)", "not valid JSON"},
        BadHeader{"TooDeep", R"({"a":[[[[[[1]]]]]]})", "nested"},
        BadHeader{"EntryIsNumber", R"({"a":3})", "wanted an object"},
        BadHeader{"HighRank", R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})",
                  "at most 8 dimensions"}),
    [](const auto& param) { return std::string(param.param.name); });

TEST_F(CheckpointTest, ShapeAndTypeAreCheckedPerMatrix) {
  write_tensors({{{"a.weight", DType::kF32, {1, 2}}, floats({1, 2})}, {{"i.weight", DType::kI32, {1}}, floats({0})}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_THAT(find_matrix(*checkpoint, "a", 2, 2).status().message(),
              HasSubstr("tensor a.weight: wanted shape [2, 2], found F32 [1, 2]"));
  EXPECT_THAT(find_matrix(*checkpoint, "i", 1, 1).status().message(), HasSubstr("found I32 [1]"));
  EXPECT_THAT(find_matrix(*checkpoint, "z", 1, 1).status().message(), HasSubstr("z.weight is missing"));
}

TEST_F(CheckpointTest, QuantizedFormatsAreReadFromTheTensors) {
  write_tensors({{{"f.weight_scale", DType::kF32, {1, 1}}, floats({2})},
                 {{"g.weight_scale_inv", DType::kF32, {1, 1}}, floats({3})},
                 {{"f.weight", DType::kF8E4M3, {1, 4}}, std::string(4, '\x38')},
                 {{"g.weight", DType::kF8E4M3, {1, 4}}, std::string(4, '\x38')},
                 {{"m.weight", DType::kU8, {1, 16}}, std::string(16, '\x22')},
                 {{"m.weight_scale", DType::kU8, {1, 1}}, "\x80"},
                 {{"n.weight", DType::kU8, {1, 16}}, std::string(16, '\x22')},
                 {{"n.weight_scale", DType::kU8, {1, 1}}, "\xff"},
                 {{"h.weight", DType::kF8E4M3, {1, 4}}, std::string(4, '\x38')}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok());
  std::vector<float> row(32);
  dequantize_row(find_matrix(*checkpoint, "f", 1, 4).value(), 0, row.data());
  EXPECT_EQ(row[0], 2.0f);
  dequantize_row(find_matrix(*checkpoint, "g", 1, 4).value(), 0, row.data());
  EXPECT_EQ(row[0], 3.0f);
  dequantize_row(find_matrix(*checkpoint, "m", 1, 32).value(), 0, row.data());
  EXPECT_EQ(row[31], 2.0f);
  EXPECT_THAT(find_matrix(*checkpoint, "n", 1, 32).status().message(), HasSubstr("scale byte 0 is 255"));
  EXPECT_THAT(find_matrix(*checkpoint, "h", 1, 4).status().message(), HasSubstr("h.weight_scale_inv"));
}

TEST_F(CheckpointTest, Q8NeedsF16ScalesThatAreFinite) {
  using namespace std::string_literals;
  const std::string codes(64, '\x02'), one_two = "\x00\x3c\x00\x40"s, inf_two = "\x00\x7c\x00\x40"s;
  write_tensors({{{"good.weight_scale", DType::kF16, {1, 2}}, one_two},
                 {{"bad.weight_scale", DType::kF16, {1, 2}}, inf_two},
                 {{"good.weight", DType::kI8, {1, 64}}, codes},
                 {{"bad.weight", DType::kI8, {1, 64}}, codes},
                 {{"other.weight", DType::kI8, {1, 64}}, codes},
                 {{"other.weight_scale", DType::kU8, {1, 2}}, "\x01\x01"}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok());
  std::vector<float> row(64);
  dequantize_row(find_matrix(*checkpoint, "good", 1, 64).value(), 0, row.data());
  EXPECT_EQ(row[31], 2.0f);
  EXPECT_EQ(row[32], 4.0f);
  EXPECT_THAT(find_matrix(*checkpoint, "bad", 1, 64).status().message(), HasSubstr("scale 0 is inf"));
  EXPECT_THAT(find_matrix(*checkpoint, "other", 1, 64).status().message(), HasSubstr("wanted F16 scales"));
}

TEST_F(CheckpointTest, AScaleBesideAnUnquantizedWeightIsAConflict) {
  write_tensors({{{"a.weight", DType::kF32, {1, 1}}, floats({1})},
                 {{"a.weight_scale_inv", DType::kF32, {1, 1}}, floats({1})},
                 {{"e", DType::kF32, {1, 1, 1}}, floats({1})},
                 {{"e_scale", DType::kF32, {1}}, floats({1})},
                 {{"f.weight_scale", DType::kF32, {1, 1}}, floats({1})},
                 {{"f.weight_scale_inv", DType::kF32, {1, 1}}, floats({1})},
                 {{"f.weight", DType::kF8E4M3, {1, 1}}, "x"}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok());
  const auto message = find_matrix(*checkpoint, "a", 1, 1).status().message();
  EXPECT_THAT(message, HasSubstr("a.weight is F32 [1, 1], which takes no scale"));
  EXPECT_THAT(message, HasSubstr("a.weight_scale_inv"));
  EXPECT_THAT(find_stacked_matrix(*checkpoint, "e", 0, {1, 1, 1}).status().message(), HasSubstr("e_scale"));
  EXPECT_THAT(find_matrix(*checkpoint, "f", 1, 1).status().message(), HasSubstr("found both"));
}

/// The file that docs/formats.md shows byte for byte.
TEST_F(CheckpointTest, TheExampleOfTheFormatsPage) {
  const std::string codes = std::string("\x21\x9f", 2) + std::string(14, '\0');
  write_tensors({{{"X.weight_scale", DType::kU8, {1, 1}}, "\x80"}, {{"X.weight", DType::kU8, {1, 16}}, codes}});
  const std::string header = R"({"X.weight_scale":{"dtype":"U8","shape":[1,1],"data_offsets":[0,1]},)"
                             R"("X.weight":{"dtype":"U8","shape":[1,16],"data_offsets":[1,17]}})";
  EXPECT_EQ(header.size(), 131u);
  EXPECT_EQ(read_text_file(dir_ + "/model.safetensors", 4096).value(),
            std::string("\xb8\0\0\0\0\0\0\0", 8) + header + std::string(53, ' ') + "\x80" + codes);
  const Checkpoint checkpoint = Checkpoint::open(dir_).value();
  std::vector<float> row(32);
  dequantize_row(find_matrix(checkpoint, "X", 1, 32).value(), 0, row.data());
  std::vector<float> wanted = {1, 2, -12, -1};
  wanted.resize(32);
  EXPECT_EQ(row, wanted);
}

TEST_F(CheckpointTest, HeadersDoWithoutDataAndSayWhatIsMissing) {
  write_raw(R"({"a.weight":{"dtype":"F8_E4M3","shape":[2,130],"data_offsets":[8,268]},)"
            R"("a.weight_scale_inv":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}})",
            3, "one.safetensors");
  write_text("model.safetensors.index.json",
             R"({"weight_map":{"a.weight":"one.safetensors","b":"two.safetensors","c":"two.safetensors"}})");
  EXPECT_THAT(open_error().message(), HasSubstr("is the file truncated?"));
  const auto checkpoint = Checkpoint::open(dir_, Contents::kHeader);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  ASSERT_EQ(checkpoint->incomplete().size(), 2u);
  EXPECT_THAT(checkpoint->incomplete()[0], HasSubstr("one.safetensors: has "));
  EXPECT_THAT(checkpoint->incomplete()[1], HasSubstr("two.safetensors: missing"));
  const auto layout = find_matrix_layout(*checkpoint, "a", 2, 130);
  ASSERT_TRUE(layout.ok()) << layout.status().message();
  EXPECT_EQ(layout->format, WeightFormat::kFp8Block);
  EXPECT_EQ(layout->weight->bytes() + layout->scale->bytes(), 268);
  EXPECT_TRUE(layout->weight->data.empty());
}

TEST_F(CheckpointTest, HeadersWhoseOffsetsOverflowAreRefused) {
  write_raw(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[18446744073709551615,18446744073709551615]}})", 0);
  EXPECT_FALSE(Checkpoint::open(dir_, Contents::kHeader).ok());
}

TEST_F(CheckpointTest, ANameInTheIndexTwiceIsRefused) {
  write_text("model.safetensors.index.json", R"({"weight_map":{"a":"x.safetensors","a":"y.safetensors"}})");
  EXPECT_THAT(open_error().message(), HasSubstr("key \"a\" stands twice"));
}

TEST_F(CheckpointTest, ANameDeclaredTwiceIsNotWritten) {
  const TensorSpec spec{"a", DType::kU8, {1}};
  const auto writer = SafetensorsWriter::create(dir_ + "/model.safetensors", {spec, spec});
  EXPECT_THAT(writer.status().message(), HasSubstr("tensor a was declared twice"));
}

/// As many names as GLM-5.2-FP8 has: a search of all keys for each key would take minutes here.
TEST_F(CheckpointTest, AHundredThousandNames) {
  constexpr int kNames = 118629;
  std::vector<std::pair<TensorSpec, std::string>> tensors;
  std::string weight_map;
  for (int i = 0; i < kNames; ++i) {
    const std::string name = fmt::format("model.layers.{}.mlp.experts.{}.down_proj.weight", i / 256, i % 256);
    tensors.push_back({{name, DType::kU8, {1}}, "x"});
    weight_map += fmt::format(R"({}"{}":"a.safetensors")", i == 0 ? "" : ",", name);
  }
  write_tensors(tensors, "a.safetensors");
  write_text("model.safetensors.index.json", R"({"weight_map":{)" + weight_map + "}}");
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  EXPECT_EQ(checkpoint->tensors().size(), static_cast<size_t>(kNames));
}

TEST_F(CheckpointTest, StackedExpertsAreSlices) {
  write_tensors({{{"e", DType::kF32, {2, 1, 2}}, floats({1, 2, 3, 4})}});
  const auto checkpoint = Checkpoint::open(dir_);
  ASSERT_TRUE(checkpoint.ok());
  const auto second = find_stacked_matrix(*checkpoint, "e", 1, {2, 1, 2});
  ASSERT_TRUE(second.ok()) << second.status().message();
  EXPECT_EQ(static_cast<const float*>(second->data)[0], 3.0f);
}

}  // namespace
}  // namespace drawbridge
