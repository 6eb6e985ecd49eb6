#include "gguf/gguf_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <set>

#include "base/checked_math.h"
#include "gguf/gguf_value_type.h"

namespace drawbridge {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF is little-endian, and so are we");

/// Reads from the front; every read says what it was for when the file ends too early.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::string& source) : bytes_(bytes), source_(source) {}

  uint64_t at() const { return at_; }
  uint64_t left() const { return bytes_.size() - at_; }

  template <typename T>
  Result<T> number(std::string_view what) {
    if (left() < sizeof(T)) return too_short(what, sizeof(T));
    T value;
    std::memcpy(&value, bytes_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return value;
  }

  Result<std::string> text(std::string_view what, uint64_t max_bytes) {
    DB_ASSIGN(const auto size, number<uint64_t>(what));
    if (size > max_bytes) {
      return fail(Code::kOutOfRange, "{}: {}: wanted a string of at most {} bytes, found {}", source_, what, max_bytes,
                  size);
    }
    if (left() < size) return too_short(what, size);
    std::string value(reinterpret_cast<const char*>(bytes_.data()) + at_, size);
    at_ += size;
    return value;
  }

 private:
  Status too_short(std::string_view what, uint64_t wanted) const {
    return fail(Code::kCorrupt, "{}: {}: wanted {} bytes at byte {}, the file has {}: is it truncated?", source_, what,
                wanted, at_, left());
  }

  std::span<const std::byte> bytes_;
  const std::string& source_;
  uint64_t at_ = 0;
};

class Parser {
 public:
  Parser(std::span<const std::byte> file, const std::string& source)
      : file_(file), source_(source), in_(file, source) {}

  Result<GgufHeader> run() {
    DB_TRY(read_counts());
    header_.keys = GgufKeys(source_);
    for (uint64_t i = 0; i < n_keys_; ++i) DB_TRY(read_key());
    DB_TRY(read_alignment());
    for (uint64_t i = 0; i < n_tensors_; ++i) DB_TRY(read_tensor());
    DB_TRY(place_data());
    return std::move(header_);
  }

 private:
  /// A tensor whose data is not placed yet.
  struct Extent {
    uint64_t offset = 0;  // from the start of the data
    uint64_t bytes = 0;
  };

  Status read_counts() {
    DB_ASSIGN(const auto magic, in_.number<uint32_t>("magic"));
    constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
    if (magic != kMagic) return fail(Code::kCorrupt, "{}: wanted the letters GGUF at the start of the file", source_);
    DB_ASSIGN(const auto version, in_.number<uint32_t>("version"));
    if (version != 2 && version != 3) {
      const bool swapped = (version & 0xffff) == 0;
      return fail(Code::kUnsupported, "{}: version: wanted 2 or 3, found {}{}", source_, version,
                  swapped ? ": is the file big-endian?" : "");
    }
    DB_ASSIGN(n_tensors_, in_.number<uint64_t>("tensor count"));
    DB_ASSIGN(n_keys_, in_.number<uint64_t>("key count"));
    if (n_tensors_ > kMaxGgufTensors || n_keys_ > kMaxGgufKeys) {
      return fail(Code::kOutOfRange, "{}: wanted at most {} tensors and {} keys, found {} and {}", source_,
                  kMaxGgufTensors, kMaxGgufKeys, n_tensors_, n_keys_);
    }
    return Status();
  }

  Status read_key() {
    DB_ASSIGN(std::string key, in_.text("name of a key", kMaxGgufKeyBytes));
    const std::string what = "key " + key;
    DB_ASSIGN(const auto type, in_.number<uint32_t>(what));
    DB_ASSIGN(GgufValue value,
              static_cast<GgufValueType>(type) == GgufValueType::kArray ? read_array(what) : read_scalar(type, what));
    if (header_.keys.add(key, std::move(value))) return Status();
    return fail(Code::kCorrupt, "{}: {} stands in the file twice", source_, what);
  }

