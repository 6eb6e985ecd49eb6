// `drawbridge convert`: GGUF of architecture glm-dsa against a HuggingFace directory, so that the same weights run in
// llama.cpp and here.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "convert/export_plan.h"

namespace drawbridge {

/// Bytes written so far, and in all.
using ConvertProgress = std::function<void(int64_t done, int64_t total)>;

struct ImportOptions {
  std::string source;  // a .gguf file
  std::string target;  // directory to be made
  int64_t shard_bytes = 5'000'000'000;
};

struct ExportOptions {
  std::string source;  // HuggingFace directory
  std::string target;  // file to be made
  ExportType type = ExportType::kKeep;
};

/// Both: the target appears when it is complete; the lines are what the user must know. Memory does not grow with the
/// model, but for what the system keeps of mapped files.
Result<std::vector<std::string>> import_gguf(const ImportOptions& options, const ConvertProgress& progress = {});
Result<std::vector<std::string>> export_gguf(const ExportOptions& options, const ConvertProgress& progress = {});

}  // namespace drawbridge
