#include "checkpoint/safetensors_writer.h"

#include "base/json.h"

namespace drawbridge {

int64_t TensorSpec::bytes() const {
  int64_t product = dtype_bytes(dtype);
  for (const int64_t extent : shape) product *= extent;
  return product;
}

Result<SafetensorsWriter> SafetensorsWriter::create(const std::string& path, const std::vector<TensorSpec>& tensors) {
  Json header = Json::object();
  int64_t offset = 0;
  for (const TensorSpec& spec : tensors) {
    header[spec.name] = {
        {"dtype", dtype_name(spec.dtype)}, {"shape", spec.shape}, {"data_offsets", {offset, offset + spec.bytes()}}};
    offset += spec.bytes();
  }
  std::string text = dump_json(header);
  text.append((64 - (text.size() + 8) % 64) % 64, ' ');

  SafetensorsWriter writer;
  writer.path_ = path;
  writer.n_missing_bytes_ = offset;
  writer.out_.open(path, std::ios::binary | std::ios::trunc);
  const uint64_t size = text.size();
  writer.out_.write(reinterpret_cast<const char*>(&size), 8);
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
