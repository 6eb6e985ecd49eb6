// Inventory: what a checkpoint holds of a model, part by part, and what is missing, extra or unusual. Needs headers
// only; loading, `inspect` and the benchmarks all count with it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "model/glm52_config.h"

namespace drawbridge {

struct PartInventory {
  std::string name;                        // "attention", "routed experts", ..., "MTP layer"
  int64_t parameters = 0;                  // that the config describes
  int64_t active_parameters = 0;           // used to decode one token
  int64_t bytes = 0;                       // stored, scales included
  int64_t active_bytes = 0;                // read to decode one token
  std::map<std::string, int64_t> formats;  // name of the stored format -> parameters
};

struct Inventory {
  std::vector<PartInventory> parts;  // those that the model has
  std::vector<std::string> missing;  // tensors that the config asks for and the checkpoint lacks
  std::vector<std::string> extra;    // tensors that nothing reads
  std::vector<std::string> faults;   // tensors that are there but cannot be used, and why
  std::vector<std::string> notices;  // what the user must know though the model loads

  /// Sums over all parts.
  PartInventory total() const;
};

/// `checkpoint` opened with either Contents.
Inventory take_inventory(const Glm52Config& config, const Checkpoint& checkpoint);
/// Without a checkpoint: every tensor as one of the config's dtype (the router's bias in f32).
Inventory plan_inventory(const Glm52Config& config);

/// Names that differ only in numbers, as one line each: "model.layers.*.mlp.experts.*.up_proj.weight (512)".
std::vector<std::string> group_names(const std::vector<std::string>& names);

}  // namespace drawbridge
