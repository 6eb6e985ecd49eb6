// Good and hostile GGUF files: each fault gives one error that names what was wanted and found.
#include "gguf/gguf_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "gguf/gguf_value_type.h"
#include "gguf/gguf_writer.h"

namespace drawbridge {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// A file spelled byte by byte.
class RawFile {
 public:
  RawFile(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
    text_ = "GGUF";
    number(version).number(n_tensors).number(n_keys);
  }

  template <typename T>
  RawFile& number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  RawFile& string(std::string_view value) {
    number(uint64_t{value.size()});
    text_ += value;
    return *this;
  }
  RawFile& type(GgufValueType value) { return number(static_cast<uint32_t>(value)); }
  RawFile& tensor(std::string_view name, std::vector<uint64_t> extents, uint32_t type, uint64_t offset) {
    string(name).number(static_cast<uint32_t>(extents.size()));
    for (const uint64_t extent : extents) number(extent);
    return number(type).number(offset);
  }
  RawFile& data(size_t n_bytes) {
    text_.append((32 - text_.size() % 32) % 32 + n_bytes, '\0');
    return *this;
  }

  Result<GgufHeader> parse() const { return parse_gguf(std::as_bytes(std::span(text_)), "raw"); }
  std::string error() const { return parse().status().message(); }

 private:
  std::string text_;
};

constexpr auto kF32 = static_cast<uint32_t>(GgmlType::kF32);
constexpr auto kMxfp4 = static_cast<uint32_t>(GgmlType::kMxfp4);

std::string write_and_read(const std::string& path, const GgufKeyList& keys, const std::vector<GgufSpec>& specs,
                           const std::vector<std::string>& data) {
  auto writer = GgufWriter::create(path, keys, specs);
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  for (const std::string& one : data) EXPECT_TRUE(writer->append(std::as_bytes(std::span(one))).ok());
  EXPECT_TRUE(writer->finish().ok());
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

TEST(GgufReader, ReadsWhatTheWriterWrote) {
  const std::string path = testing::TempDir() + "/ReadsWhatTheWriterWrote.gguf";
  const GgufKeyList keys = {{"a.flag", true},
                            {"a.count", int64_t{4294967295}},
                            {"a.real", 0.5},
                            {"a.text", std::string("x\0y", 3)},
                            {"a.flags", std::vector<bool>{true, false}},
                            {"a.ids", std::vector<int64_t>{-1, 7}},
                            {"a.reals", std::vector<double>{1.5}},
                            {"a.texts", std::vector<std::string>{"", "b"}}};
  const std::vector<GgufSpec> specs = {{"odd", GgmlType::kF16, {3}}, {"blocks", GgmlType::kMxfp4, {2, 1, 32}}};
  const std::string blocks(34, '\7');
  write_and_read(path, keys, specs, {"abcdef", blocks.substr(0, 10), blocks.substr(10)});

  const auto file = GgufFile::open(path);
  ASSERT_TRUE(file.ok()) << file.status().message();
  for (const auto& [key, value] : keys) EXPECT_EQ(file->keys().all().at(key), value) << key;
  EXPECT_EQ(file->keys().all().size(), keys.size());
  const GgufTensor* odd = file->find("odd");
  ASSERT_NE(odd, nullptr);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(odd->data.data()), odd->data.size()), "abcdef");
  const GgufTensor* stack = file->find("blocks");
  ASSERT_NE(stack, nullptr);
  EXPECT_THAT(stack->shape, ElementsAre(2, 1, 32));
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(stack->data.data()), stack->data.size()), blocks);
  EXPECT_EQ(file->find("absent"), nullptr);
}

