// CSV with a heading (RFC 4180: quoted fields may hold commas, doubled quotes and line breaks), bounded in size.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drawbridge {

struct CsvRow {
  int64_t line = 0;                 // where it starts in the file, from 1
  std::vector<std::string> fields;  // as many as there are columns
};

struct CsvTable {
  std::vector<std::string> columns;
  std::vector<CsvRow> rows;

  /// Index of the column; the error names it and lists what there is. `source` is the file's path.
  Result<size_t> column(std::string_view name, const std::string& source) const;
};

/// Refuses, by line: text that is not UTF-8, a quote that is not closed or stands inside a plain field, a row of
/// another width than the heading, a heading with a name twice. A byte order mark is passed over.
Result<CsvTable> parse_csv(std::string_view text, const std::string& source);

}  // namespace drawbridge
