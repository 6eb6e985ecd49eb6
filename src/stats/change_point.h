// Where the mean of a series changes.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace drawbridge {

/// The place in [1, last] that parts the series into the two most different means, in standard errors, if a difference
/// as large is found in fewer than 5 % of the orders into which the values can be shuffled. Values should be means over
/// stretches so long that they hardly depend on each other. Absent: no change, or fewer than eight values.
std::optional<size_t> change_point(std::span<const double> series, size_t last, uint64_t seed);

}  // namespace drawbridge
