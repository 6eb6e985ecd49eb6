#include "base/staged_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/mapped_file.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

class StagedDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    target_ = fmt::format("{}/drawbridge_staged_{}", testing::TempDir(), ::getpid());
    TearDown();
  }
  void TearDown() override {
    fs::remove_all(target_);
    fs::remove_all(target_ + ".partial");
  }

  std::string target_;
};

TEST_F(StagedDirectoryTest, AppearsOnlyWhenCommitted) {
  auto staged = StagedDirectory::create(target_ + "/");
  ASSERT_TRUE(staged.ok()) << staged.status().message();
  ASSERT_TRUE(staged->write_text("a", "text").ok());
  ASSERT_TRUE(staged->copy_file(staged->path() + "/a", "b").ok());
  EXPECT_FALSE(fs::exists(target_));
  ASSERT_TRUE(staged->commit().ok());
  EXPECT_EQ(read_text_file(target_ + "/b", 100).value(), "text");
  EXPECT_FALSE(fs::exists(target_ + ".partial"));
}

TEST_F(StagedDirectoryTest, LeavesNothingBehindUncommitted) {
  {
    const auto staged = StagedDirectory::create(target_);
    ASSERT_TRUE(staged->write_text("a", "text").ok());
    EXPECT_FALSE(staged->copy_file(target_ + "/nothing", "b").ok());
  }
  EXPECT_FALSE(fs::exists(target_));
  EXPECT_FALSE(fs::exists(target_ + ".partial"));
}

TEST_F(StagedDirectoryTest, OverwritesNothing) {
  fs::create_directory(target_);
  EXPECT_EQ(StagedDirectory::create(target_).status().code(), Code::kAlreadyExists);
  fs::remove(target_);
  auto staged = StagedDirectory::create(target_);
  ASSERT_TRUE(staged.ok());
  EXPECT_EQ(StagedDirectory::create(target_).status().code(), Code::kAlreadyExists);
  fs::create_directory(target_);
  EXPECT_EQ(staged->commit().code(), Code::kAlreadyExists);
  EXPECT_TRUE(fs::is_empty(target_));
}

TEST_F(StagedDirectoryTest, ResumesWhatAnEarlierRunLeft) {
  {
    const auto first = StagedDirectory::resume(target_);
    ASSERT_TRUE(first.ok()) << first.status().message();
    ASSERT_TRUE(first->write_text("a", "text").ok());
  }
  EXPECT_FALSE(fs::exists(target_));
  auto second = StagedDirectory::resume(target_);
  ASSERT_TRUE(second.ok());
  ASSERT_TRUE(second->commit().ok());
  EXPECT_EQ(read_text_file(target_ + "/a", 100).value(), "text");
  EXPECT_EQ(StagedDirectory::resume(target_).status().code(), Code::kAlreadyExists);
}

TEST_F(StagedDirectoryTest, AMissingParentIsNamed) {
  const Status status = StagedDirectory::create(target_ + "/no/such").status();
  EXPECT_NE(status.message().find(target_), std::string::npos);
}

}  // namespace
}  // namespace drawbridge
