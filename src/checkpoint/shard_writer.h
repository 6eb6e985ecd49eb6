// Writes one safetensors file in any order and from any thread, for tensors that are computed side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/safetensors_writer.h"

namespace drawbridge {

/// Movable. What was not finished stays behind as it is.
class ShardWriter {
 public:
  /// Creates or truncates `path`, writes the header and reserves the room for all data.
  static Result<ShardWriter> create(const std::string& path, const std::vector<TensorSpec>& tensors);

  ShardWriter(ShardWriter&& other) noexcept;
  ShardWriter& operator=(ShardWriter&&) = delete;
  ~ShardWriter();

  /// Writes bytes [from, from + data.size()) of tensor `index`. Threads: any, on different bytes.
  Status write(size_t index, int64_t from, std::span<const std::byte> data) const;
  /// Waits until all of it is on disk. The last call.
  Status finish();

 private:
  ShardWriter(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_ = -1;
  std::vector<int64_t> begin_;  // of each tensor, from the start of the file
  std::vector<int64_t> bytes_;
};

}  // namespace drawbridge
