// A staged file appears with commit() and leaves nothing behind without it.
#include "base/staged_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class StagedFileTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = testing::TempDir() + "/" + testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(dir_);
    fs::create_directories(dir_);
  }

  std::string dir_;
};

TEST_F(StagedFileTest, AppearsWithCommit) {
  auto staged = StagedFile::create(dir_ + "/out");
  ASSERT_TRUE(staged.ok());
  std::ofstream(staged->path()) << "data";
  EXPECT_FALSE(fs::exists(dir_ + "/out"));
  ASSERT_TRUE(staged->commit().ok());
  EXPECT_EQ(*read_text_file(dir_ + "/out", 100), "data");
  EXPECT_FALSE(fs::exists(dir_ + "/out.partial"));
}

TEST_F(StagedFileTest, LeavesNothingWithoutCommit) {
  {
    auto staged = StagedFile::create(dir_ + "/out");
    ASSERT_TRUE(staged.ok());
    std::ofstream(staged->path()) << "data";
  }
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(StagedFileTest, OverwritesNothing) {
  std::ofstream(dir_ + "/there") << "old";
  EXPECT_EQ(StagedFile::create(dir_ + "/there").status().code(), Code::kAlreadyExists);
  EXPECT_EQ(*read_text_file(dir_ + "/there", 100), "old");
}

/// As a run that was killed leaves it.
TEST_F(StagedFileTest, WritesOverWhatAGoneRunLeft) {
  std::ofstream(dir_ + "/out.partial") << "half of a longer file";
  auto staged = StagedFile::create(dir_ + "/out");
  ASSERT_TRUE(staged.ok()) << staged.status().message();
  EXPECT_EQ(fs::file_size(staged->path()), 0u);
  std::ofstream(staged->path()) << "data";
  ASSERT_TRUE(staged->commit().ok());
  EXPECT_EQ(*read_text_file(dir_ + "/out", 100), "data");
}

TEST_F(StagedFileTest, LeavesAloneWhatAnotherRunIsWriting) {
  auto staged = StagedFile::create(dir_ + "/out");
  ASSERT_TRUE(staged.ok());
  std::ofstream(staged->path()) << "data";
  EXPECT_THAT(StagedFile::create(dir_ + "/out").status().message(), HasSubstr("out.partial: another run is writing"));
  ASSERT_TRUE(staged->commit().ok());
  EXPECT_EQ(*read_text_file(dir_ + "/out", 100), "data");
}

TEST_F(StagedFileTest, NamesAFolderThatIsMissing) {
  const auto staged = StagedFile::create(dir_ + "/none/out");
  EXPECT_EQ(staged.status().code(), Code::kNotFound);
  EXPECT_THAT(staged.status().message(), HasSubstr("none/out.partial: cannot be made"));
}

TEST_F(StagedFileTest, RefusesATargetMadeMeanwhile) {
  auto staged = StagedFile::create(dir_ + "/out");
  ASSERT_TRUE(staged.ok());
  std::ofstream(staged->path()) << "new";
  std::ofstream(dir_ + "/out") << "old";
  EXPECT_EQ(staged->commit().code(), Code::kAlreadyExists);
  EXPECT_EQ(*read_text_file(dir_ + "/out", 100), "old");
}

}  // namespace
}  // namespace drawbridge
