#include "base/staged_file.h"

#include <cstdio>

#include "base/durable.h"

namespace drawbridge {

Result<StagedFile> StagedFile::create(const std::string& target) {
  const std::string staged = target + ".partial";
  DB_TRY(check_absent(target));
  if (!check_absent(staged).ok()) {
    return fail(Code::kAlreadyExists, "{}: exists, left by a run that was interrupted or still goes on; remove it",
                staged);
  }
  return StagedFile(target, staged);
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : target_(std::move(other.target_)), staged_(std::move(other.staged_)) {
  other.staged_.clear();
}

StagedFile::~StagedFile() {
  if (!staged_.empty()) std::remove(staged_.c_str());
}

Status StagedFile::commit() {
  DB_TRY(sync_path(staged_));
  DB_TRY(publish(staged_, target_));
  staged_.clear();
  return Status();
}

}  // namespace drawbridge
