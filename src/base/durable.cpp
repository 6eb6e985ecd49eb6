#include "base/durable.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/units.h"

namespace drawbridge {

namespace fs = std::filesystem;

Status sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", path, std::strerror(errno));
  const int rc = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (rc == 0) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be synced: {}", path, std::strerror(error));
}

Status check_absent(const std::string& target) {
  std::error_code ignored;
  if (fs::symlink_status(target, ignored).type() == fs::file_type::not_found) return Status();
  return fail(Code::kAlreadyExists, "{}: exists already; nothing is overwritten", target);
}

Status publish(const std::string& staged, const std::string& target) {
  // Another program may have made the target since it was staged; rename() would replace it.
  DB_TRY(check_absent(target));
  std::error_code error;
  fs::rename(staged, target, error);
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", staged, target, error.message());
  return sync_path(parent_directory(target));
}

Status check_room(const std::string& directory, int64_t bytes) {
  std::error_code error;
  const fs::space_info space = fs::space(directory, error);
  if (error || space.available >= static_cast<uint64_t>(bytes)) return Status();
  return fail(Code::kResourceExhausted, "{}: wanted room for {}, found {}", directory, format_bytes(bytes),
              format_bytes(static_cast<int64_t>(space.available)));
}

std::string parent_directory(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? "." : parent.string();
}

}  // namespace drawbridge
