// The ops of a model's step, each with its shapes and formats, ready to be run alone.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "model/glm52_config.h"
#include "model/inventory.h"

namespace drawbridge {

/// Issues the op for the first n_tokens rows of its buffers; its weights and caches are those of `turn`.
using OpRun = std::function<void(Backend& backend, int64_t n_tokens, int64_t turn)>;

struct OpCase {
  std::string op;    // as Backend names it, or "sample"
  std::string name;  // what it computes in the model: "attention q_a"
  /// Allocates and fills everything that the op needs for up to max_tokens rows.
  std::function<Result<OpRun>(Backend& backend, int64_t max_tokens)> prepare;
  /// Bytes read a token by what is no op of the backend, so that no trace sees it.
  std::optional<int64_t> own_bytes = {};
};

struct OpCaseOptions {
  std::optional<WeightFormat> format;  // of attention, indexer and MLPs; absent: that of most of each part's weights
  int64_t context = 0;                 // tokens of the request whose last ones are computed
  int64_t footprint = 0;               // bytes of weights or caches that turns go through before they start again
};

/// In the order of a layer; those that the model lacks are left out. `inventory` says the formats; `config` must
/// outlive the cases.
std::vector<OpCase> op_cases(const Glm52Config& config, const Inventory& inventory, const OpCaseOptions& options);

}  // namespace drawbridge
