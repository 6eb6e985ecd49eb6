#include "checkpoint/checkpoint.h"

#include <filesystem>
#include <set>

#include "base/json.h"
#include "checkpoint/safetensors.h"

namespace drawbridge {
namespace {

/// The shards that an index names, each a plain file name, and the tensors it promises: name -> shard.
Result<std::map<std::string, std::string>> read_index(const std::string& path) {
  DB_ASSIGN(const std::string text, read_text_file(path, 256u << 20));
  JsonLimits limits;
  limits.max_bytes = 256u << 20;
  limits.max_depth = 8;
  limits.max_keys_per_object = limits.max_keys = 1u << 20;  // one for each tensor
  DB_ASSIGN(const SortedJson index, parse_sorted_json(text, path, limits));
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
    return fail(Code::kCorrupt, "{}: wanted an object weight_map", path);
  }
  std::map<std::string, std::string> promised;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    if (!shard.is_string()) return fail(Code::kCorrupt, "{}: weight_map.{}: wanted a file name", path, tensor);
    const auto name = shard.get<std::string>();
    if (name.empty() || name.find_first_of("/\\") != std::string::npos || name == "." || name == ".." ||
        name.find('\0') != std::string::npos) {
      return fail(Code::kInvalidArgument, "{}: weight_map.{}: wanted a file name in the same directory, found '{}'",
                  path, tensor, name);
    }
    promised[tensor] = name;
  }
  return promised;
}

}  // namespace

std::string describe_tensor(const Tensor& tensor) {
  std::string text = fmt::format("{} [", dtype_name(tensor.dtype));
  for (size_t i = 0; i < tensor.shape.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", tensor.shape[i]);
  return text + "]";
}

Status Checkpoint::add_file(const std::string& path) {
  DB_ASSIGN(MappedFile file, MappedFile::open(path));
  DB_ASSIGN(const auto infos, parse_safetensors_header(file.bytes(), path));
  for (const TensorInfo& info : infos) {
    Tensor tensor{path, info.dtype, info.shape, file.bytes().subspan(info.begin, info.end - info.begin)};
    const auto [place, fresh] = tensors_.emplace(info.name, std::move(tensor));
    if (!fresh) {
      return fail(Code::kCorrupt, "{}: tensor {} stands in {} too", path, info.name, place->second.file);
    }
  }
  files_.push_back(std::move(file));
  return Status();
}

Result<Checkpoint> Checkpoint::open(const std::string& directory) {
  namespace fs = std::filesystem;
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  const std::string index_path = directory + "/model.safetensors.index.json";
  const std::string single_path = directory + "/model.safetensors";
  std::error_code ignored;
  if (!fs::exists(index_path, ignored)) {
    if (!fs::exists(single_path, ignored)) {
      return fail(Code::kNotFound, "{}: holds neither model.safetensors nor model.safetensors.index.json", directory);
    }
    DB_TRY(checkpoint.add_file(single_path));
    return checkpoint;
  }
  DB_ASSIGN(const auto promised, read_index(index_path));
  std::set<std::string> shards;
  for (const auto& [tensor, shard] : promised) shards.insert(shard);
  for (const std::string& shard : shards) DB_TRY(checkpoint.add_file(directory + "/" + shard));
  for (const auto& [name, shard] : promised) {
    const Tensor* tensor = checkpoint.find(name);
    const std::string path = directory + "/" + shard;
    if (tensor == nullptr || tensor->file != path) {
      return fail(Code::kCorrupt, "{}: the index promises tensor {} in it, found {}", path, name,
                  tensor == nullptr ? std::string("none") : "it in " + tensor->file);
    }
  }
  return checkpoint;
}

const Tensor* Checkpoint::find(std::string_view name) const {
  const auto place = tensors_.find(name);
  return place == tensors_.end() ? nullptr : &place->second;
}

}  // namespace drawbridge