  Result<GgufValue> read_scalar(uint32_t type, const std::string& what) {
    switch (static_cast<GgufValueType>(type)) {
      case GgufValueType::kU8:
        return read_integer<uint8_t>(what);
      case GgufValueType::kI8:
        return read_integer<int8_t>(what);
      case GgufValueType::kU16:
        return read_integer<uint16_t>(what);
      case GgufValueType::kI16:
        return read_integer<int16_t>(what);
      case GgufValueType::kU32:
        return read_integer<uint32_t>(what);
      case GgufValueType::kI32:
        return read_integer<int32_t>(what);
      case GgufValueType::kU64:
        return read_integer<uint64_t>(what);
      case GgufValueType::kI64:
        return read_integer<int64_t>(what);
      case GgufValueType::kF32:
        return read_float<float>(what);
      case GgufValueType::kF64:
        return read_float<double>(what);
      case GgufValueType::kBool:
        return read_bool(what);
      case GgufValueType::kString: {
        DB_ASSIGN(std::string text, in_.text(what, UINT64_MAX));
        return GgufValue(std::move(text));
      }
      case GgufValueType::kArray:
        return fail(Code::kUnsupported, "{}: {}: wanted an array of plain values, found an array of arrays", source_,
                    what);
    }
    return fail(Code::kCorrupt, "{}: {}: value type {} is unknown", source_, what, type);
  }

  template <typename T>
  Result<GgufValue> read_integer(const std::string& what) {
    DB_ASSIGN(const T value, in_.number<T>(what));
    if (std::is_same_v<T, uint64_t> && static_cast<uint64_t>(value) > INT64_MAX) {
      return fail(Code::kOutOfRange, "{}: {}: wanted at most {}, found {}", source_, what, INT64_MAX, value);
    }
    return GgufValue(static_cast<int64_t>(value));
  }

  template <typename T>
  Result<GgufValue> read_float(const std::string& what) {
    DB_ASSIGN(const T value, in_.number<T>(what));
    return GgufValue(static_cast<double>(value));
  }

  Result<GgufValue> read_bool(const std::string& what) {
    DB_ASSIGN(const auto value, in_.number<uint8_t>(what));
    if (value > 1) return fail(Code::kCorrupt, "{}: {}: wanted 0 or 1 as a bool, found {}", source_, what, value);
    return GgufValue(value == 1);
  }

  Result<GgufValue> read_array(const std::string& what) {
    DB_ASSIGN(const auto type, in_.number<uint32_t>(what));
    DB_ASSIGN(const auto count, in_.number<uint64_t>(what));
    n_elements_ += std::min(count, kMaxGgufArrayElements + 1);
    if (n_elements_ > kMaxGgufArrayElements) {
      return fail(Code::kOutOfRange, "{}: {}: wanted at most {} elements in all arrays, found {} in this one", source_,
                  what, kMaxGgufArrayElements, count);
    }
    switch (static_cast<GgufValueType>(type)) {
      case GgufValueType::kF32:
      case GgufValueType::kF64:
        return read_elements<double>(type, count, what);
      case GgufValueType::kBool:
        return read_elements<bool>(type, count, what);
      case GgufValueType::kString:
        return read_elements<std::string>(type, count, what);
      default:
        return read_elements<int64_t>(type, count, what);
    }
  }

  /// Elements one by one, so that memory follows what the file holds and not what it claims.
  template <typename T>
  Result<GgufValue> read_elements(uint32_t type, uint64_t count, const std::string& what) {
    std::vector<T> elements;
    for (uint64_t i = 0; i < count; ++i) {
      DB_ASSIGN(GgufValue element, read_scalar(type, what));
      elements.push_back(std::move(std::get<T>(element)));
    }
    return GgufValue(std::move(elements));
  }

  Status read_alignment() {
    constexpr std::string_view kKey = "general.alignment";
    if (!header_.keys.has(kKey)) return Status();
    DB_ASSIGN(const int64_t alignment, header_.keys.integer(kKey, 8, 1 << 20));
    if (!std::has_single_bit(static_cast<uint64_t>(alignment))) {
      return fail(Code::kCorrupt, "{}: key {}: wanted a power of two, found {}", source_, kKey, alignment);
    }
    alignment_ = static_cast<uint64_t>(alignment);
    return Status();
  }

  Status read_tensor() {
    GgufTensor tensor;
    DB_ASSIGN(tensor.name, in_.text("name of a tensor", kMaxGgufNameBytes));
    const std::string what = "tensor " + tensor.name;
    if (!names_.insert(tensor.name).second) {
      return fail(Code::kCorrupt, "{}: {} stands in the file twice", source_, what);
    }
    DB_ASSIGN(const uint64_t elements, read_shape(what, tensor));
    DB_ASSIGN(const auto type, in_.number<uint32_t>(what));
    const auto known = ggml_type_from_number(type);
    if (!known) {
      return fail(Code::kUnsupported, "{}: {}: wanted type F32, F16, BF16, Q8_0 or MXFP4, found {}", source_, what,
                  describe_ggml_type(type));
    }
    tensor.type = *known;
    const int64_t block = ggml_block_elements(tensor.type);
    if (tensor.shape.back() % block != 0) {
      return fail(Code::kCorrupt, "{}: {}: wanted rows of a multiple of {} elements for {}, found {}", source_, what,
                  block, ggml_type_name(tensor.type), tensor.shape.back());
    }
    DB_ASSIGN(const auto offset, in_.number<uint64_t>(what));
    if (offset % alignment_ != 0) {
      return fail(Code::kCorrupt, "{}: {}: wanted an offset that is a multiple of {}, found {}", source_, what,
                  alignment_, offset);
    }
    extents_.push_back(
        {offset, elements / static_cast<uint64_t>(block) * static_cast<uint64_t>(ggml_block_bytes(tensor.type))});
    header_.tensors.push_back(std::move(tensor));
    return Status();
  }

