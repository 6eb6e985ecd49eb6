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
  std::ofstream(dir_ + "/out.partial") << "old";
  EXPECT_THAT(StagedFile::create(dir_ + "/out").status().message(), HasSubstr("out.partial: exists"));
  EXPECT_TRUE(fs::exists(dir_ + "/out.partial"));
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
