// Writes the weights of a HuggingFace directory as one model.safetensors, or as shards with their index.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/safetensors_writer.h"

namespace drawbridge {

/// Tensors that must share a file: a matrix and its scale.
using TensorGroup = std::vector<TensorSpec>;

/// Cuts groups into files of at most `shard_bytes` of data (one group may be larger). Within a file the widest elements
/// come first, so that each lies on a multiple of its size.
std::vector<std::vector<TensorSpec>> cut_shards(const std::vector<TensorGroup>& groups, int64_t shard_bytes);

class ShardedWriter {
 public:
  ShardedWriter(std::string directory, std::vector<std::vector<TensorSpec>> shards)
      : directory_(std::move(directory)), shards_(std::move(shards)) {}

  /// Appends data of the tensors in the order of the shards; opens and closes files on the way. A piece belongs to one
  /// tensor.
  Status append(std::span<const std::byte> data);
  /// Checks that every promised byte was written, and writes the index.
  Status finish();

 private:
  Status write_index() const;

  std::string directory_;
  std::vector<std::vector<TensorSpec>> shards_;
  size_t shard_ = 0;  // being written
  int64_t n_missing_bytes_ = 0;
  std::optional<SafetensorsWriter> writer_;
};

}  // namespace drawbridge
