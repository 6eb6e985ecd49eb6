// Runs that are cut short at every stage, and what the next run makes of the rest.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "quantize/test_source_test.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class ResumeTest : public QuantizeFixture {
 protected:
  QuantizeOptions sharded(const std::string& target = "target") const {
    QuantizeOptions o = options(target);
    o.plan.shard_bytes = 200'000;
    return o;
  }
  /// As sharded(), cut short after `step` has come `count` times.
  QuantizeOptions cut(QuantizeStep step, int count = 1) const {
    QuantizeOptions o = sharded();
    o.after_step = [step, left = count](QuantizeStep now) mutable {
      return now == step && --left == 0 ? fail(Code::kCancelled, "cut") : Status();
    };
    return o;
  }
};

TEST_F(ResumeTest, ACutAtAnyStageDoesNoHarm) {
  ASSERT_TRUE(quantize(sharded("whole")).ok());
  const auto whole = contents("whole");
  ASSERT_GT(whole.size(), 5u);
  for (const auto& [step, count, n_finished] : {std::tuple{QuantizeStep::kStarted, 1, 0},
                                                {QuantizeStep::kShardWritten, 2, 1},
                                                {QuantizeStep::kShardRenamed, 2, 1},
                                                {QuantizeStep::kShardRecorded, 2, 2},
                                                {QuantizeStep::kFilesWritten, 1, -1},
                                                {QuantizeStep::kVerified, 1, -1}}) {
    ASSERT_EQ(quantize(cut(step, count)).status().message(), "cut");
    EXPECT_FALSE(exists("target"));
    const auto report = quantize(sharded());
    ASSERT_TRUE(report.ok()) << report.status().message();
    EXPECT_EQ(report->n_resumed, n_finished < 0 ? report->n_shards : n_finished);
    EXPECT_FALSE(exists("target.partial"));
    EXPECT_EQ(contents("target"), whole);
    fs::remove_all(base_ + "/target");
  }
}

TEST_F(ResumeTest, AKilledProcessIsResumed) {
  ASSERT_TRUE(quantize(sharded("whole")).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    QuantizeOptions o = sharded();
    o.after_step = [left = 3](QuantizeStep now) mutable {
      if (now == QuantizeStep::kShardRenamed && --left == 0) ::kill(::getpid(), SIGKILL);
      return Status();
    };
    (void)quantize(o).ok();
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_FALSE(exists("target"));
  const auto report = quantize(sharded());
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->n_resumed, 2);
  EXPECT_EQ(contents("target"), contents("whole"));
}

TEST_F(ResumeTest, ATornJournalLineIsDropped) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded, 2)).ok());
  const std::string journal = base_ + "/target.partial/drawbridge_journal.jsonl";
  fs::resize_file(journal, fs::file_size(journal) - 10);
  const auto report = quantize(sharded());
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->n_resumed, 1);
}

TEST_F(ResumeTest, ADamagedFinishedFileIsWrittenAgain) {
  ASSERT_TRUE(quantize(sharded("whole")).ok());
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded, 2)).ok());
  const auto name = contents("target.partial").begin()->first == "drawbridge_journal.jsonl"
                        ? std::next(contents("target.partial").begin())->first
                        : contents("target.partial").begin()->first;
  patch("target.partial/" + name, static_cast<int64_t>(fs::file_size(base_ + "/target.partial/" + name)) - 3, "xyz");
  const auto report = quantize(sharded());
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->n_resumed, 1);
  ASSERT_EQ(report->notices.size(), 1u);
  EXPECT_THAT(report->notices[0], HasSubstr("written again"));
  EXPECT_EQ(contents("target"), contents("whole"));
}

/// Bytes that go bad between writing and reading back.
TEST_F(ResumeTest, WhatIsReadBackWrongIsNoTarget) {
  QuantizeOptions o = sharded();
  o.after_step = [this](QuantizeStep now) {
    if (now != QuantizeStep::kFilesWritten) return Status();
    for (const auto& [name, text] : contents("target.partial")) {
      if (name.ends_with(".safetensors")) {
        patch("target.partial/" + name, static_cast<int64_t>(text.size()) - 1,
              std::string(1, static_cast<char>(text.back() ^ 1)));
        break;
      }
    }
    return Status();
  };
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("read back"));
  EXPECT_FALSE(exists("target"));
}

