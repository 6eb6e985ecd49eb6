// as_mxfp4: bf16 matrices whose every value is one that MXFP4 holds, in a quarter of the bytes. Such are the halves of
// kv_b_proj that came from MXFP4 along another axis, or from a GGUF that stores them apart.
#pragma once

#include <optional>

#include "tensor/matrix.h"
#include "weights/packed.h"

namespace drawbridge {

/// `w` in rows as MXFP4 with the same numbers, zeros' signs included, owned by `store`; nothing if one is not exact or
/// w is not bf16 in whole blocks.
std::optional<Matrix> as_mxfp4(const Matrix& w, PackedStore& store);

/// kv_b_proj as absorbed attention multiplies by it, owned by `store`: split, each half in MXFP4 where that is exact.
SplitKvB absorbed_kv_b(const Matrix& kv_b, int64_t n_heads, int64_t nope, PackedStore& store);

}  // namespace drawbridge
