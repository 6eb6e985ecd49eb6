#include "checkpoint/shard_index.h"

#include "base/json.h"

namespace drawbridge {

std::string shard_name(size_t index, size_t count) {
  if (count == 1) return "model.safetensors";
  return fmt::format("model-{:05}-of-{:05}.safetensors", index + 1, count);
}

void ShardIndex::add(const std::string& tensor, const std::string& shard) {
  weight_map_ += fmt::format("{}\n    {}: \"{}\"", weight_map_.empty() ? "" : ",", dump_json(Json(tensor)), shard);
}

std::string ShardIndex::text(int64_t total_bytes) const {
  return fmt::format("{{\n  \"metadata\": {{\"total_size\": {}}},\n  \"weight_map\": {{{}\n  }}\n}}\n", total_bytes,
                     weight_map_);
}

}  // namespace drawbridge
