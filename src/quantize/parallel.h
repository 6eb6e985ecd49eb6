// Runs independent jobs on threads. Which thread runs a job must not matter to its result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "base/result.h"

namespace drawbridge {

/// Calls job(i) for each i in [0, count) on `n_threads` threads, in about this order. After a failure no further job
/// starts; of several failures the one with the smallest i is returned.
Status run_parallel(size_t count, int64_t n_threads, const std::function<Status(size_t)>& job);

}  // namespace drawbridge