/// A header that lies about a type leaves every byte of the data as it was.
TEST_F(ResumeTest, AHeaderThatIsReadBackWrongIsNoTarget) {
  QuantizeOptions o = sharded();
  o.after_step = [this](QuantizeStep now) {
    if (now != QuantizeStep::kFilesWritten) return Status();
    for (const auto& [name, text] : contents("target.partial")) {
      const size_t at = text.find("\"dtype\":\"U8\"");
      if (!name.ends_with(".safetensors") || at == std::string::npos) continue;
      patch("target.partial/" + name, static_cast<int64_t>(at), "\"dtype\":\"I8\"");
      break;
    }
    return Status();
  };
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("read back I8"));
  EXPECT_FALSE(exists("target"));
}

/// The message must tell the two runs apart.
TEST_F(ResumeTest, OtherShardBytesAreSaid) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded)).ok());
  QuantizeOptions o = sharded();
  o.plan.shard_bytes = 123'456;
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("--shard-bytes 123456"));
}

TEST_F(ResumeTest, TheSourceMayBeSpelledOtherwise) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded)).ok());
  QuantizeOptions o = sharded();
  o.source = base_ + "/./source";
  const auto report = quantize(o);
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_GT(report->n_resumed, 0);
}

TEST_F(ResumeTest, AnotherPlanIsRefused) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded)).ok());
  QuantizeOptions o = sharded();
  o.plan.rule = QuantizeRule::kFloor;
  const std::string message = quantize(o).status().message();
  EXPECT_THAT(message, HasSubstr("--scale-rule even"));
  EXPECT_THAT(message, HasSubstr("--scale-rule floor"));
  EXPECT_THAT(message, HasSubstr("remove " + base_ + "/target.partial"));
  EXPECT_TRUE(quantize(sharded()).ok());
}

TEST_F(ResumeTest, AChangedSourceIsRefused) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded)).ok());
  fs::last_write_time(base_ + "/source/model.safetensors",
                      fs::last_write_time(base_ + "/source/model.safetensors") + std::chrono::seconds(2));
  const std::string message = quantize(sharded()).status().message();
  EXPECT_THAT(message, HasSubstr("model.safetensors is not what it was"));
  EXPECT_THAT(message, HasSubstr("remove " + base_ + "/target.partial"));
}

TEST_F(ResumeTest, ASourceThatChangesMeanwhileIsRefused) {
  QuantizeOptions o = sharded();
  o.after_step = [this](QuantizeStep now) {
    if (now == QuantizeStep::kShardRecorded) fs::resize_file(base_ + "/source/model.safetensors", 300'000);
    return Status();
  };
  EXPECT_THAT(quantize(o).status().message(), HasSubstr("/source/model.safetensors: "));
  EXPECT_FALSE(exists("target"));
}

/// A limit on the size of files stands for a disk that fills up.
TEST_F(ResumeTest, AFullDiskKeepsWhatIsFinished) {
  ASSERT_FALSE(quantize(cut(QuantizeStep::kShardRecorded)).ok());
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {10'000, 10'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const Status status = quantize(sharded()).status();
    ::_exit(status.code() == Code::kResourceExhausted && status.message().find("model-00002") != std::string::npos ? 7
                                                                                                                   : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  EXPECT_FALSE(exists("target"));
  const auto report = quantize(sharded());
  ASSERT_TRUE(report.ok()) << report.status().message();
  EXPECT_EQ(report->n_resumed, 1);
}

TEST_F(ResumeTest, TwoRunsDoNotShareATarget) {
  QuantizeOptions o = sharded();
  Status inner;
  o.after_step = [&](QuantizeStep now) {
    if (now == QuantizeStep::kStarted) inner = quantize(sharded()).status();
    return Status();
  };
  EXPECT_TRUE(quantize(o).ok());
  EXPECT_THAT(inner.message(), HasSubstr("another run"));
}

}  // namespace
}  // namespace drawbridge
