#include "checkpoint/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace drawbridge {
namespace {

Status write_failure(const std::string& path, int error) {
  return fail(Code::kResourceExhausted, "{}: cannot be written: {}", path, std::strerror(error));
}

Status write_all(int fd, const std::string& path, int64_t at, std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t written = ::pwrite(fd, data.data(), data.size(), at);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return write_failure(path, errno);
    data = data.subspan(static_cast<size_t>(written));
    at += written;
  }
  return Status();
}

}  // namespace

Result<ShardWriter> ShardWriter::create(const std::string& path, const std::vector<TensorSpec>& tensors) {
  int64_t data_bytes = 0;
  DB_ASSIGN(const std::string preamble, safetensors_preamble(path, tensors, data_bytes));
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be made: {}", path, std::strerror(errno));
  ShardWriter writer(path, fd);
  auto at = static_cast<int64_t>(preamble.size());
  const int error = ::posix_fallocate(fd, 0, at + data_bytes);
  if (error != 0) return write_failure(path, error);
  DB_TRY(write_all(fd, path, 0, std::as_bytes(std::span(preamble))));
  for (const TensorSpec& spec : tensors) {
    writer.begin_.push_back(at);
    writer.bytes_.push_back(spec.bytes());
    at += spec.bytes();
  }
  return writer;
}

ShardWriter::ShardWriter(ShardWriter&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      begin_(std::move(other.begin_)),
      bytes_(std::move(other.bytes_)) {}

ShardWriter::~ShardWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Status ShardWriter::write(size_t index, int64_t from, std::span<const std::byte> data) const {
  DB_CHECK(from >= 0 && from + static_cast<int64_t>(data.size()) <= bytes_[index]);
  return write_all(fd_, path_, begin_[index] + from, data);
}

Status ShardWriter::finish() {
  const int error = ::fsync(fd_) == 0 ? 0 : errno;
  // Reading it back must reach the disk, not the pages that were just written.
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_DONTNEED);
  const bool closed = ::close(std::exchange(fd_, -1)) == 0;
  if (error != 0 || !closed) return write_failure(path_, error != 0 ? error : errno);
  return Status();
}

}  // namespace drawbridge
