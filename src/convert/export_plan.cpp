#include "convert/export_plan.h"

#include <optional>

#include "checkpoint/matrix_source.h"
#include "convert/kv_b.h"
#include "convert/matrix_rows.h"
#include "convert/tensor_map.h"
#include "gguf/ggml_blocks.h"
#include "model/inventory.h"
#include "model/tensor_names.h"

namespace drawbridge {
namespace {

constexpr size_t kPieceBytes = 4 << 20;

/// Matrices of one shape, one after another: a stack of experts, or a single one.
TensorWriter write_stack(std::vector<Matrix> stack, GgmlType type, std::string name) {
  return [stack = std::move(stack), type, name = std::move(name)](const ByteSink& sink) {
    std::vector<std::byte> piece;
    for (const Matrix& matrix : stack) {
      for (int64_t n = 0; n < matrix.n; ++n) {
        DB_TRY(append_row(matrix, n, type, name, piece));
        if (piece.size() < kPieceBytes) continue;
        DB_TRY(sink(piece));
        piece.clear();
      }
    }
    return piece.empty() ? Status() : sink(piece);
  };
}

class Planner {
 public:
  Planner(const Glm52Config& config, const Checkpoint& checkpoint, ExportType type)
      : c_(config), file_(checkpoint), type_(type), mtp_(find_mtp_names(config, checkpoint).value_or(MtpNames())) {}

  Result<ExportPlan> run() {
    const auto expected = expected_tensors(c_);
    for (size_t i = 0; i < expected.size(); ++i) {
      const ExpectedTensor& tensor = expected[i];
      if (tensor.shape.size() == 1) {
        DB_TRY(add_vector(tensor));
      } else if (is_kv_b(tensor)) {
        DB_TRY(add_kv_b(tensor));
      } else if (tensor.part != ModelPart::kRoutedExpert) {
        DB_TRY(add_matrix(tensor));
      } else if (gguf_place(tensor)->expert == 0) {
        DB_TRY(add_experts(expected, i));
      }
    }
    say("attn_k_b: no block type survives transposing, so it is written as float: ", loosened_);
    say("rows that are no multiple of 32 are written as BF16: ", ragged_);
    return std::move(plan_);
  }

 private:
  Status add_vector(const ExpectedTensor& tensor) {
    const std::string name = stored_name(c_, tensor, mtp_);
    DB_ASSIGN(std::vector<float> values, find_vector(file_, name, tensor.shape[0]));
    add(gguf_place(tensor)->name, GgmlType::kF32, tensor.shape,
        [values = std::move(values)](const ByteSink& sink) { return sink(std::as_bytes(std::span(values))); });
    return Status();
  }

  Status add_matrix(const ExpectedTensor& tensor) {
    DB_ASSIGN(const Matrix matrix, find(tensor));
    const std::string name = stored_name(c_, tensor, mtp_);
    const bool is_small = tensor.part == ModelPart::kRouter || tensor.name.ends_with("indexer.weights_proj.weight");
    DB_ASSIGN(const GgmlType type, is_small ? Result<GgmlType>(GgmlType::kF32) : type_of(tensor, matrix, matrix.k));
    add(gguf_place(tensor)->name, type, tensor.shape, write_stack({matrix}, type, name));
    return Status();
  }

  /// All experts' matrices of the kind of expected[first], the first expert's.
  Status add_experts(const std::vector<ExpectedTensor>& expected, size_t first) {
    constexpr size_t kMatrices = 3;  // of an expert
    std::vector<Matrix> stack;
    for (int64_t e = 0; e < c_.n_experts; ++e) {
      const ExpectedTensor& tensor = expected[first + static_cast<size_t>(e) * kMatrices];
      DB_ASSIGN(const Matrix matrix, find(tensor));
      if (type_ == ExportType::kKeep && !stack.empty() && matrix.format != stack[0].format) {
        return fail(Code::kUnsupported,
                    "{}: is {}, but {} is {}: a GGUF file stacks all experts in one type; choose it with --type",
                    tensor.name, weight_format_name(matrix.format), expected[first].name,
                    weight_format_name(stack[0].format));
      }
      stack.push_back(matrix);
    }
    const ExpectedTensor& tensor = expected[first];
    DB_ASSIGN(const GgmlType type, type_of(tensor, stack[0], stack[0].k));
    add(gguf_place(tensor)->name, type, {c_.n_experts, stack[0].n, stack[0].k}, write_stack(stack, type, tensor.name));
    return Status();
  }