  /// The extents, innermost first in the file; how many elements they make.
  Result<uint64_t> read_shape(const std::string& what, GgufTensor& tensor) {
    constexpr uint32_t kMaxRank = 4;
    DB_ASSIGN(const auto rank, in_.number<uint32_t>(what));
    if (rank < 1 || rank > kMaxRank) {
      return fail(Code::kCorrupt, "{}: {}: wanted 1 to {} dimensions, found {}", source_, what, kMaxRank, rank);
    }
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; ++i) {
      DB_ASSIGN(const auto extent, in_.number<uint64_t>(what));
      const auto product = checked_mul(elements, extent);
      if (extent < 1 || !product || *product > INT64_MAX / 8) {
        return fail(Code::kOutOfRange, "{}: {}: dimension {} is {}: wanted at least 1 and no overflow", source_, what,
                    i, extent);
      }
      elements = *product;
      tensor.shape.push_back(static_cast<int64_t>(extent));
    }
    std::reverse(tensor.shape.begin(), tensor.shape.end());
    return elements;
  }

  /// Data begins at the next multiple of the alignment after the header.
  Status place_data() {
    const uint64_t begin = (in_.at() + alignment_ - 1) / alignment_ * alignment_;
    const uint64_t size = begin > file_.size() ? 0 : file_.size() - begin;
    std::vector<size_t> order(extents_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return extents_[a].offset < extents_[b].offset; });
    uint64_t last_end = 0;
    for (size_t i = 0; i < order.size(); ++i) {
      GgufTensor& tensor = header_.tensors[order[i]];
      const auto [offset, bytes] = extents_[order[i]];
      const auto end = checked_add(offset, bytes);
      if (!end || *end > size) {
        return fail(Code::kOutOfRange,
                    "{}: tensor {}: bytes {} to {} leave the {} bytes of data: is the file truncated?", source_,
                    tensor.name, offset, offset + bytes, size);
      }
      if (offset < last_end) {
        return fail(Code::kCorrupt, "{}: tensors {} and {} overlap", source_, header_.tensors[order[i - 1]].name,
                    tensor.name);
      }
      tensor.data = file_.subspan(begin + offset, bytes);
      last_end = *end;
    }
    return Status();
  }

  std::span<const std::byte> file_;
  const std::string& source_;
  Cursor in_;
  uint64_t n_tensors_ = 0;
  uint64_t n_keys_ = 0;
  uint64_t n_elements_ = 0;  // of arrays
  uint64_t alignment_ = kGgufAlignment;
  std::set<std::string> names_;
  std::vector<Extent> extents_;  // of header_.tensors
  GgufHeader header_;
};

}  // namespace

std::string describe_gguf_tensor(const GgufTensor& tensor) {
  std::string text = fmt::format("{} [", ggml_type_name(tensor.type));
  for (size_t i = 0; i < tensor.shape.size(); ++i) text += fmt::format("{}{}", i == 0 ? "" : ", ", tensor.shape[i]);
  return text + "]";
}

Result<GgufHeader> parse_gguf(std::span<const std::byte> file, const std::string& source) {
  return Parser(file, source).run();
}

Result<GgufFile> GgufFile::open(const std::string& path) {
  DB_ASSIGN(MappedFile mapped, MappedFile::open(path));
  GgufFile file(std::move(mapped));
  DB_ASSIGN(GgufHeader header, parse_gguf(file.file_.bytes(), path));
  file.keys_ = std::move(header.keys);
  for (GgufTensor& tensor : header.tensors) {
    std::string name = tensor.name;
    file.tensors_.emplace(std::move(name), std::move(tensor));
  }
  return file;
}

const GgufTensor* GgufFile::find(std::string_view name) const {
  const auto place = tensors_.find(name);
  return place == tensors_.end() ? nullptr : &place->second;
}

}  // namespace drawbridge
