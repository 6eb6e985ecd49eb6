// Choosing the largest scores with one fixed tie rule: higher score first, then lower index. NaN ranks below all.
//
// n scores of 4 bytes, about 6 passes over the cache (AVX-512) or a counting pass and a partition. Measured
// (lab/indexer.cpp), 2,048 of 16,384: 12 us with AVX-512, 55 us without, 680 us sorted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace drawbridge {

/// Indices of the `count` largest scores, in descending order of score.
std::vector<int32_t> largest_indices(std::span<const float> score, int64_t count);

/// The same choice for many scores, ascending: fills `out` with positions in `score`, which has at least as many.
/// `scratch` is work space, kept between calls.
void largest_positions(std::span<const float> score, std::span<int32_t> out, std::vector<uint32_t>& scratch);

/// Experts of one token by s + bias within the best groups (DeepSeek-V3 `noaux_tc`), best first.
/// A group's score is the sum of its two largest entries.
std::vector<int32_t> choose_experts(std::span<const float> biased, int64_t n_chosen, int64_t n_group,
                                    int64_t topk_group);

}  // namespace drawbridge
