#include "base/staged_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/durable.h"

namespace drawbridge {
namespace {

/// False once another run has renamed or removed the file between our opening and locking it.
bool is_still(int fd, const std::string& path) {
  struct stat opened = {}, named = {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
         opened.st_ino == named.st_ino;
}

/// Makes the locked file at `path` empty.
Status claim(int fd, const std::string& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || !is_still(fd, path)) {
    return fail(Code::kAlreadyExists, "{}: another run is writing to it", path);
  }
  if (::ftruncate(fd, 0) == 0) return Status();
  return fail(Code::kPermissionDenied, "{}: cannot be emptied: {}", path, std::strerror(errno));
}

}  // namespace

Result<StagedFile> StagedFile::create(const std::string& target) {
  const std::string staged = target + ".partial";
  DB_TRY(check_absent(target));
  const int fd = ::open(staged.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) {
    const Code code = errno == ENOENT ? Code::kNotFound : Code::kPermissionDenied;
    return fail(code, "{}: cannot be made: {}", staged, std::strerror(errno));
  }
  Status claimed = claim(fd, staged);
  if (claimed.ok()) return StagedFile(target, staged, fd);
  ::close(fd);
  return claimed;
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : target_(std::move(other.target_)), staged_(std::move(other.staged_)), fd_(std::exchange(other.fd_, -1)) {
  other.staged_.clear();
}

StagedFile::~StagedFile() {
  if (!staged_.empty()) std::remove(staged_.c_str());
  if (fd_ >= 0) ::close(fd_);
}

Status StagedFile::commit() {
  DB_TRY(sync_path(staged_));
  DB_TRY(publish(staged_, target_));
  staged_.clear();
  return Status();
}

}  // namespace drawbridge
