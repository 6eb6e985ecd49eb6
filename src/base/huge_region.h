// HugeRegion: anonymous memory in huge pages where the system grants them: streaming gigabytes through 4 KiB pages
// costs a tenth and more of the bandwidth. Zeroed, page-aligned, movable, freed on destruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"

namespace drawbridge {

class HugeRegion {
 public:
  static Result<HugeRegion> allocate(int64_t n_bytes);

  HugeRegion(HugeRegion&& other) noexcept;
  HugeRegion& operator=(HugeRegion&& other) noexcept;
  ~HugeRegion();

  uint8_t* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  HugeRegion(uint8_t* data, int64_t size) : data_(data), size_(size) {}

  uint8_t* data_ = nullptr;
  int64_t size_ = 0;
};

/// How many this process has allocated.
int64_t n_huge_regions();

/// How much of the memory that `bytes` lie in is in huge pages, 0 to 1, as /proc/self/smaps says: the system grants
/// them or not. Nothing where it cannot be told, or none of the memory is there yet.
std::optional<double> huge_page_share(std::span<const uint8_t> bytes);

}  // namespace drawbridge
