// Checkpoints of one and of several files, read back.
#include "checkpoint/sharded_writer.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "checkpoint/checkpoint.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

/// A matrix and its scale, a vector, another matrix.
std::vector<TensorGroup> some_groups() {
  return {{{"a.weight", DType::kU8, {2, 16}}, {"a.weight_scale", DType::kF32, {2}}},
          {{"b", DType::kF32, {1}}},
          {{"c.weight", DType::kBF16, {2, 3}}}};
}

std::string write_and_open(int64_t shard_bytes, const std::string& name) {
  const std::string dir = fmt::format("{}/{}_{}", testing::TempDir(), name, ::getpid());
  fs::remove_all(dir);
  fs::create_directories(dir);
  const auto shards = cut_shards(some_groups(), shard_bytes);
  ShardedWriter writer(dir, shards);
  for (const auto& shard : shards) {
    for (const TensorSpec& spec : shard) {
      // In two pieces, of the letter that the name starts with.
      const std::string data(static_cast<size_t>(spec.bytes()), spec.name[0]);
      const auto bytes = std::as_bytes(std::span(data));
      EXPECT_TRUE(writer.append(bytes.first(1)).ok());
      EXPECT_TRUE(writer.append(bytes.subspan(1)).ok());
    }
  }
  EXPECT_TRUE(writer.finish().ok());
  return dir;
}

void expect_all(const Checkpoint& checkpoint) {
  EXPECT_EQ(checkpoint.tensors().size(), 4u);
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size()),
              std::string(tensor.data.size(), name[0]));
  }
}

TEST(ShardedWriter, OneFileNeedsNoIndex) {
  const std::string dir = write_and_open(1000, "OneFileNeedsNoIndex");
  EXPECT_FALSE(fs::exists(dir + "/model.safetensors.index.json"));
  const auto checkpoint = Checkpoint::open(dir);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  expect_all(*checkpoint);
}

TEST(ShardedWriter, GroupsShareAFile) {
  const auto checkpoint = Checkpoint::open(write_and_open(20, "GroupsShareAFile"));
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  expect_all(*checkpoint);
  // The first group is larger than a shard may be, and stays together; the other two fill one.
  EXPECT_EQ(checkpoint->n_files(), 2);
  EXPECT_EQ(checkpoint->find("a.weight")->file, checkpoint->find("a.weight_scale")->file);
  EXPECT_EQ(checkpoint->find("b")->file, checkpoint->find("c.weight")->file);
}

TEST(CutShards, WideElementsComeFirst) {
  const auto shards = cut_shards(some_groups(), 1000);
  ASSERT_EQ(shards.size(), 1u);
  std::vector<std::string> names;
  for (const TensorSpec& spec : shards[0]) names.push_back(spec.name);
  EXPECT_EQ(names, (std::vector<std::string>{"a.weight_scale", "b", "c.weight", "a.weight"}));
}

}  // namespace
}  // namespace drawbridge
