// GGUF of architecture glm-dsa to a HuggingFace directory: the same numbers, in the files that every other tool reads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace drawbridge {

/// Bytes written so far, and in all.
using ConvertProgress = std::function<void(int64_t done, int64_t total)>;

struct ImportOptions {
  std::string source;  // a .gguf file
  std::string target;  // directory to be made
  int64_t shard_bytes = 5'000'000'000;
};

/// What the user must know of the conversion, one line each. The target appears when it is complete.
Result<std::vector<std::string>> import_gguf(const ImportOptions& options, const ConvertProgress& progress = {});

}  // namespace drawbridge
