#include "base/staged_directory.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/units.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Status check_absent(const std::string& target) {
  std::error_code ignored;
  if (fs::symlink_status(target, ignored).type() == fs::file_type::not_found) return Status();
  return fail(Code::kAlreadyExists, "{}: exists already; nothing is overwritten", target);
}

}  // namespace

Status sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(Code::kPermissionDenied, "{}: cannot be opened: {}", path, std::strerror(errno));
  const int rc = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  if (rc == 0) return Status();
  return fail(Code::kResourceExhausted, "{}: cannot be synced: {}", path, std::strerror(error));
}

Result<StagedDirectory> StagedDirectory::create(const std::string& target) {
  const std::string name = without_trailing_slashes(target);
  const std::string staged = name + ".partial";
  DB_TRY(check_absent(name));
  std::error_code error;
  const bool made = fs::create_directory(staged, error);
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be made: {}", staged, error.message());
  if (!made) {
    return fail(Code::kAlreadyExists, "{}: exists, left by a run that was interrupted or still goes on; remove it",
                staged);
  }
  return StagedDirectory(name, staged, false);
}

Result<StagedDirectory> StagedDirectory::resume(const std::string& target) {
  const std::string name = without_trailing_slashes(target);
  const std::string staged = name + ".partial";
  DB_TRY(check_absent(name));
  std::error_code error;
  fs::create_directory(staged, error);
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be made: {}", staged, error.message());
  return StagedDirectory(name, staged, true);
}

StagedDirectory::StagedDirectory(StagedDirectory&& other) noexcept
    : target_(std::move(other.target_)), staged_(std::move(other.staged_)), keeps_(other.keeps_) {
  other.staged_.clear();
}

StagedDirectory::~StagedDirectory() {
  std::error_code ignored;
  if (!staged_.empty() && !keeps_) fs::remove_all(staged_, ignored);
}

Status StagedDirectory::write_text(const std::string& name, std::string_view text) const {
  std::ofstream out(staged_ + "/" + name, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (out) return Status();
  return fail(Code::kResourceExhausted, "{}/{}: cannot be written: is the disk full?", staged_, name);
}

Status StagedDirectory::copy_file(const std::string& source, const std::string& name) const {
  std::error_code error;
  fs::copy_file(source, staged_ + "/" + name, error);
  if (!error) return Status();
  return fail(Code::kNotFound, "{}: cannot be copied to {}/{}: {}", source, staged_, name, error.message());
}

Status StagedDirectory::check_room(int64_t bytes) const {
  std::error_code error;
  const fs::space_info space = fs::space(staged_, error);
  if (error || space.available >= static_cast<uint64_t>(bytes)) return Status();
  return fail(Code::kResourceExhausted, "{}: wanted room for {}, found {}", staged_, format_bytes(bytes),
              format_bytes(static_cast<int64_t>(space.available)));
}

Status StagedDirectory::commit() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(staged_, error)) DB_TRY(sync_path(entry.path().string()));
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be listed: {}", staged_, error.message());
  DB_TRY(sync_path(staged_));
  // Another program may have made the target since create(); rename() would replace an empty directory.
  DB_TRY(check_absent(target_));
  fs::rename(staged_, target_, error);
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be renamed to {}: {}", staged_, target_, error.message());
  staged_.clear();
  const fs::path parent = fs::path(target_).parent_path();
  return sync_path(parent.empty() ? "." : parent.string());
}

}  // namespace drawbridge
