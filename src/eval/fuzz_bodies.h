// What the fuzzers of this folder do with one input; the tests run the same on the stored corpus.
#pragma once

#include <string_view>

#include "eval/result.h"
#include "eval/tasks/csv.h"

namespace drawbridge {

/// Any bytes as CSV: an error that names the file, or rows as wide as the heading.
inline void fuzz_eval_csv(std::string_view input) {
  const auto table = parse_csv(input, "fuzz");
  if (!table.ok()) {
    DB_CHECK(table.status().message().starts_with("fuzz:"));
    return;
  }
  DB_CHECK(!table->columns.empty());
  for (const CsvRow& row : table->rows) DB_CHECK(row.line > 1 && row.fields.size() == table->columns.size());
}

/// Any bytes as a result: an error that names the file, or a result that is written and read back as the same.
inline void fuzz_eval_result(std::string_view input) {
  const auto result = parse_system_result(input, "fuzz");
  if (!result.ok()) {
    DB_CHECK(result.status().message().starts_with("fuzz:"));
    return;
  }
  const std::string written = dump_json(system_to_json(*result));
  const auto again = parse_system_result(written, "fuzz");
  DB_CHECK(again.ok() && dump_json(system_to_json(*again)) == written);
}

}  // namespace drawbridge