  Status add_kv_b(const ExpectedTensor& tensor) {
    DB_ASSIGN(const Matrix kv_b, find(tensor));
    const std::string name = stored_name(c_, tensor, mtp_), prefix = gguf_layer_prefix(tensor.layer);
    DB_ASSIGN(GgmlType k_type, type_of(tensor, kv_b, c_.qk_nope));
    if (type_ == ExportType::kKeep && ggml_block_elements(k_type) > 1) {
      k_type = exact_k_b_type(c_, kv_b);
      loosened_.push_back(name);
    }
    DB_ASSIGN(const GgmlType v_type, type_of(tensor, kv_b, c_.kv_lora));
    const auto write_k = [this_config = &c_, kv_b, k_type, name](const ByteSink& sink) {
      return split_k_b(*this_config, kv_b, k_type, name, sink);
    };
    const auto write_v = [this_config = &c_, kv_b, v_type, name](const ByteSink& sink) {
      return split_v_b(*this_config, kv_b, v_type, name, sink);
    };
    add(prefix + "attn_k_b.weight", k_type, {c_.n_heads, c_.kv_lora, c_.qk_nope}, write_k);
    add(prefix + "attn_v_b.weight", v_type, {c_.n_heads, c_.v_head, c_.kv_lora}, write_v);
    return Status();
  }

  void add(const std::string& name, GgmlType type, std::vector<int64_t> shape, TensorWriter write) {
    plan_.tensors.push_back({{name, type, std::move(shape)}, std::move(write)});
  }

  /// The stored matrix, also out of a fused stack.
  Result<Matrix> find(const ExpectedTensor& tensor) const {
    const std::string name = stored_name(c_, tensor, mtp_);
    const int64_t n = tensor.shape[0], k = tensor.shape[1];
    if (tensor.part == ModelPart::kRoutedExpert) {
      const std::string mlp_prefix = name.substr(0, name.find("experts."));
      if (has_stacked_experts(file_, mlp_prefix)) return find_in_stack(tensor, mlp_prefix + "experts.");
    }
    return find_matrix(file_, name.substr(0, name.size() - std::string_view(".weight").size()), n, k);
  }

  Result<Matrix> find_in_stack(const ExpectedTensor& tensor, const std::string& prefix) const {
    const int64_t n = tensor.shape[0], k = tensor.shape[1], expert = gguf_place(tensor)->expert;
    if (tensor.name.ends_with(".down_proj.weight")) {
      return find_stacked_matrix(file_, prefix + "down_proj", expert, {c_.n_experts, n, k});
    }
    DB_ASSIGN(const Matrix gate_up,
              find_stacked_matrix(file_, prefix + "gate_up_proj", expert, {c_.n_experts, 2 * n, k}));
    return matrix_rows(gate_up, tensor.name.ends_with(".gate_proj.weight") ? 0 : n, n);
  }

  /// The type of a matrix whose rows have `k` elements in the GGUF file.
  Result<GgmlType> type_of(const ExpectedTensor& tensor, const Matrix& matrix, int64_t k) {
    GgmlType type = GgmlType::kBF16;
    if (type_ == ExportType::kKeep) {
      const auto same = same_ggml_type(matrix.format);
      if (!same) {
        return fail(Code::kUnsupported, "{}: is {}, which ggml lacks; choose what it becomes: --type bf16 or q8_0",
                    tensor.name, weight_format_name(matrix.format));
      }
      type = *same;
    } else if (type_ == ExportType::kF16) {
      type = GgmlType::kF16;
    } else if (type_ != ExportType::kBF16) {
      const bool is_table = tensor.part == ModelPart::kEmbedding || tensor.part == ModelPart::kHead;
      type = type_ == ExportType::kMxfp4 && !is_table ? GgmlType::kMxfp4 : GgmlType::kQ8_0;
    }
    if (k % ggml_block_elements(type) == 0 || type_ == ExportType::kKeep) return type;
    ragged_.push_back(tensor.name);
    return GgmlType::kBF16;
  }

  void say(const std::string& what, const std::vector<std::string>& names) {
    for (const std::string& line : group_names(names)) plan_.notices.push_back(what + line);
  }

  const Glm52Config& c_;
  const Checkpoint& file_;
  const ExportType type_;
  const MtpNames mtp_;
  ExportPlan plan_;
  std::vector<std::string> loosened_;  // kv_b_proj of a block type whose k part became float
  std::vector<std::string> ragged_;
};

}  // namespace

Result<ExportPlan> plan_export(const Glm52Config& config, const Checkpoint& checkpoint, ExportType type) {
  return Planner(config, checkpoint, type).run();
}

}  // namespace drawbridge
