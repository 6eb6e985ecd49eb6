// The element types of GGUF that we convert, with ggml's own numbers. Sources: ggml.h (enum ggml_type), ggml-common.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace drawbridge {

enum class GgmlType : uint32_t { kF32 = 0, kF16 = 1, kQ8_0 = 8, kBF16 = 30, kMxfp4 = 39 };

/// The type of this number; nothing for one that we do not convert.
std::optional<GgmlType> ggml_type_from_number(uint32_t number);
/// ggml's spelling: "BF16", "Q8_0".
const char* ggml_type_name(GgmlType type);
/// For messages, any number: "12 (Q4_K)", or "77" where ggml knows none.
std::string describe_ggml_type(uint32_t number);

/// Elements of one block: they share a scale and are stored together; 1 for the float types.
int64_t ggml_block_elements(GgmlType type);
int64_t ggml_block_bytes(GgmlType type);
/// Bytes of a row of `k` elements, a multiple of the block.
int64_t ggml_row_bytes(GgmlType type, int64_t k);

}  // namespace drawbridge
