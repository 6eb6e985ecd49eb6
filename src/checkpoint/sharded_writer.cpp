#include "checkpoint/sharded_writer.h"

#include <algorithm>
#include <fstream>

#include "checkpoint/shard_index.h"

namespace drawbridge {
namespace {

int64_t total_bytes(const std::vector<TensorSpec>& tensors) {
  int64_t bytes = 0;
  for (const TensorSpec& spec : tensors) bytes += spec.bytes();
  return bytes;
}

}  // namespace

std::vector<std::vector<TensorSpec>> cut_shards(const std::vector<TensorGroup>& groups, int64_t shard_bytes) {
  std::vector<std::vector<TensorSpec>> shards;
  int64_t used = 0;
  for (const TensorGroup& group : groups) {
    const int64_t bytes = total_bytes(group);
    if (shards.empty() || used + bytes > shard_bytes) {
      shards.emplace_back();
      used = 0;
    }
    shards.back().insert(shards.back().end(), group.begin(), group.end());
    used += bytes;
  }
  for (auto& shard : shards) {
    std::stable_sort(shard.begin(), shard.end(), [](const TensorSpec& a, const TensorSpec& b) {
      return dtype_bytes(a.dtype) > dtype_bytes(b.dtype);
    });
  }
  return shards;
}

Status ShardedWriter::append(std::span<const std::byte> data) {
  if (!writer_) {
    DB_CHECK(shard_ < shards_.size());
    DB_ASSIGN(SafetensorsWriter writer,
              SafetensorsWriter::create(directory_ + "/" + shard_name(shard_, shards_.size()), shards_[shard_]));
    writer_.emplace(std::move(writer));
    n_missing_bytes_ = total_bytes(shards_[shard_]);
  }
  DB_TRY(writer_->append(data));
  n_missing_bytes_ -= static_cast<int64_t>(data.size());
  if (n_missing_bytes_ > 0) return Status();
  DB_TRY(writer_->finish());
  writer_.reset();
  ++shard_;
  return Status();
}

Status ShardedWriter::finish() {
  DB_CHECK(shard_ == shards_.size());
  return shards_.size() == 1 ? Status() : write_index();
}

Status ShardedWriter::write_index() const {
  int64_t total = 0;
  ShardIndex index;
  for (size_t s = 0; s < shards_.size(); ++s) {
    total += total_bytes(shards_[s]);
    for (const TensorSpec& spec : shards_[s]) index.add(spec.name, shard_name(s, shards_.size()));
  }
  const std::string path = fmt::format("{}/{}", directory_, kShardIndexName);
  std::ofstream out(path, std::ios::binary);
  out << index.text(total);
  out.close();
  if (out) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path);
}

}  // namespace drawbridge
