#include "convert/import_plan.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "convert/float_rows.h"
#include "convert/kv_b.h"
#include "convert/tensor_map.h"
#include "gguf/ggml_blocks.h"
#include "model/inventory.h"

namespace drawbridge {
namespace {

/// Rows of a tensor that become one of ours.
struct Source {
  GgmlType type = GgmlType::kF32;
  std::span<const std::byte> data;
  int64_t rows = 0;
  int64_t k = 0;
};

/// Calls `visit` with each block of a block type.
template <typename Visit>
void for_each_block(const Source& source, Visit visit) {
  const auto bytes = static_cast<size_t>(ggml_block_bytes(source.type));
  for (size_t at = 0; at < source.data.size(); at += bytes) visit(source.data.data() + at);
}

/// Collects `piece_bytes` of each block and passes them on in pieces of a few MiB.
template <typename Append>
Status write_blocks(const Source& source, const ByteSink& sink, Append append) {
  constexpr size_t kPieceBytes = 4 << 20;
  std::vector<std::byte> piece;
  Status status;
  for_each_block(source, [&](const std::byte* block) {
    if (!status.ok()) return;
    append(block, piece);
    if (piece.size() < kPieceBytes) return;
    status = sink(piece);
    piece.clear();
  });
  DB_TRY(std::move(status));
  return piece.empty() ? Status() : sink(piece);
}

TensorWriter write_as_is(Source source) {
  return [source](const ByteSink& sink) { return sink(source.data); };
}

TensorWriter write_narrowed(Source source) {
  return [source](const ByteSink& sink) {
    std::vector<float> row(static_cast<size_t>(source.k));
    std::vector<std::byte> bytes;
    for (int64_t i = 0; i < source.rows; ++i) {
      decode_ggml_row(source.type, source.data.data() + i * ggml_row_bytes(source.type, source.k), source.k,
                      row.data());
      encode_floats(DType::kBF16, row, bytes);
      DB_TRY(sink(bytes));
    }
    return Status();
  };
}

ImportedMatrix import_mxfp4(const std::string& name, const Source& source) {
  const auto codes = [source](const ByteSink& sink) {
    return write_blocks(source, sink, [](const std::byte* block, std::vector<std::byte>& piece) {
      uint8_t pairs[kGgmlBlock / 2];
      unpack_mxfp4_block(block, pairs);
      const auto* bytes = reinterpret_cast<const std::byte*>(pairs);
      piece.insert(piece.end(), bytes, bytes + sizeof(pairs));
    });
  };
  const auto scales = [source](const ByteSink& sink) {
    return write_blocks(source, sink,
                        [](const std::byte* block, std::vector<std::byte>& piece) { piece.push_back(block[0]); });
  };
  return {{{name, DType::kU8, {source.rows, source.k / 2}}, codes},
          {{name + "_scale", DType::kU8, {source.rows, source.k / kGgmlBlock}}, scales}};
}

ImportedMatrix import_q8_0(const std::string& name, const Source& source) {
  const auto codes = [source](const ByteSink& sink) {
    return write_blocks(source, sink, [](const std::byte* block, std::vector<std::byte>& piece) {
      piece.insert(piece.end(), block + 2, block + 2 + kGgmlBlock);
    });
  };
  const auto scales = [source](const ByteSink& sink) {
    return write_blocks(source, sink, [](const std::byte* block, std::vector<std::byte>& piece) {
      piece.insert(piece.end(), block, block + 2);
    });
  };
  return {{{name, DType::kI8, {source.rows, source.k}}, codes},
          {{name + "_scale", DType::kF16, {source.rows, source.k / kGgmlBlock}}, scales}};
}

class Planner {
 public:
  Planner(const GgufFile& file, const Glm52Config& config) : file_(file), c_(config) {}

  Result<ImportPlan> run() {
    for (const ExpectedTensor& tensor : expected_tensors(c_)) {
      DB_TRY(is_kv_b(tensor) ? add_kv_b(tensor) : add(tensor));
    }
    DB_TRY(check_rest());
    return std::move(plan_);
  }

 private:
  Result<const GgufTensor*> require(const std::string& name, const std::vector<int64_t>& shape) {
    const GgufTensor* tensor = file_.find(name);
    if (tensor == nullptr) return fail(Code::kNotFound, "{}: tensor {}: missing", file_.path(), name);
    if (tensor->shape != shape) {
      return fail(Code::kCorrupt, "{}: tensor {}: wanted [{}], found {}", file_.path(), name, fmt::join(shape, ", "),
                  describe_gguf_tensor(*tensor));
    }
    used_.insert(name);
    return tensor;
  }

  Status add(const ExpectedTensor& tensor) {
    const GgufPlace place = *gguf_place(tensor);
    std::vector<int64_t> shape = tensor.shape;
    if (place.expert >= 0) shape.insert(shape.begin(), c_.n_experts);
    DB_ASSIGN(const GgufTensor* stored, require(place.name, shape));
    const bool is_vector = tensor.shape.size() == 1;
    Source source{stored->type, stored->data, is_vector ? 1 : tensor.shape[0], tensor.shape.back()};
    if (place.expert >= 0) {
      const auto bytes = static_cast<size_t>(source.rows * ggml_row_bytes(source.type, source.k));
      source.data = stored->data.subspan(static_cast<size_t>(place.expert) * bytes, bytes);
    }
    return add_source(tensor, source, place.name);
  }

