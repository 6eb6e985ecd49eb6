#include "base/line_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/mapped_file.h"

namespace drawbridge {

Result<LineFile> LineFile::open(const std::string& path, size_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0 && errno == ENOENT) {
    return fail(Code::kNotFound, "{}: cannot be made: its folder is not there; make it first", path);
  }
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", path, std::strerror(errno));
  LineFile file(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return fail(Code::kUnavailable, "{}: another run is writing to it", path);
  }
  DB_ASSIGN(file.text_, read_text_file(path, max_bytes));
  const size_t whole = file.text_.rfind('\n') + 1;  // 0 without any
  if (whole < file.text_.size() && ::ftruncate(fd, static_cast<off_t>(whole)) != 0) {
    return fail(Code::kPermissionDenied, "{}: cannot be cut to its whole lines: {}", path, std::strerror(errno));
  }
  file.text_.resize(whole);
  return file;
}

LineFile::LineFile(LineFile&& other) noexcept
    : path_(std::move(other.path_)),
      fd_(std::exchange(other.fd_, -1)),
      is_broken_(other.is_broken_),
      text_(std::move(other.text_)) {}

LineFile::~LineFile() {
  if (fd_ >= 0) ::close(fd_);
}

Status LineFile::append(std::string_view line) {
  DB_CHECK(line.find('\n') == std::string_view::npos);
  if (is_broken_) return fail(Code::kResourceExhausted, "{}: a write has failed before", path_);
  const off_t end = ::lseek(fd_, 0, SEEK_END);
  Status written = write(std::string(line) + "\n");
  if (written.ok()) return written;
  is_broken_ = true;
  if (end >= 0 && ::ftruncate(fd_, end) != 0) {
    return fail(Code::kResourceExhausted, "{}; its last line is cut", written.message());
  }
  return written;
}

Status LineFile::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(Code::kResourceExhausted, "{}: cannot be written: {}", path_, std::strerror(errno));
    text.remove_prefix(static_cast<size_t>(n));
  }
  if (::fsync(fd_) == 0) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be synced: {}", path_, std::strerror(errno));
}

}  // namespace drawbridge
