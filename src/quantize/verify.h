// Reads a finished file back from disk and compares each tensor with the hash that was taken before it was written.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "checkpoint/safetensors_writer.h"
#include "quantize/journal.h"

namespace drawbridge {

/// Errors: a tensor that is missing, that nobody wrote, or whose bytes are others, by name. Threads: `progress` is
/// called from all of them.
Status verify_shard(const std::string& path, const std::vector<TensorSpec>& wanted,
                    const std::vector<TensorDigest>& tensors, int64_t n_threads,
                    const std::function<void(int64_t bytes)>& progress);

}  // namespace drawbridge