TEST(GgufReader, EveryTruncationIsAnError) {
  const std::string path = testing::TempDir() + "/EveryTruncationIsAnError.gguf";
  const std::string whole = write_and_read(path, {{"k", std::vector<std::string>{"a", "b"}}, {"n", int64_t{1}}},
                                           {{"t", GgmlType::kF32, {4}}}, {std::string(16, 'x')});
  // The last tensor's padding may be missing.
  const size_t needed = whole.size() - 16;
  ASSERT_TRUE(parse_gguf(std::as_bytes(std::span(whole)).first(needed), "cut").ok());
  for (size_t size = 0; size < needed; ++size) {
    const auto header = parse_gguf(std::as_bytes(std::span(whole)).first(size), "cut");
    ASSERT_FALSE(header.ok()) << size;
    EXPECT_THAT(header.status().message(), testing::StartsWith("cut: "));
  }
}

TEST(GgufReader, Version2HasTheSameLayout) {
  const auto header = RawFile(1, 0, 2).tensor("t", {4}, kF32, 0).data(16).parse();
  ASSERT_TRUE(header.ok()) << header.status().message();
  EXPECT_EQ(header->tensors[0].data.size(), 16u);
}

TEST(GgufReader, RefusesOtherFiles) {
  EXPECT_THAT(parse_gguf(std::as_bytes(std::span("PK\3\4")), "zip").status().message(), HasSubstr("letters GGUF"));
  EXPECT_THAT(RawFile(0, 0, 1).error(), HasSubstr("version: wanted 2 or 3, found 1"));
  EXPECT_THAT(RawFile(0, 0, 0x03000000).error(), HasSubstr("big-endian"));
}

TEST(GgufReader, BoundsCountsAndLengths) {
  EXPECT_THAT(RawFile(UINT64_MAX, 0).error(), HasSubstr("at most 1048576 tensors"));
  EXPECT_THAT(RawFile(0, UINT64_MAX).error(), HasSubstr("65536 keys"));
  EXPECT_THAT(RawFile(0, 1).number(UINT64_MAX).error(), HasSubstr("name of a key: wanted a string of at most 65535"));
  EXPECT_THAT(RawFile(0, 1).string("k").type(GgufValueType::kString).number(UINT64_MAX - 7).error(),
              HasSubstr("key k: wanted 18446744073709551608 bytes at byte 45, the file has 0"));
  RawFile many(0, 1);
  many.string("k").type(GgufValueType::kArray).type(GgufValueType::kU8).number(UINT64_MAX);
  EXPECT_THAT(many.error(), HasSubstr("key k: wanted at most 4194304 elements"));
  EXPECT_THAT(RawFile(1, 0).tensor(std::string(65, 'n'), {4}, kF32, 0).error(), HasSubstr("at most 64 bytes"));
}

TEST(GgufReader, RefusesNestedArraysAndUnknownTypes) {
  RawFile nested(0, 1);
  nested.string("k").type(GgufValueType::kArray).type(GgufValueType::kArray).number(uint64_t{1});
  EXPECT_THAT(nested.error(), HasSubstr("key k: wanted an array of plain values, found an array of arrays"));
  EXPECT_THAT(RawFile(0, 1).string("k").number(uint32_t{13}).error(), HasSubstr("value type 13 is unknown"));
  EXPECT_THAT(RawFile(0, 1).string("k").type(GgufValueType::kBool).number(uint8_t{2}).error(),
              HasSubstr("wanted 0 or 1 as a bool, found 2"));
  EXPECT_THAT(RawFile(0, 1).string("k").type(GgufValueType::kU64).number(UINT64_MAX).error(),
              HasSubstr("wanted at most 9223372036854775807"));
}

TEST(GgufReader, RefusesWhatStandsTwice) {
  RawFile keys(0, 2);
  keys.string("k").type(GgufValueType::kU8).number(uint8_t{1}).string("k").type(GgufValueType::kU8).number(uint8_t{2});
  EXPECT_THAT(keys.error(), HasSubstr("key k stands in the file twice"));
  EXPECT_THAT(RawFile(2, 0).tensor("t", {4}, kF32, 0).tensor("t", {4}, kF32, 32).data(48).error(),
              HasSubstr("tensor t stands in the file twice"));
}

