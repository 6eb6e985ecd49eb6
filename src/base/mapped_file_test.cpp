#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/checked_math.h"

namespace drawbridge {
namespace {

std::string temp_file(const std::string& name, const std::string& content) {
  const std::string path = testing::TempDir() + "/" + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(MappedFile, MapsTheWholeFileAndMoves) {
  auto opened = MappedFile::open(temp_file("mapped", "hello"));
  ASSERT_TRUE(opened.ok());
  const MappedFile file = std::move(opened).value();
  ASSERT_EQ(file.bytes().size(), 5u);
  EXPECT_EQ(static_cast<char>(file.bytes()[4]), 'o');
}

TEST(MappedFile, AnEmptyFileIsAnEmptySpan) {
  const auto file = MappedFile::open(temp_file("empty", ""));
  ASSERT_TRUE(file.ok());
  EXPECT_TRUE(file->bytes().empty());
}

TEST(MappedFile, NamesWhatIsMissingAndWhatIsNoFile) {
  const Status missing = MappedFile::open("/nonexistent/model").status();
  EXPECT_EQ(missing.code(), Code::kNotFound);
  EXPECT_NE(missing.message().find("/nonexistent/model"), std::string::npos);
  EXPECT_EQ(MappedFile::open(testing::TempDir()).status().code(), Code::kInvalidArgument);
}

TEST(MappedFile, TextIsBounded) {
  const std::string path = temp_file("text", "12345");
  EXPECT_EQ(read_text_file(path, 5).value(), "12345");
  EXPECT_EQ(read_text_file(path, 4).status().code(), Code::kOutOfRange);
}

TEST(CheckedMath, OverflowIsNothing) {
  EXPECT_EQ(checked_mul(1u << 16, 1u << 16), uint64_t{1} << 32);
  EXPECT_FALSE(checked_mul(uint64_t{1} << 33, uint64_t{1} << 33).has_value());
  EXPECT_FALSE(checked_add(UINT64_MAX, 1).has_value());
  const uint64_t shape[] = {1u << 22, 1u << 22, 1u << 22};
  EXPECT_FALSE(checked_product(shape).has_value());
}

}  // namespace
}  // namespace drawbridge
