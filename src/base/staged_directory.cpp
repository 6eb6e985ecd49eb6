#include "base/staged_directory.h"

#include <filesystem>
#include <fstream>

#include "base/durable.h"

namespace drawbridge {
namespace {

namespace fs = std::filesystem;

std::string without_trailing_slashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

}  // namespace

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

Status StagedDirectory::commit() {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(staged_, error)) DB_TRY(sync_path(entry.path().string()));
  if (error) return fail(Code::kPermissionDenied, "{}: cannot be listed: {}", staged_, error.message());
  DB_TRY(sync_path(staged_));
  DB_TRY(publish(staged_, target_));
  staged_.clear();
  return Status();
}

}  // namespace drawbridge
