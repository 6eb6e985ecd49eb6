// What the fuzzers of this folder do with one input; the tests run the same on the stored corpus.
#pragma once

#include <string>
#include <string_view>

#include "base/check.h"
#include "tuned/table.h"

namespace drawbridge {

/// Any bytes as a table: an error that names the source, or rows that are written and read back as the same.
inline void fuzz_tuned_table(std::string_view input) {
  const auto table = TunedTable::parse(input, "fuzz");
  if (!table.ok()) {
    DB_CHECK(table.status().message().starts_with("fuzz:"));
    return;
  }
  for (const auto& [key, row] : table->rows()) {
    const Json json = tuned_row_to_json(row);
    const auto again = tuned_row_from_json(json, "fuzz");
    DB_CHECK(again.ok() && again->key == key && tuned_row_to_json(*again) == json);
  }
}

/// Any bytes as another engine's file: an error that names it, or a CSV file that is written back byte for byte.
inline void fuzz_foreign_table(std::string_view input) {
  for (const char* path : {"fuzz/t.csv", "fuzz/E=4,N=8,device_name=any,dtype=fp8_w8a8.json"}) {
    const auto table = parse_foreign_table(input, path);
    if (!table.ok()) {
      DB_CHECK(table.status().message().starts_with("fuzz/"));
      continue;
    }
    const std::string written = foreign_file_text(*table);
    if (table->format == ForeignFormat::kAiter) DB_CHECK(written == input);
    const auto again = parse_foreign_table(written, path);
    DB_CHECK(again.ok() && again->rows.size() == table->rows.size());
  }
}

}  // namespace drawbridge
