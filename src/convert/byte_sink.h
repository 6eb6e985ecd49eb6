// Where converted bytes go: a tensor writes itself piece by piece, so that memory does not grow with it.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

#include "base/result.h"

namespace drawbridge {

using ByteSink = std::function<Status(std::span<const std::byte>)>;

/// Writes all bytes of one tensor.
using TensorWriter = std::function<Status(const ByteSink&)>;

}  // namespace drawbridge
