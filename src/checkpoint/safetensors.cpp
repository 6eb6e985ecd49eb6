#include "checkpoint/safetensors.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>

#include "base/checked_math.h"
#include "base/json.h"

namespace drawbridge {
namespace {

Result<uint64_t> read_unsigned(const SortedJson& value, const std::string& what) {
  if (!value.is_number_unsigned()) {
    return fail(Code::kCorrupt, "{}: wanted a whole number >= 0, found {}", what, dump_json(value));
  }
  return value.get<uint64_t>();
}

/// Bytes that dtype and shape ask for, and the shape itself.
Result<uint64_t> read_shape(const SortedJson& entry, const std::string& what, TensorInfo& info) {
  if (!entry.contains("shape") || !entry["shape"].is_array() || entry["shape"].size() > kMaxTensorRank) {
    return fail(Code::kCorrupt, "{}: wanted a shape of at most {} dimensions", what, kMaxTensorRank);
  }
  uint64_t elements = 1;
  for (const SortedJson& extent : entry["shape"]) {
    DB_ASSIGN(const uint64_t size, read_unsigned(extent, what + ": shape"));
    const auto product = checked_mul(elements, size);
    if (!product || size > INT64_MAX || *product > INT64_MAX / 8) {
      return fail(Code::kOutOfRange, "{}: shape {} overflows", what, dump_json(entry["shape"]));
    }
    elements = *product;
    info.shape.push_back(static_cast<int64_t>(size));
  }
  return elements * static_cast<uint64_t>(dtype_bytes(info.dtype));
}

/// One entry; `data_begin` is where the data section starts and `data_size` how long it is.
Result<TensorInfo> read_entry(const std::string& name, const SortedJson& entry, const std::string& source,
                              uint64_t data_begin, uint64_t data_size) {
  const std::string what = fmt::format("{}: tensor {}", source, name);
  if (!entry.is_object() || !entry.contains("dtype") || !entry["dtype"].is_string()) {
    return fail(Code::kCorrupt, "{}: wanted an object with dtype, shape and data_offsets", what);
  }
  TensorInfo info;
  info.name = name;
  const auto dtype_text = entry["dtype"].get<std::string>();
  const auto dtype = dtype_from_name(dtype_text);
  if (!dtype) return fail(Code::kUnsupported, "{}: dtype {} is unknown", what, dtype_text);
  info.dtype = *dtype;
  DB_ASSIGN(const uint64_t wanted, read_shape(entry, what, info));
  if (!entry.contains("data_offsets") || !entry["data_offsets"].is_array() || entry["data_offsets"].size() != 2) {
    return fail(Code::kCorrupt, "{}: wanted data_offsets [begin, end]", what);
  }
  DB_ASSIGN(const uint64_t begin, read_unsigned(entry["data_offsets"][0], what + ": data_offsets"));
  DB_ASSIGN(const uint64_t end, read_unsigned(entry["data_offsets"][1], what + ": data_offsets"));
  if (begin > end || end > data_size) {
    return fail(Code::kOutOfRange, "{}: data_offsets [{}, {}] leave the {} bytes of data: is the file truncated?", what,
                begin, end, data_size);
  }
  if (end - begin != wanted) {
    return fail(Code::kCorrupt, "{}: {} {} needs {} bytes, data_offsets hold {}", what, dtype_text,
                dump_json(entry["shape"]), wanted, end - begin);
  }
  info.begin = data_begin + begin;
  info.end = data_begin + end;
  return info;
}

Status check_overlap(std::vector<TensorInfo>& tensors, const std::string& source) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].begin < tensors[i - 1].end) {
      return fail(Code::kCorrupt, "{}: tensors {} and {} overlap at byte {}", source, tensors[i - 1].name,
                  tensors[i].name, tensors[i].begin);
    }
  }
  return Status();
}

}  // namespace

Result<std::vector<TensorInfo>> parse_safetensors_header(std::span<const std::byte> file, const std::string& source,
                                                         Contents contents) {
  if (file.size() < 8) {
    return fail(Code::kCorrupt, "{}: wanted at least 8 bytes of header length, found {} bytes", source, file.size());
  }
  uint64_t header_size = 0;
  static_assert(std::endian::native == std::endian::little, "safetensors is little-endian, and so are we");
  std::memcpy(&header_size, file.data(), 8);
  if (header_size > kMaxSafetensorsHeaderBytes || header_size > file.size() - 8) {
    return fail(Code::kOutOfRange, "{}: header claims {} bytes; the file has {} and the limit is {}", source,
                header_size, file.size() - 8, kMaxSafetensorsHeaderBytes);
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, header_size);
  JsonLimits limits;
  limits.max_bytes = kMaxSafetensorsHeaderBytes;
  limits.max_depth = 4;
  limits.max_keys_per_object = limits.max_keys = 4u << 20;  // one for each tensor, and four inside it
  DB_ASSIGN(const SortedJson header, parse_sorted_json(text, source + ": header", limits));
  if (!header.is_object()) return fail(Code::kCorrupt, "{}: header is not a JSON object", source);

  const uint64_t data_begin = 8 + header_size;
  const uint64_t data_size = contents == Contents::kData ? file.size() - data_begin : INT64_MAX - data_begin;
  std::vector<TensorInfo> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    DB_ASSIGN(TensorInfo info, read_entry(name, entry, source, data_begin, data_size));
    tensors.push_back(std::move(info));
  }
  DB_TRY(check_overlap(tensors, source));
  return tensors;
}

}  // namespace drawbridge
