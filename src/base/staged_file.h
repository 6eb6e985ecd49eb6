// StagedFile: a file that appears whole or not at all. It is written under another name, synced to disk and renamed.
#pragma once

#include <string>

#include "base/result.h"

namespace drawbridge {

/// Movable. Removes what it staged unless commit() succeeded.
class StagedFile {
 public:
  /// Stages `target` as `target`.partial, empty and locked. What a run that is gone left there is written over. Errors:
  /// `target` exists, its folder does not, or another run is staging it.
  static Result<StagedFile> create(const std::string& target);

  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  /// Where to write the data.
  const std::string& path() const { return staged_; }
  /// Syncs the file, renames it to its target and syncs the parent. The last call.
  Status commit();

 private:
  StagedFile(std::string target, std::string staged, int fd)
      : target_(std::move(target)), staged_(std::move(staged)), fd_(fd) {}

  std::string target_;
  std::string staged_;  // empty once committed or moved from
  int fd_;              // which holds the lock
};

}  // namespace drawbridge
