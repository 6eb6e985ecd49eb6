// LineFile: a text file that grows by whole lines, each on disk before the next, so that a run that was stopped at any
// point goes on behind its last line. One process at a time holds it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace drawbridge {

/// Movable.
class LineFile {
 public:
  /// Opens or makes `path`. A last line that was cut is dropped. Errors: its folder is not there, another process has
  /// it, it is larger than `max_bytes`.
  static Result<LineFile> open(const std::string& path, size_t max_bytes);

  LineFile(LineFile&& other) noexcept;
  LineFile& operator=(LineFile&&) = delete;
  ~LineFile();

  /// The lines that were found, each ended; empty for a new file and after the first call.
  std::string take_text() { return std::move(text_); }
  /// Returns when the line, which holds no line break, is on disk. Leaves no part of it behind when it fails, and
  /// refuses every further line then: what follows a cut line could not be read.
  Status append(std::string_view line);

 private:
  LineFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  Status write(std::string_view text);

  std::string path_;
  int fd_;
  bool is_broken_ = false;
  std::string text_;
};

}  // namespace drawbridge
