// StagedDirectory: a directory that appears whole or not at all. It is filled under another name, synced to disk and
// renamed; whatever goes wrong before that, nothing stands under the name that was asked for.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

/// Movable. Removes what it staged unless commit() succeeded or resume() made it.
class StagedDirectory {
 public:
  /// Stages `target` as `target`.partial. Errors: either exists already, the parent cannot be written.
  static Result<StagedDirectory> create(const std::string& target);

  /// Stages `target` as create() does, or goes on with what an earlier run left in `target`.partial; the destructor
  /// leaves it for the next one. Who resumes must make sure that nobody else does at the same time.
  static Result<StagedDirectory> resume(const std::string& target);

  StagedDirectory(StagedDirectory&& other) noexcept;
  StagedDirectory& operator=(StagedDirectory&&) = delete;
  ~StagedDirectory();

  /// Where to write the files.
  const std::string& path() const { return staged_; }
  Status write_text(const std::string& name, std::string_view text) const;
  Status copy_file(const std::string& source, const std::string& name) const;
  /// Syncs every file, renames the directory to its target and syncs the parent. The last call.
  Status commit();

 private:
  StagedDirectory(std::string target, std::string staged, bool keeps)
      : target_(std::move(target)), staged_(std::move(staged)), keeps_(keeps) {}

  std::string target_;
  std::string staged_;  // empty once committed or moved from
  bool keeps_ = false;  // staged files outlive this object
};

}  // namespace drawbridge
