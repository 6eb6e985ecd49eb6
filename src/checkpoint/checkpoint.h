// Checkpoint: every tensor of a HuggingFace directory, by name, memory-mapped. One file or shards with an index.
// No maths and no model: what a tensor means is decided above.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "checkpoint/safetensors.h"
#include "tensor/dtype.h"

namespace drawbridge {

/// One tensor, borrowed from its Checkpoint.
struct Tensor {
  std::string file;  // path of the file that holds it
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // empty where only headers were asked for
  uint64_t begin = 0;               // bytes from the start of the file

  int64_t bytes() const;  // of the data, whether or not it is there
};

/// "BF16 [2048, 6144]", for messages.
std::string describe_tensor(const Tensor& tensor);

/// Movable; the tensors stay valid as long as it lives.
class Checkpoint {
 public:
  /// Opens `directory`/model.safetensors, or the shards of model.safetensors.index.json.
  /// Errors name the file and tensor: missing shard, a path in the index that leaves the directory, a tensor that the
  /// index promises and the shard lacks, the same name in two shards, any fault of a header.
  /// With Contents::kHeader nothing but names, types and shapes is read: shards and data may be missing, which
  /// incomplete() then says.
  static Result<Checkpoint> open(const std::string& directory, Contents contents = Contents::kData);

  const Tensor* find(std::string_view name) const;
  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const std::string& directory() const { return directory_; }
  int64_t n_files() const { return static_cast<int64_t>(files_.size()); }
  /// Hexadecimal; another one as soon as a file is another: by name, size, time of change, and its header's bytes.
  Result<std::string> fingerprint() const;
  /// Tells the system that these bytes of a tensor are not needed soon. They stay readable.
  void release(const void* data, int64_t n_bytes) const;
  /// Files that are missing or shorter than their header says, one line each.
  const std::vector<std::string>& incomplete() const { return incomplete_; }

 private:
  Status add_file(const std::string& path, Contents contents);
  Status add_shards(const std::map<std::string, std::string>& promised, Contents contents);

  std::string directory_;
  std::vector<MappedFile> files_;
  std::vector<std::string> incomplete_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace drawbridge
