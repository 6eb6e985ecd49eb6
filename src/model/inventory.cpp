#include "model/inventory.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "checkpoint/matrix_source.h"
#include "model/glm52_tensors.h"
#include "model/kv_scales.h"
#include "model/tensor_names.h"

namespace drawbridge {
namespace {

struct Stored {
  int64_t bytes = 0;
  std::string format;
};

class InventoryTaker {
 public:
  InventoryTaker(const Glm52Config& config, const Checkpoint* checkpoint) : c_(config), file_(checkpoint) {
    if (file_ != nullptr) mtp_ = find_mtp_names(config, *checkpoint);
  }

  Inventory take() {
    for (const ExpectedTensor& tensor : expected_tensors(c_)) count(tensor);
    for (const auto& [part, row] : rows_) add_row(part, row);
    if (file_ == nullptr) return std::move(inventory_);
    if (c_.n_mtp_layers > 0 && !mtp_) {
      inventory_.notices.push_back(
          fmt::format("model.layers.{}.eh_proj.weight: absent, so the MTP layer cannot draft", c_.n_layers));
    }
    for (const std::string& line : group_names(rounded_biases_)) {
      inventory_.notices.push_back(line + ": not F32, so rounding may choose other experts");
    }
    find_extra();
    const Status conflict = check_quantization(c_.quantization, *file_);
    if (!conflict.ok()) inventory_.faults.push_back(conflict.message());
    for (const std::string& line : quantization_notices(c_.quantization, *file_)) inventory_.notices.push_back(line);
    return std::move(inventory_);
  }

 private:
  /// Parts in the order of ModelPart; the whole MTP layer is one more, after them.
  static constexpr int kMtpRow = 100;

  void count(const ExpectedTensor& tensor) {
    const bool is_mtp = tensor.layer >= c_.n_layers;
    if (is_mtp && file_ != nullptr && !mtp_) return;
    PartInventory& row = rows_[is_mtp ? kMtpRow : static_cast<int>(tensor.part)];
    const Stored stored = file_ == nullptr ? planned(tensor) : found(tensor);
    const int64_t parameters = element_count(tensor);
    row.parameters += parameters;
    row.bytes += stored.bytes;
    if (!stored.format.empty()) row.formats[stored.format] += parameters;
  }

  /// Names the row and works out which share of it decodes one token.
  void add_row(int part, PartInventory row) {
    row.name = part == kMtpRow ? "MTP layer" : part_name(static_cast<ModelPart>(part));
    const bool is_idle_table = part == static_cast<int>(ModelPart::kEmbedding) && !c_.tied_embeddings;
    if (part == static_cast<int>(ModelPart::kRoutedExpert)) {
      row.active_parameters = row.parameters / c_.n_experts * c_.experts_per_token;
      row.active_bytes = row.bytes / c_.n_experts * c_.experts_per_token;
    } else if (part != kMtpRow && !is_idle_table) {
      row.active_parameters = row.parameters;
      row.active_bytes = row.bytes;
    }
    inventory_.parts.push_back(std::move(row));
  }

  Stored planned(const ExpectedTensor& tensor) const {
    const bool is_bias = tensor.name.ends_with("e_score_correction_bias");
    const DType dtype = is_bias ? DType::kF32 : c_.dtype;
    return {element_count(tensor) * dtype_bytes(dtype), format_name(dtype)};
  }

  Stored found(const ExpectedTensor& tensor) {
    const std::string name = mtp_ ? stored_name(c_, tensor, *mtp_) : tensor.name;
    if (tensor.part == ModelPart::kRoutedExpert) {
      const std::string mlp_prefix = name.substr(0, name.find("experts."));
      if (has_stacked_experts(*file_, mlp_prefix)) return found_in_stack(tensor, mlp_prefix + "experts.");
    }
    if (file_->find(name) == nullptr) {
      inventory_.missing.push_back(name);
      return {};
    }
    used_.insert(name);
    return tensor.shape.size() == 2 ? found_matrix(tensor, name) : found_vector(tensor, name);
  }

  Stored found_matrix(const ExpectedTensor& tensor, const std::string& name) {
    const std::string module = name.substr(0, name.size() - std::string_view(".weight").size());
    const auto layout = find_matrix_layout(*file_, module, tensor.shape[0], tensor.shape[1]);
    if (!layout.ok()) return fault(layout.status());
    int64_t bytes = layout->weight->bytes();
    if (layout->scale != nullptr) {
      used_.insert(layout->scale_name);
      bytes += layout->scale->bytes();
    }
    return {bytes, weight_format_name(layout->format)};
  }

  Stored found_vector(const ExpectedTensor& tensor, const std::string& name) {
    const auto vector = find_vector_tensor(*file_, name, tensor.shape[0]);
    if (!vector.ok()) return fault(vector.status());
    const DType dtype = (*vector)->dtype;
    if (name.ends_with("e_score_correction_bias") && dtype != DType::kF32) {
      rounded_biases_.push_back(name);
    }
    return {(*vector)->bytes(), format_name(dtype)};
  }

