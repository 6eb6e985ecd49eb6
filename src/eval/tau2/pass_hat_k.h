// pass^k: the chance that k trials of a task all succeed, averaged over the tasks (tau-bench, arXiv 2406.12045).
#pragma once

#include <vector>

#include "eval/result.h"

namespace drawbridge::tau2 {

/// For k = 1 to the trials of the task that has fewest; a trial succeeds if its score is 1.
std::vector<double> pass_hat_k(const TaskResult& result);

}  // namespace drawbridge::tau2