  Status add_source(const ExpectedTensor& tensor, const Source& source, const std::string& stored_name) {
    const bool is_vector = tensor.shape.size() == 1;
    const bool is_block = ggml_block_elements(source.type) > 1;
    if (is_block && is_vector) {
      return fail(Code::kUnsupported, "{}: tensor {}: wanted F32, F16 or BF16 for a vector, found {}", file_.path(),
                  stored_name, ggml_type_name(source.type));
    }
    if (source.type == GgmlType::kMxfp4) {
      DB_TRY(check_mxfp4_scales(source, stored_name));
      plan_.modules.push_back({module_of(tensor), WeightFormat::kMxfp4});
      plan_.matrices.push_back(import_mxfp4(tensor.name, source));
      return Status();
    }
    if (source.type == GgmlType::kQ8_0) {
      plan_.modules.push_back({module_of(tensor), WeightFormat::kQ8});
      plan_.matrices.push_back(import_q8_0(tensor.name, source));
      return Status();
    }
    if (!is_vector) plan_.modules.push_back({module_of(tensor), WeightFormat::kBF16});
    plan_.matrices.push_back({import_float(tensor, source)});
    return Status();
  }

  /// F32 that holds bf16 values becomes BF16, what it was: llama.cpp stores norms and routers as F32. The router's bias
  /// is F32 in every checkpoint.
  static ImportedTensor import_float(const ExpectedTensor& tensor, const Source& source) {
    if (source.type == GgmlType::kF16) return {{tensor.name, DType::kF16, tensor.shape}, write_as_is(source)};
    if (source.type == GgmlType::kBF16) return {{tensor.name, DType::kBF16, tensor.shape}, write_as_is(source)};
    const bool is_bias = tensor.name.ends_with("e_score_correction_bias");
    if (is_bias || !is_bf16(source)) return {{tensor.name, DType::kF32, tensor.shape}, write_as_is(source)};
    return {{tensor.name, DType::kBF16, tensor.shape}, write_narrowed(source)};
  }

  /// Whether every f32 of `source` is a bf16 with 16 zero bits behind it.
  static bool is_bf16(const Source& source) {
    for (size_t at = 0; at < source.data.size(); at += 4) {
      if (source.data[at] != std::byte{0} || source.data[at + 1] != std::byte{0}) return false;
    }
    return true;
  }

  Status check_mxfp4_scales(const Source& source, const std::string& name) const {
    int64_t n_nan = 0;
    for_each_block(source, [&n_nan](const std::byte* block) { n_nan += block[0] == std::byte{255} ? 1 : 0; });
    if (n_nan == 0) return Status();
    return fail(Code::kCorrupt, "{}: tensor {}: {} scale bytes are 255 (NaN)", file_.path(), name, n_nan);
  }

  Status add_kv_b(const ExpectedTensor& tensor) {
    const std::string prefix = gguf_layer_prefix(tensor.layer);
    KvBParts parts;
    DB_ASSIGN(parts.k_b, require(prefix + "attn_k_b.weight", {c_.n_heads, c_.kv_lora, c_.qk_nope}));
    DB_ASSIGN(parts.v_b, require(prefix + "attn_v_b.weight", {c_.n_heads, c_.v_head, c_.kv_lora}));
    const DType dtype = joined_type(c_, parts);
    if (dtype == DType::kF32) wide_.push_back(tensor.name);
    plan_.modules.push_back({module_of(tensor), WeightFormat::kBF16});
    const auto write = [this_config = &c_, parts, dtype](const ByteSink& sink) {
      return join_kv_b(*this_config, parts, dtype, sink);
    };
    plan_.matrices.push_back({{{tensor.name, dtype, tensor.shape}, write}});
    return Status();
  }

  static std::string module_of(const ExpectedTensor& tensor) {
    return tensor.name.substr(0, tensor.name.size() - std::string_view(".weight").size());
  }

  /// What the file holds besides: refused where dropping it would change the model, else said.
  Status check_rest() {
    DB_TRY(check_copy("nextn.embed_tokens.weight", "token_embd.weight"));
    DB_TRY(check_copy("nextn.shared_head_head.weight", c_.tied_embeddings ? "token_embd.weight" : "output.weight"));
    std::vector<std::string> unused, placeholders;
    for (const auto& [name, tensor] : file_.tensors()) {
      if (used_.count(name) != 0) continue;
      (name.find(".indexer.") == std::string::npos ? unused : placeholders).push_back(name);
    }
    if (!placeholders.empty()) {
      plan_.notices.push_back(
          fmt::format("{} indexer tensors of shared layers, the first {}: not converted, these layers take the "
                      "selection of an earlier one",
                      placeholders.size(), placeholders[0]));
    }
    for (const std::string& line : group_names(unused))
      plan_.notices.push_back(line + ": not converted, nothing reads it");
    for (const std::string& line : group_names(wide_)) {
      plan_.notices.push_back(line + ": written as F32, since no 16-bit type holds its values exactly");
    }
    return Status();
  }

  /// The MTP layer of a glm_moe_dsa model has no table of its own; a copy of the model's may be dropped.
  Status check_copy(const std::string& suffix, const std::string& original_name) const {
    const std::string name = gguf_layer_prefix(c_.n_layers) + suffix;
    const GgufTensor* copy = file_.find(name);
    if (copy == nullptr) return Status();
    const GgufTensor* original = file_.find(original_name);
    if (original != nullptr && original->type == copy->type && std::ranges::equal(original->data, copy->data)) {
      return Status();
    }
    return fail(Code::kUnsupported, "{}: tensor {}: wanted none, or a copy of {}: the MTP layer uses the model's",
                file_.path(), name, original_name);
  }

  const GgufFile& file_;
  const Glm52Config& c_;
  ImportPlan plan_;
  std::set<std::string> used_;
  std::vector<std::string> wide_;  // kv_b_proj that only f32 holds
};

}  // namespace

Result<ImportPlan> plan_import(const GgufFile& file, const Glm52Config& config) {
  return Planner(file, config).run();
}

}  // namespace drawbridge
