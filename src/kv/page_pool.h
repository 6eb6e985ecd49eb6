// PagePool: which pages of the cache are free. Pages are integers; the bytes are the engine's.
// Invariant: every page is either free or handed out, exactly once. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"

namespace drawbridge {

class PagePool {
 public:
  explicit PagePool(int64_t n_pages);

  /// A free page, or nothing when all are handed out.
  std::optional<int32_t> take();
  /// Gives pages back; each must have been taken.
  void release(std::span<const int32_t> pages);

  int64_t n_total() const { return static_cast<int64_t>(taken_.size()); }
  int64_t n_free() const { return static_cast<int64_t>(free_.size()); }

  /// Checks that `in_use`, the pages that their owners know of, are exactly the pages handed out, each once.
  Status check_integrity(std::span<const int32_t> in_use) const;

 private:
  std::vector<int32_t> free_;
  std::vector<bool> taken_;  // [n_pages]
};

}  // namespace drawbridge
