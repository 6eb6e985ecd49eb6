#include "quantize/verify.h"

#include "base/mapped_file.h"
#include "base/sha256.h"
#include "checkpoint/safetensors.h"
#include "quantize/parallel.h"

namespace drawbridge {
namespace {

constexpr int64_t kPieceBytes = 4 << 20;

Result<std::string> digest_of(const FileReader& reader, const StoredBytes& stored,
                              const std::function<void(int64_t)>& progress) {
  Sha256 hash;
  std::vector<std::byte> buffer(static_cast<size_t>(std::min(kPieceBytes, stored.bytes)));
  for (int64_t from = 0; from < stored.bytes; from += kPieceBytes) {
    const std::span piece = std::span(buffer).first(static_cast<size_t>(std::min(kPieceBytes, stored.bytes - from)));
    DB_TRY(reader.read(stored, from, piece));
    hash.add(piece);
    progress(static_cast<int64_t>(piece.size()));
  }
  return hash.digest();
}

}  // namespace

Status verify_shard(const std::string& path, const std::vector<TensorSpec>& wanted,
                    const std::vector<TensorDigest>& tensors, int64_t n_threads,
                    const std::function<void(int64_t bytes)>& progress) {
  DB_ASSIGN(const MappedFile mapped, MappedFile::open(path));
  DB_ASSIGN(const std::vector<TensorInfo> infos, parse_safetensors_header(mapped.bytes(), path));
  DB_ASSIGN(const FileReader reader, FileReader::open({path}));
  std::map<std::string, const TensorInfo*> by_name;
  for (const TensorInfo& info : infos) by_name[info.name] = &info;
  if (by_name.size() != tensors.size()) {
    return fail(Code::kCorrupt, "{}: wanted {} tensors, found {}", path, tensors.size(), by_name.size());
  }
  for (const TensorSpec& spec : wanted) {
    const auto place = by_name.find(spec.name);
    if (place == by_name.end()) return fail(Code::kCorrupt, "{}: tensor {} is missing", path, spec.name);
    const Tensor found{path, place->second->dtype, place->second->shape, {}};
    if (found.dtype == spec.dtype && found.shape == spec.shape) continue;
    return fail(Code::kCorrupt, "{}: tensor {}: wanted {}, read back {}", path, spec.name,
                describe_tensor(Tensor{path, spec.dtype, spec.shape, {}}), describe_tensor(found));
  }
  return run_parallel(tensors.size(), n_threads, [&](size_t i) {
    const auto place = by_name.find(tensors[i].name);
    if (place == by_name.end()) return fail(Code::kCorrupt, "{}: tensor {} is missing", path, tensors[i].name);
    const TensorInfo& info = *place->second;
    const StoredBytes stored = {path, info.begin, static_cast<int64_t>(info.end - info.begin)};
    DB_ASSIGN(const std::string found, digest_of(reader, stored, progress));
    if (found == tensors[i].sha256) return Status();
    return fail(Code::kCorrupt, "{}: tensor {}: wanted SHA-256 {}, read back {}: is the disk failing?", path, info.name,
                tensors[i].sha256, found);
  });
}

}  // namespace drawbridge
