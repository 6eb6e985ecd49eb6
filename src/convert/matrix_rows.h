// Rows of our matrices as ggml stores them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "gguf/ggml_type.h"
#include "tensor/matrix.h"

namespace drawbridge {

/// The type that holds the same numbers; nothing for FP8 blocks, which ggml lacks.
std::optional<GgmlType> same_ggml_type(WeightFormat format);

/// Appends row `n` of `w` to `out`: reordered where `type` holds the same numbers, rounded to nearest elsewhere. Fails
/// on a value that `type` cannot hold; `name` is the matrix's, for the message.
Status append_row(const Matrix& w, int64_t n, GgmlType type, const std::string& name, std::vector<std::byte>& out);

/// Appends f32 values as one row.
Status append_values(std::span<const float> row, GgmlType type, const std::string& name, std::vector<std::byte>& out);

}  // namespace drawbridge
