// Reads pieces of files by offset, from any thread, and tells whether a file is still the one that was opened. Not
// mapped: what is read once should leave no trace in resident memory, and a file cut short should be an error, not a
// signal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "quantize/source_tensors.h"

namespace drawbridge {

/// What a safetensors file was when it was opened.
struct FileFingerprint {
  std::string file;
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since 1970
  std::string header_sha256;

  bool operator==(const FileFingerprint& other) const = default;
};

/// Movable; keeps the files open.
class FileReader {
 public:
  static Result<FileReader> open(const std::vector<std::string>& files);

  FileReader(FileReader&& other) noexcept;
  FileReader& operator=(FileReader&&) = delete;
  ~FileReader();

  /// Fills `out` with the bytes from `from` on of what `stored` names. Threads: any.
  Status read(const StoredBytes& stored, int64_t from, std::span<std::byte> out) const;
  /// Errors: a file that is no longer what it was, with what changed.
  Status check_unchanged() const;
  /// Sorted by name.
  std::vector<FileFingerprint> fingerprints() const;

 private:
  FileReader() = default;

  struct Opened {
    int fd = -1;
    FileFingerprint was;
  };
  std::map<std::string, Opened> files_;
};

/// What the file is now. Errors: it cannot be read, or is no safetensors file.
Result<FileFingerprint> take_fingerprint(const std::string& file);

}  // namespace drawbridge
