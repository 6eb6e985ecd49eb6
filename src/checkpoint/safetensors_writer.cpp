#include "checkpoint/safetensors_writer.h"

#include <fmt/ranges.h>

#include <unordered_set>

#include "base/json.h"

namespace drawbridge {

int64_t TensorSpec::bytes() const {
  int64_t product = dtype_bytes(dtype);
  for (const int64_t extent : shape) product *= extent;
  return product;
}

Result<std::string> safetensors_preamble(const std::string& path, const std::vector<TensorSpec>& tensors,
                                         int64_t& data_bytes) {
  std::unordered_set<std::string> names;
  std::string text = "{";
  int64_t offset = 0;
  for (const TensorSpec& spec : tensors) {
    if (!names.insert(spec.name).second) {
      return fail(Code::kInvalidArgument, "{}: tensor {} was declared twice", path, spec.name);
    }
    const int64_t end = offset + spec.bytes();
    text += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", text.size() > 1 ? "," : "",
                        dump_json(Json(spec.name)), dtype_name(spec.dtype), fmt::join(spec.shape, ","), offset, end);
    offset = end;
  }
  text += '}';
  text.append((64 - (text.size() + 8) % 64) % 64, ' ');
  data_bytes = offset;
  const uint64_t size = text.size();
  return std::string(reinterpret_cast<const char*>(&size), 8) + text;
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path, const std::vector<TensorSpec>& tensors) {
  SafetensorsWriter writer;
  DB_ASSIGN(const std::string text, safetensors_preamble(path, tensors, writer.n_missing_bytes_));
  writer.path_ = path;
  writer.out_.open(path, std::ios::binary | std::ios::trunc);
  writer.out_ << text;
  if (!writer.out_) return fail(Code::kPermissionDenied, "{}: cannot be written", path);
  return writer;
}

Status SafetensorsWriter::append(std::span<const std::byte> data) {
  n_missing_bytes_ -= static_cast<int64_t>(data.size());
  DB_CHECK(n_missing_bytes_ >= 0);
  out_.write(reinterpret_cast<const char*>(data.data()), static_cast<std::streamsize>(data.size()));
  if (!out_) return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path_);
  return Status();
}

Status SafetensorsWriter::finish() {
  DB_CHECK(n_missing_bytes_ == 0);
  out_.close();
  if (!out_) return fail(Code::kResourceExhausted, "{}: cannot be written: is the disk full?", path_);
  return Status();
}

}  // namespace drawbridge
