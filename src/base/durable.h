// What makes files on disk appear whole or not at all: data first, then the name, each synced.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace drawbridge {

/// Waits until a file's data, or a directory's entries, are on disk.
Status sync_path(const std::string& path);
/// Renames `staged`, synced already, to `target`, and syncs the parent. Nothing is overwritten.
Status publish(const std::string& staged, const std::string& target);
/// Refuses a target that exists.
Status check_absent(const std::string& target);
/// Refuses when the disk of `directory` lacks room for `bytes` more.
Status check_room(const std::string& directory, int64_t bytes);
/// The directory that holds `path`; "." for a plain name.
std::string parent_directory(const std::string& path);

}  // namespace drawbridge
