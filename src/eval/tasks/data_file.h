// The files that hold a task's questions: given by path, never fetched, read whole and hashed, so that a result says
// which data it is about.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

struct DataFile {
  std::string path;
  std::string text;
  std::string sha256;  // of the bytes

  /// For a manifest: the file's name and hash, not its directory.
  Json describe() const;
};

/// Errors name the path; a gzip file is refused by name.
Result<DataFile> read_data_file(const std::string& path);

struct DataLine {
  Json object;
  std::string source;  // "path:line", as messages about it start
};

/// One JSON object a line; blank lines are passed over. A line that is cut, not UTF-8, no object or longer than a
/// megabyte is refused by its number.
Result<std::vector<DataLine>> parse_json_lines(const DataFile& file);

}  // namespace drawbridge
