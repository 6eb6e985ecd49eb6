// The bytes of a generated tensor: a pure function of seed, tensor name and place, so neither order nor sharding nor
// the size of the pieces changes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "synth/stored_plan.h"

namespace drawbridge {

/// Fills `out` with bytes [from, from + out.size()) of the tensor's data; `from` is a multiple of 64. Matrices are
/// drawn so that a product with inputs of unit variance has about unit variance: activations stay finite at any depth.
void draw_bytes(const PlannedTensor& tensor, uint64_t seed, int64_t from, std::span<std::byte> out);

}  // namespace drawbridge
