// Tuning files of others, into a table and out again.
#pragma once

#include <string>

#include "base/result.h"
#include "model/glm52_config.h"
#include "tuned/table.h"

namespace drawbridge {

/// Adds `file` to the table: aiter's CSV or SGLang's and vLLM's JSON as they are, or the rows of another table of ours
/// as imported ones. Says what came in and, when `model` is not empty, which of its rows a lookup for that model finds
/// with the shared expert fused and without. Lines ended.
Result<std::string> import_tuning_file(const std::string& file, const std::string& table, const std::string& model);

/// The file `name` as it was imported; empty: the only one of the format.
Result<std::string> export_tuning_file(const std::string& table, ForeignFormat format, const std::string& name);

/// For each of the model's two possible keys, with and without a fused shared expert, the rows that `table` has.
std::string lookup_lines(const ForeignTable& table, const Glm52Config& config);

}  // namespace drawbridge
