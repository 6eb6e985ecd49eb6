#include "gguf/gguf_writer.h"

#include <array>
#include <unordered_set>

#include "gguf/gguf_reader.h"
#include "gguf/gguf_value_type.h"

namespace drawbridge {
namespace {

constexpr auto kAlignment = static_cast<int64_t>(kGgufAlignment);

int64_t padding_after(int64_t bytes) {
  return (kAlignment - bytes % kAlignment) % kAlignment;
}

/// The header's bytes, put together in memory.
class HeaderText {
 public:
  template <typename T>
  void number(T value) {
    text_.append(reinterpret_cast<const char*>(&value), sizeof(T));
  }
  void text(const std::string& value) {
    number(static_cast<uint64_t>(value.size()));
    text_ += value;
  }
  void type(GgufValueType value) { number(static_cast<uint32_t>(value)); }

  void value(bool flag) {
    type(GgufValueType::kBool);
    element(flag);
  }
  void value(int64_t integer) {
    type(GgufValueType::kU32);
    number(static_cast<uint32_t>(integer));
  }
  void value(double real) {
    type(GgufValueType::kF32);
    number(static_cast<float>(real));
  }
  void value(const std::string& string) {
    type(GgufValueType::kString);
    text(string);
  }
  void value(const std::vector<bool>& flags) { array(GgufValueType::kBool, flags); }
  void value(const std::vector<int64_t>& integers) { array(GgufValueType::kI32, integers); }
  void value(const std::vector<double>& reals) { array(GgufValueType::kF32, reals); }
  void value(const std::vector<std::string>& strings) { array(GgufValueType::kString, strings); }

  void pad() { text_.append(static_cast<size_t>(padding_after(static_cast<int64_t>(text_.size()))), '\0'); }
  const std::string& str() const { return text_; }

 private:
  template <typename T>
  void array(GgufValueType kind, const std::vector<T>& elements) {
    type(GgufValueType::kArray);
    type(kind);
    number(static_cast<uint64_t>(elements.size()));
    for (const auto& one : elements) element(one);
  }
  void element(bool flag) { number(static_cast<uint8_t>(flag ? 1 : 0)); }
  void element(int64_t integer) { number(static_cast<int32_t>(integer)); }
  void element(double real) { number(static_cast<float>(real)); }
  void element(const std::string& string) { text(string); }

  std::string text_;
};

Status check_integer(const std::string& path, const std::string& key, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return Status();
  return fail(Code::kOutOfRange, "{}: key {}: wanted {} to {}, found {}", path, key, low, high, value);
}

Status check_value(const std::string& path, const std::string& key, const GgufValue& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) return check_integer(path, key, *integer, 0, UINT32_MAX);
  if (const auto* integers = std::get_if<std::vector<int64_t>>(&value)) {
    for (const int64_t one : *integers) DB_TRY(check_integer(path, key, one, INT32_MIN, INT32_MAX));
  }
  return Status();
}

Status write_keys(const std::string& path, const GgufKeyList& keys, HeaderText& header) {
  std::unordered_set<std::string> seen;
  for (const auto& [key, value] : keys) {
    if (!seen.insert(key).second) return fail(Code::kInvalidArgument, "{}: key {} was declared twice", path, key);
    DB_TRY(check_value(path, key, value));
    header.text(key);
    std::visit([&header](const auto& one) { header.value(one); }, value);
  }
  return Status();
}

Status write_tensors(const std::string& path, const std::vector<GgufSpec>& tensors, HeaderText& header) {
  std::unordered_set<std::string> seen;
  int64_t offset = 0;
  for (const GgufSpec& spec : tensors) {
    if (!seen.insert(spec.name).second) {
      return fail(Code::kInvalidArgument, "{}: tensor {} was declared twice", path, spec.name);
    }
    if (spec.name.size() >= kMaxGgufNameBytes) {
      return fail(Code::kInvalidArgument, "{}: tensor {}: wanted a name of less than {} bytes", path, spec.name,
                  kMaxGgufNameBytes);
    }
    header.text(spec.name);
    header.number(static_cast<uint32_t>(spec.shape.size()));
    for (size_t i = spec.shape.size(); i > 0; --i) header.number(static_cast<uint64_t>(spec.shape[i - 1]));
    header.number(static_cast<uint32_t>(spec.type));
    header.number(static_cast<uint64_t>(offset));
    offset += spec.bytes() + padding_after(spec.bytes());
  }
  return Status();
}

}  // namespace

int64_t GgufSpec::bytes() const {
  int64_t rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i) rows *= shape[i];
  return rows * ggml_row_bytes(type, shape.back());
}

Result<GgufWriter> GgufWriter::create(const std::string& path, const GgufKeyList& keys,
                                      const std::vector<GgufSpec>& tensors) {
  HeaderText header;
  header.number(std::array{'G', 'G', 'U', 'F'});
  header.number(uint32_t{3});
  header.number(static_cast<uint64_t>(tensors.size()));
  header.number(static_cast<uint64_t>(keys.size()));
  DB_TRY(write_keys(path, keys, header));
  DB_TRY(write_tensors(path, tensors, header));
  header.pad();
  GgufWriter writer;
  writer.path_ = path;
  for (const GgufSpec& spec : tensors) writer.sizes_.push_back(spec.bytes());
  writer.out_.open(path, std::ios::binary | std::ios::trunc);
  writer.out_ << header.str();
  if (!writer.out_) return fail(Code::kPermissionDenied, "{}: cannot be written", path);
  return writer;
}

Status GgufWriter::append(std::span<const std::byte> data) {
  DB_CHECK(tensor_ < sizes_.size());
  DB_TRY(write(data));
  written_ += static_cast<int64_t>(data.size());
  const int64_t size = sizes_[tensor_];
  DB_CHECK(written_ <= size);
  if (written_ < size) return Status();
  ++tensor_;
  written_ = 0;
  constexpr std::array<std::byte, kGgufAlignment> kZeros{};
  return write(std::span(kZeros).first(static_cast<size_t>(padding_after(size))));
}

Status GgufWriter::write(std::span<const std::byte> data) {
  out_.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  if (out_) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path_);
}

Status GgufWriter::finish() {
  DB_CHECK(tensor_ == sizes_.size());
  out_.close();
  if (out_) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path_);
}

}  // namespace drawbridge
