#include "quantize/source_tensors.h"

#include <set>

#include "checkpoint/matrix_source.h"
#include "model/kv_scales.h"
#include "model/tensor_names.h"

namespace drawbridge {
namespace {

StoredBytes stored_bytes(const Tensor& tensor) {
  return {tensor.file, tensor.begin, tensor.bytes()};
}

class SourceLister {
 public:
  SourceLister(const Glm52Config& config, const Checkpoint& checkpoint)
      : c_(config), file_(checkpoint), mtp_(find_mtp_names(config, checkpoint)) {}

  Result<std::vector<SourceTensor>> list() {
    for (const ExpectedTensor& tensor : expected_tensors(c_)) {
      const bool is_mtp = tensor.layer >= c_.n_layers;
      if (is_mtp && !mtp_) continue;  // a checkpoint without it is legal: it does not draft
      SourceTensor source;
      source.name = mtp_ ? stored_name(c_, tensor, *mtp_) : tensor.name;
      source.part = tensor.part;
      source.is_mtp = is_mtp;
      source.quantizable = tensor.quantizable;
      DB_TRY(locate(tensor, source));
      list_.push_back(std::move(source));
    }
    add_rest();
    return std::move(list_);
  }

 private:
  Status locate(const ExpectedTensor& tensor, SourceTensor& source) {
    if (tensor.shape.size() != 2) return locate_vector(tensor, source);
    source.n = tensor.shape[0];
    source.k = tensor.shape[1];
    if (tensor.part == ModelPart::kRoutedExpert) {
      const std::string mlp = source.name.substr(0, source.name.find("experts."));
      if (has_stacked_experts(file_, mlp)) return locate_in_stack(mlp + "experts.", source);
    }
    DB_ASSIGN(const MatrixLayout layout, find_matrix_layout(file_, source.module(), source.n, source.k));
    source.format = layout.format;
    source.dtype = layout.weight->dtype;
    source.shape = layout.weight->shape;
    source.data = stored_bytes(*layout.weight);
    used_.insert(source.name);
    if (layout.scale == nullptr) return Status();
    source.scale_name = layout.scale_name;
    source.scale_dtype = layout.scale->dtype;
    source.scale_shape = layout.scale->shape;
    source.scale = stored_bytes(*layout.scale);
    used_.insert(layout.scale_name);
    return Status();
  }

  Status locate_vector(const ExpectedTensor& tensor, SourceTensor& source) {
    DB_ASSIGN(const Tensor* vector, find_vector_tensor(file_, source.name, tensor.shape[0]));
    source.dtype = vector->dtype;
    source.shape = vector->shape;
    source.data = stored_bytes(*vector);
    used_.insert(source.name);
    return Status();
  }

  /// One expert of gate_up_proj [E, 2n, k] (gate rows first) or down_proj [E, n, k].
  Status locate_in_stack(const std::string& prefix, SourceTensor& source) {
    const bool is_down = source.name.ends_with("down_proj.weight");
    const bool is_up = source.name.ends_with("up_proj.weight");
    const std::string stack_name = prefix + (is_down ? "down_proj" : "gate_up_proj");
    const int64_t rows = is_down ? source.n : 2 * source.n;
    DB_ASSIGN(const Tensor* stack, find_stack(file_, stack_name, {c_.n_experts, rows, source.k}));
    const int64_t expert = std::stoll(source.name.substr(prefix.size()));  // ours: expected_tensors wrote it
    const int64_t row_bytes = source.k * dtype_bytes(stack->dtype);
    const int64_t first_row = expert * rows + (is_up ? source.n : 0);
    source.format = float_format(stack->dtype);
    source.dtype = stack->dtype;
    source.shape = {source.n, source.k};
    source.data = {stack->file, stack->begin + static_cast<uint64_t>(first_row * row_bytes), source.n * row_bytes};
    used_.insert(stack_name);
    return Status();
  }

  /// Whatever the config does not ask for is kept, but for cache scales: the target gets them in a file of their own.
  void add_rest() {
    for (int64_t i = 0; i < c_.n_all_layers(); ++i) used_.insert(kv_scale_name(i));
    for (const auto& [name, tensor] : file_.tensors()) {
      if (used_.count(name) != 0) continue;
      SourceTensor source;
      source.name = name;
      source.dtype = tensor.dtype;
      source.shape = tensor.shape;
      source.data = stored_bytes(tensor);
      list_.push_back(std::move(source));
    }
  }

  const Glm52Config& c_;
  const Checkpoint& file_;
  const std::optional<MtpNames> mtp_;
  std::set<std::string> used_;
  std::vector<SourceTensor> list_;
};

}  // namespace

std::string SourceTensor::module() const {
  constexpr std::string_view kSuffix = ".weight";
  return name.ends_with(kSuffix) ? name.substr(0, name.size() - kSuffix.size()) : name;
}

Result<std::vector<SourceTensor>> list_source_tensors(const Glm52Config& config, const Checkpoint& checkpoint) {
  return SourceLister(config, checkpoint).list();
}

std::vector<SourceTensor> list_source_tensors(const Glm52Config& config) {
  std::vector<SourceTensor> list;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    SourceTensor source;
    source.name = tensor.name;
    source.part = tensor.part;
    source.is_mtp = tensor.layer >= config.n_layers;
    source.quantizable = tensor.quantizable;
    source.dtype = tensor.name.ends_with("e_score_correction_bias") ? DType::kF32 : config.dtype;
    source.shape = tensor.shape;
    source.data.bytes = element_count(tensor) * dtype_bytes(source.dtype);
    if (tensor.shape.size() == 2) {
      source.format = float_format(source.dtype);
      source.n = tensor.shape[0];
      source.k = tensor.shape[1];
    }
    list.push_back(std::move(source));
  }
  return list;
}

}  // namespace drawbridge
