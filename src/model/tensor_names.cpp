#include "model/tensor_names.h"

namespace drawbridge {

std::optional<MtpNames> find_mtp_names(const Glm52Config& config, const Checkpoint& checkpoint) {
  const std::string prefix = fmt::format("model.layers.{}.", config.n_layers);
  if (checkpoint.find(prefix + "eh_proj.weight") != nullptr) return MtpNames{prefix, prefix};
  if (checkpoint.find("model.eh_proj.weight") != nullptr) return MtpNames{"model.decoder.", "model."};
  return std::nullopt;
}

std::string stored_name(const Glm52Config& config, const ExpectedTensor& tensor, const MtpNames& names) {
  if (tensor.layer < config.n_layers) return tensor.name;
  const std::string rest = tensor.name.substr(fmt::format("model.layers.{}.", tensor.layer).size());
  const bool is_extra = tensor.part == ModelPart::kMtpProjection || rest == "enorm.weight" || rest == "hnorm.weight" ||
                        rest == "shared_head.norm.weight";
  return (is_extra ? names.extra : names.layer) + rest;
}

bool has_stacked_experts(const Checkpoint& checkpoint, const std::string& mlp_prefix) {
  return checkpoint.find(mlp_prefix + "experts.gate_up_proj") != nullptr;
}

}  // namespace drawbridge
