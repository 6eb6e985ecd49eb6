// TunedTable: measured plans as a text file, one JSON object a line: first the format, then a row for each product and
// number of tokens, and tables of other engines kept as they are. Lines are only ever added: a later row of the same
// key takes the place of an earlier one, but an imported row never that of a measured one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/line_file.h"
#include "tuned/foreign.h"
#include "tuned/row.h"

namespace drawbridge {

class TunedTable {
 public:
  /// Errors name the line and member. What follows the last line break was cut and is left out.
  static Result<TunedTable> read(const std::string& path);
  static Result<TunedTable> parse(std::string_view text, const std::string& source);

  const std::map<TunedKey, TunedRow>& rows() const { return rows_; }
  const std::vector<ForeignTable>& foreign() const { return foreign_; }
  /// Whether add(row) would change anything.
  bool takes(const TunedRow& row) const;
  void add(TunedRow row);
  /// A table of the same name must not be there.
  void add(ForeignTable table);
  const ForeignTable* find_foreign(const std::string& file) const;

 private:
  Status read_line(const Json& line, const std::string& source);

  std::map<TunedKey, TunedRow> rows_;
  std::vector<ForeignTable> foreign_;
};

/// A table that grows on disk. One process at a time writes it; others may read it meanwhile.
class TunedTableFile {
 public:
  /// Opens or makes `path`.
  static Result<TunedTableFile> open(const std::string& path);

  const TunedTable& table() const { return table_; }
  /// Returns when the row is on disk. A row that the table does not take is an error.
  Status add(TunedRow row);
  /// All rows of another engine's file. Errors: a file of the same name with other rows is there.
  Status add(ForeignTable table);

 private:
  explicit TunedTableFile(LineFile file) : file_(std::move(file)) {}

  LineFile file_;
  TunedTable table_;
};

}  // namespace drawbridge
