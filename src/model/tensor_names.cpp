#include "model/tensor_names.h"

namespace drawbridge {

std::optional<MtpNames> find_mtp_names(const Glm52Config& config, const Checkpoint& checkpoint) {
  const std::string prefix = fmt::format("model.layers.{}.", config.n_layers);
  if (checkpoint.find(prefix + "eh_proj.weight") != nullptr) return MtpNames{prefix, prefix};
  if (checkpoint.find("model.eh_proj.weight") != nullptr) return MtpNames{"model.decoder.", "model."};
  return std::nullopt;
}

bool has_stacked_experts(const Checkpoint& checkpoint, const std::string& mlp_prefix) {
  return checkpoint.find(mlp_prefix + "experts.gate_up_proj") != nullptr;
}

}  // namespace drawbridge
