// How many questions a non-inferiority test needs: one-sided 5 %, power 80 %, if the candidate is truly as good.
#pragma once

#include <cstdint>

namespace drawbridge {

/// Questions for each of two independent samples of systems that are right with probability `accuracy`.
int64_t unpaired_sample_size(double accuracy, double margin);
/// Shared questions, if the systems differ on a share `discordance` of them (for scores between 0 and 1: the mean
/// squared difference).
int64_t paired_sample_size(double discordance, double margin);

}  // namespace drawbridge
