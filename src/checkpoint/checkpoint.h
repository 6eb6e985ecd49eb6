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
#include "tensor/dtype.h"

namespace drawbridge {

/// One tensor, borrowed from its Checkpoint.
struct Tensor {
  std::string file;  // path of the file that holds it
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// "BF16 [2048, 6144]", for messages.
std::string describe_tensor(const Tensor& tensor);

/// Movable; the tensors stay valid as long as it lives.
class Checkpoint {
 public:
  /// Opens `directory`/model.safetensors, or the shards of model.safetensors.index.json.
  /// Errors name the file and tensor: missing shard, a path in the index that leaves the directory, a tensor that the
  /// index promises and the shard lacks, the same name in two shards, any fault of a header.
  static Result<Checkpoint> open(const std::string& directory);

  const Tensor* find(std::string_view name) const;
  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const std::string& directory() const { return directory_; }

 private:
  Status add_file(const std::string& path);

  std::string directory_;
  std::vector<MappedFile> files_;
  std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace drawbridge
