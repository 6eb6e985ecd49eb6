// Under which names a checkpoint holds what glm52_tensors lists: exports differ in how they name the MTP layer and in
// whether experts are stacked.
#pragma once

#include <optional>
#include <string>

#include "checkpoint/checkpoint.h"
#include "model/glm52_tensors.h"

namespace drawbridge {

struct MtpNames {
  std::string layer;  // before self_attn., mlp., input_layernorm.weight, ...
  std::string extra;  // before enorm.weight, hnorm.weight, eh_proj.weight, shared_head.norm.weight
};

/// model.layers.N.* or model.decoder.* with the extras at model.*; nothing when there is no eh_proj.
std::optional<MtpNames> find_mtp_names(const Glm52Config& config, const Checkpoint& checkpoint);

/// The name that `tensor` of the MTP layer has under `names`; tensors of other layers keep theirs.
std::string stored_name(const Glm52Config& config, const ExpectedTensor& tensor, const MtpNames& names);

/// Whether `mlp_prefix` ("model.layers.3.mlp.") holds experts as two stacked tensors, HuggingFace's in-memory form.
bool has_stacked_experts(const Checkpoint& checkpoint, const std::string& mlp_prefix);

}  // namespace drawbridge