TEST(GgufReader, ChecksShapes) {
  EXPECT_THAT(RawFile(1, 0).tensor("t", {}, kF32, 0).error(), HasSubstr("wanted 1 to 4 dimensions, found 0"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {1, 1, 1, 1, 1}, kF32, 0).error(), HasSubstr("found 5"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {4, 0}, kF32, 0).error(), HasSubstr("dimension 1 is 0"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {1u << 31, 1u << 31, 4}, kF32, 0).error(), HasSubstr("no overflow"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {33}, kMxfp4, 0).error(), HasSubstr("a multiple of 32 elements for MXFP4"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {32}, 12, 0).error(),
              HasSubstr("tensor t: wanted type F32, F16, BF16, Q8_0 or MXFP4, found 12 (Q4_K)"));
}

TEST(GgufReader, KeepsTensorsApartAndInside) {
  EXPECT_THAT(RawFile(1, 0).tensor("t", {4}, kF32, 8).data(64).error(),
              HasSubstr("an offset that is a multiple of 32"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {4}, kF32, 64).data(64).error(), HasSubstr("leave the 64 bytes of data"));
  EXPECT_THAT(RawFile(1, 0).tensor("t", {4}, kF32, ~uint64_t{31}).data(64).error(), HasSubstr("truncated"));
  EXPECT_THAT(RawFile(2, 0).tensor("a", {16}, kF32, 0).tensor("b", {4}, kF32, 32).data(64).error(),
              HasSubstr("tensors a and b overlap"));
}

TEST(GgufReader, FollowsTheFilesAlignment) {
  RawFile wide(1, 1);
  wide.string("general.alignment").type(GgufValueType::kU32).number(uint32_t{48});
  EXPECT_THAT(wide.tensor("t", {4}, kF32, 0).data(64).error(), HasSubstr("general.alignment: wanted a power of two"));
  RawFile zero(0, 1);
  zero.string("general.alignment").type(GgufValueType::kU32).number(uint32_t{0});
  EXPECT_THAT(zero.error(), HasSubstr("general.alignment: wanted a whole number from 8"));
}

TEST(GgufKeys, NamesWhatIsWrong) {
  GgufKeys keys("file");
  EXPECT_TRUE(keys.add("n", int64_t{5}));
  EXPECT_FALSE(keys.add("n", int64_t{6}));
  EXPECT_EQ(*keys.integer("n", 0, 5), 5);
  EXPECT_EQ(keys.integer("n", 0, 4).status().message(), "file: key n: wanted a whole number from 0 to 4, found 5");
  EXPECT_EQ(keys.number("n").status().message(), "file: key n: wanted a float, found 5");
  EXPECT_EQ(keys.text("n").status().message(), "file: key n: wanted a string, found 5");
  EXPECT_EQ(keys.boolean("m").status().message(), "file: key m: missing");
  EXPECT_EQ(keys.texts("m").status().code(), Code::kNotFound);
  EXPECT_TRUE(keys.add("flags", std::vector<bool>{true, false}));
  EXPECT_THAT(*keys.integers("flags"), ElementsAre(1, 0));
}

TEST(GgufWriter, RefusesWhatTheFormatCannotHold) {
  const std::string path = testing::TempDir() + "/RefusesWhatTheFormatCannotHold.gguf";
  const auto error = [&](const GgufKeyList& keys, const std::vector<GgufSpec>& specs) {
    return GgufWriter::create(path, keys, specs).status().message();
  };
  EXPECT_THAT(error({{"k", int64_t{-1}}}, {}), HasSubstr("key k: wanted 0 to 4294967295, found -1"));
  EXPECT_THAT(error({{"k", std::vector<int64_t>{1ll << 31}}}, {}), HasSubstr("key k: wanted -2147483648"));
  EXPECT_THAT(error({{"k", true}, {"k", true}}, {}), HasSubstr("key k was declared twice"));
  EXPECT_THAT(error({}, {{"t", GgmlType::kF32, {1}}, {"t", GgmlType::kF32, {1}}}), HasSubstr("tensor t was declared"));
  EXPECT_THAT(error({}, {{std::string(64, 'n'), GgmlType::kF32, {1}}}), HasSubstr("a name of less than 64 bytes"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace drawbridge