  /// One expert's share of a stack; shapes as the forward pass reads them.
  Stored found_in_stack(const ExpectedTensor& tensor, const std::string& prefix) {
    const bool is_down = tensor.name.ends_with("down_proj.weight");
    const std::string name = prefix + (is_down ? "down_proj" : "gate_up_proj");
    const int64_t n = tensor.shape[0], k = tensor.shape[1];
    const auto stack = find_stack(*file_, name, {c_.n_experts, is_down ? n : 2 * n, k});
    if (file_->find(name) != nullptr) used_.insert(name);
    if (!stack.ok()) return fault(stack.status());
    return {n * k * dtype_bytes((*stack)->dtype), format_name((*stack)->dtype)};
  }

  Stored fault(const Status& status) {
    // Every expert of a faulty stack finds the same fault.
    if (faults_seen_.insert(status.message()).second) inventory_.faults.push_back(status.message());
    return {};
  }

  static std::string format_name(DType dtype) {
    if (dtype == DType::kBF16) return weight_format_name(WeightFormat::kBF16);
    return weight_format_name(dtype == DType::kF16 ? WeightFormat::kF16 : WeightFormat::kF32);
  }

  void find_extra() {
    for (int64_t i = 0; i < c_.n_all_layers(); ++i) used_.insert(kv_scale_name(i));
    std::vector<std::string> placeholders, others;
    for (const auto& [name, tensor] : file_->tensors()) {
      if (used_.count(name) != 0) continue;
      inventory_.extra.push_back(name);
      (is_indexer_of_shared_layer(name) ? placeholders : others).push_back(name);
    }
    if (!placeholders.empty()) {
      inventory_.notices.push_back(
          fmt::format("{} indexer tensors of shared layers, the first {}: not used, these layers take the selection of "
                      "an earlier one",
                      placeholders.size(), placeholders[0]));
    }
    constexpr size_t kMaxLines = 4;
    const auto lines = group_names(others);
    for (size_t i = 0; i < std::min(lines.size(), kMaxLines); ++i) {
      inventory_.notices.push_back(lines[i] + ": not used");
    }
    if (lines.size() > kMaxLines) {
      inventory_.notices.push_back(fmt::format("{} more kinds of tensors: not used", lines.size() - kMaxLines));
    }
  }

  bool is_indexer_of_shared_layer(const std::string& name) const {
    constexpr std::string_view kPrefix = "model.layers.";
    if (!name.starts_with(kPrefix)) return false;
    int64_t layer = 0;
    const char* end = name.data() + name.size();
    const auto [rest, error] = std::from_chars(name.data() + kPrefix.size(), end, layer);
    if (error != std::errc() || layer < 0 || layer >= c_.n_layers || c_.is_full(layer)) return false;
    return std::string_view(rest, static_cast<size_t>(end - rest)).starts_with(".self_attn.indexer.");
  }

  const Glm52Config& c_;
  const Checkpoint* file_;  // null: plan without one
  std::optional<MtpNames> mtp_;
  std::map<int, PartInventory> rows_;
  std::set<std::string> used_;
  std::set<std::string> faults_seen_;
  std::vector<std::string> rounded_biases_;
  Inventory inventory_;
};

}  // namespace

PartInventory Inventory::total() const {
  PartInventory sum;
  sum.name = "total";
  for (const PartInventory& part : parts) {
    sum.parameters += part.parameters;
    sum.active_parameters += part.active_parameters;
    sum.bytes += part.bytes;
    sum.active_bytes += part.active_bytes;
    for (const auto& [format, parameters] : part.formats) sum.formats[format] += parameters;
  }
  return sum;
}

Inventory take_inventory(const Glm52Config& config, const Checkpoint& checkpoint) {
  return InventoryTaker(config, &checkpoint).take();
}

Inventory plan_inventory(const Glm52Config& config) {
  return InventoryTaker(config, nullptr).take();
}

std::vector<std::string> group_names(const std::vector<std::string>& names) {
  std::map<std::string, std::pair<int64_t, std::string>> groups;  // pattern -> how many, the first
  for (const std::string& name : names) {
    std::string pattern;
    for (size_t i = 0; i < name.size(); ++i) {
      const bool is_digit = name[i] >= '0' && name[i] <= '9';
      const bool starts_number = i == 0 || name[i - 1] == '.' || pattern.ends_with('*');
      if (!is_digit || !starts_number) {
        pattern += name[i];
      } else if (!pattern.ends_with('*')) {
        pattern += '*';
      }
    }
    const auto place = groups.try_emplace(pattern, 0, name).first;
    ++place->second.first;
  }
  std::vector<std::string> lines;
  for (const auto& [pattern, group] : groups) {
    lines.push_back(group.first == 1 ? group.second : fmt::format("{} ({})", pattern, group.first));
  }
  return lines;
}

}  // namespace drawbridge
