// A load run in a file of JSON lines: a header with the setup, a line for each request as it ends, an end with the
// rest. Written while it runs, so that a run that is killed keeps what it had.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/result.h"
#include "load/load_run.h"

namespace drawbridge {

/// Movable.
class RecordsWriter {
 public:
  /// Replaces a file that is there.
  static Result<RecordsWriter> create(const std::string& path, const LoadSetup& setup);

  /// Lines reach the file in blocks; those of the last second may be lost when the process is killed.
  Status add(const RequestRecord& record);
  /// The last call.
  Status finish(const LoadRun& run);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  RecordsWriter(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}
  Status write(const std::string& line);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
};

/// Reads such a file back; `path` starts every error. One without its end is a run that was stopped, and a cut last
/// line is dropped.
Result<LoadRun> read_records_file(const std::string& path);
/// The same, from text. Error: a line is malformed ("FILE:LINE: wanted ..., found ...").
Result<LoadRun> parse_records(std::string_view text, const std::string& path);

}  // namespace drawbridge
