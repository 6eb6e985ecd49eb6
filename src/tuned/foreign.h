// ForeignTable: a tuning file of another engine for another device, kept as it is and never used on the CPU: aiter's
// tuned_fmoe.csv, and the JSON of vLLM's and SGLang's fused_moe, whose key is in the file's name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace drawbridge {

enum class ForeignFormat { kAiter, kSglang };
/// "aiter", "sglang".
const char* foreign_format_name(ForeignFormat format);

/// By what the other engine finds a row; 0 and empty: its key does not have it.
struct ForeignKey {
  std::string device;  // "gfx950 256", "AMD_Instinct_MI355X"
  int64_t hidden = 0;  // D
  int64_t width = 0;   // I of one rank, after tensor parallelism
  int64_t experts = 0;
  int64_t experts_per_token = 0;
  int64_t n_tokens = 0;
  std::string types;  // activation, dtypes, scales: what else is in the key
};

struct ForeignRow {
  std::string text;  // aiter: the line; sglang: the value as JSON
  ForeignKey key;
};

struct ForeignTable {
  ForeignFormat format = ForeignFormat::kAiter;
  std::string file;     // name without folder
  std::string heading;  // aiter: the first line; else empty
  bool ends_with_newline = true;
  std::vector<ForeignRow> rows;
};

/// Reads the text of file `path`. Errors name the line and column.
Result<ForeignTable> parse_foreign_table(std::string_view text, const std::string& path);
/// The file again: byte for byte for aiter, and for JSON that is indented by four as Python's json.dump does it.
std::string foreign_file_text(const ForeignTable& table);

/// A table as lines of ours: one for the file, one for each row.
std::vector<Json> foreign_to_lines(const ForeignTable& table);
/// Whether the line starts a foreign table, or is a row of one.
bool starts_foreign_table(const Json& line);
bool is_foreign_row(const Json& line);
Result<ForeignTable> foreign_from_line(const Json& line, const std::string& source);
/// Adds the row to the one of `tables` that it names.
Status add_foreign_row(const Json& line, const std::string& source, std::vector<ForeignTable>& tables);

}  // namespace drawbridge
