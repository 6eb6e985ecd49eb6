// The names by which a checkpoint in several files is found: the shards', and the index that leads to them.
#pragma once

#include <cstdint>
#include <string>

namespace drawbridge {

/// "model.safetensors", or "model-00002-of-00007.safetensors".
std::string shard_name(size_t index, size_t count);

inline constexpr const char* kShardIndexName = "model.safetensors.index.json";

/// The content of the index, put together as text: a tree of a hundred thousand names would be slow to build.
class ShardIndex {
 public:
  void add(const std::string& tensor, const std::string& shard);
  /// `total_bytes`: of the data of all shards.
  std::string text(int64_t total_bytes) const;

 private:
  std::string weight_map_;
};

}  // namespace drawbridge
