#include "checkpoint/checkpoint.h"

#include <filesystem>
#include <set>

#include "base/json.h"
#include "base/sha256.h"

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

int64_t Tensor::bytes() const {
  int64_t product = dtype_bytes(dtype);
  for (const int64_t extent : shape) product *= extent;
  return product;
}

Status Checkpoint::add_file(const std::string& path, Contents contents) {
  DB_ASSIGN(MappedFile file, MappedFile::open(path));
  DB_ASSIGN(const auto infos, parse_safetensors_header(file.bytes(), path, contents));
  for (const TensorInfo& info : infos) {
    Tensor tensor{path, info.dtype, info.shape, {}, info.begin};
    if (contents == Contents::kData) tensor.data = file.bytes().subspan(info.begin, info.end - info.begin);
    const auto [place, fresh] = tensors_.emplace(info.name, std::move(tensor));
    if (!fresh) {
      return fail(Code::kCorrupt, "{}: tensor {} stands in {} too", path, info.name, place->second.file);
    }
  }
  if (!infos.empty() && infos.back().end > file.bytes().size()) {
    incomplete_.push_back(
        fmt::format("{}: has {} bytes, its header describes {}", path, file.bytes().size(), infos.back().end));
  }
  files_.push_back(std::move(file));
  return Status();
}

/// `promised` is the index: tensor -> shard. Each shard is read once, then every promise is checked.
Status Checkpoint::add_shards(const std::map<std::string, std::string>& promised, Contents contents) {
  std::set<std::string> shards, absent;
  for (const auto& [tensor, shard] : promised) shards.insert(shard);
  for (const std::string& shard : shards) {
    const std::string path = directory_ + "/" + shard;
    const Status added = add_file(path, contents);
    if (added.ok()) continue;
    if (contents == Contents::kData || added.code() != Code::kNotFound) return added;
    incomplete_.push_back(path + ": missing");
    absent.insert(shard);
  }
  for (const auto& [name, shard] : promised) {
    if (absent.count(shard) != 0) continue;
    const Tensor* tensor = find(name);
    const std::string path = directory_ + "/" + shard;
    if (tensor == nullptr || tensor->file != path) {
      return fail(Code::kCorrupt, "{}: the index promises tensor {} in it, found {}", path, name,
                  tensor == nullptr ? std::string("none") : "it in " + tensor->file);
    }
  }
  return Status();
}

Result<Checkpoint> Checkpoint::open(const std::string& directory, Contents contents) {
  namespace fs = std::filesystem;
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  const std::string index_path = directory + "/model.safetensors.index.json";
  const std::string single_path = directory + "/model.safetensors";
  std::error_code ignored;
  if (fs::exists(index_path, ignored)) {
    DB_ASSIGN(const auto promised, read_index(index_path));
    DB_TRY(checkpoint.add_shards(promised, contents));
  } else if (fs::exists(single_path, ignored)) {
    DB_TRY(checkpoint.add_file(single_path, contents));
  } else {
    return fail(Code::kNotFound, "{}: holds neither model.safetensors nor model.safetensors.index.json", directory);
  }
  return checkpoint;
}

const Tensor* Checkpoint::find(std::string_view name) const {
  const auto place = tensors_.find(name);
  return place == tensors_.end() ? nullptr : &place->second;
}

Result<std::string> Checkpoint::fingerprint() const {
  Sha256 hash;
  for (const MappedFile& file : files_) {
    std::error_code error;
    const auto changed = std::filesystem::last_write_time(file.path(), error);
    if (error) return fail(Code::kUnavailable, "{}: its time cannot be read: {}", file.path(), error.message());
    hash.add(fmt::format("{} {} {}\n", std::filesystem::path(file.path()).filename().string(), file.bytes().size(),
                         changed.time_since_epoch().count()));
  }
  for (const auto& [name, tensor] : tensors_) {
    hash.add(fmt::format("{} {} {}\n", name, describe_tensor(tensor), tensor.begin));
  }
  return hash.digest();
}

void Checkpoint::release(const void* data, int64_t n_bytes) const {
  const std::span<const std::byte> part(static_cast<const std::byte*>(data), static_cast<size_t>(n_bytes));
  for (const MappedFile& file : files_) {
    const auto all = file.bytes();
    if (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size()) file.release(part);
  }
}

}  // namespace drawbridge
