// `drawbridge inspect`: what a model directory holds, from config.json and the headers of its safetensors files. No
// weight is read, so it works on directories whose data is elsewhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/inventory.h"

namespace drawbridge {

struct Inspection {
  std::string directory;
  std::string name;  // last part of the directory
  Glm52Config config;
  Inventory inventory;  // planned from the config where there are no safetensors files
  bool has_tensors = false;
  int64_t n_tensors = 0;
  int64_t n_files = 0;
  int64_t stored_bytes = 0;             // of all tensors, used or not
  std::vector<std::string> incomplete;  // files that are missing or cut short
  std::vector<std::string> notices;     // beside the inventory's own: configs, absent files

  /// Whether an engine could load the directory.
  bool loads() const;
};

/// Errors: no config.json, a config that we do not compute, a file that contradicts itself.
Result<Inspection> inspect_directory(const std::string& directory);

}  // namespace drawbridge
