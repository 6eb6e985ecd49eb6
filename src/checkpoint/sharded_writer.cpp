#include "checkpoint/sharded_writer.h"

#include <algorithm>
#include <fstream>

#include "base/json.h"

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

std::string ShardedWriter::file_name(size_t shard) const {
  if (shards_.size() == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards_.size());
}

Status ShardedWriter::append(std::span<const std::byte> data) {
  if (!writer_) {
    DB_CHECK(shard_ < shards_.size());
    DB_ASSIGN(SafetensorsWriter writer,
              SafetensorsWriter::create(directory_ + "/" + file_name(shard_), shards_[shard_]));
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

/// As text: a tree of a hundred thousand names would be slow to build.
Status ShardedWriter::write_index() const {
  int64_t total = 0;
  std::string weight_map;
  for (size_t s = 0; s < shards_.size(); ++s) {
    total += total_bytes(shards_[s]);
    for (const TensorSpec& spec : shards_[s]) {
      weight_map +=
          fmt::format("{}\n    {}: \"{}\"", weight_map.empty() ? "" : ",", dump_json(Json(spec.name)), file_name(s));
    }
  }
  const std::string path = directory_ + "/model.safetensors.index.json";
  std::ofstream out(path, std::ios::binary);
  out << fmt::format("{{\n  \"metadata\": {{\"total_size\": {}}},\n  \"weight_map\": {{{}\n  }}\n}}\n", total,
                     weight_map);
  out.close();
  if (out) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path);
}

}  // namespace drawbridge
