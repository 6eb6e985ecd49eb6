// A file mapped read-only into memory. Movable; unmapped on destruction. An empty file maps to an empty span.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/result.h"

namespace drawbridge {

class MappedFile {
 public:
  /// Maps the whole regular file. Errors: not found, not a regular file, cannot be read.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  /// Takes the whole pages within `part` out of the process; reading them brings them back from the file.
  void release(std::span<const std::byte> part) const;
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, std::span<const std::byte> bytes) : path_(std::move(path)), bytes_(bytes) {}

  std::string path_;
  std::span<const std::byte> bytes_;
};

/// Reads a whole regular file of at most `max_bytes` into a string.
Result<std::string> read_text_file(const std::string& path, size_t max_bytes);

}  // namespace drawbridge
