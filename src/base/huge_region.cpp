#include "base/huge_region.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace drawbridge {
namespace {

constexpr int64_t kHugePage = 2 << 20;

}  // namespace

/// A mapping that is a whole number of huge pages is placed at the start of one (Linux 6.7 and later). Whether the
/// system gives huge pages is its own choice; without them the region is only slower.
Result<HugeRegion> HugeRegion::allocate(int64_t n_bytes) {
  const int64_t page = n_bytes >= kHugePage ? kHugePage : 4096;
  const int64_t size = (std::max<int64_t>(n_bytes, 1) + page - 1) / page * page;
  void* const data =
      ::mmap(nullptr, static_cast<size_t>(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return fail(Code::kResourceExhausted, "memory: cannot allocate {} bytes: {}", n_bytes, std::strerror(errno));
  }
  ::madvise(data, static_cast<size_t>(size), MADV_HUGEPAGE);
  return HugeRegion(static_cast<uint8_t*>(data), size);
}

HugeRegion::HugeRegion(HugeRegion&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HugeRegion& HugeRegion::operator=(HugeRegion&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

HugeRegion::~HugeRegion() {
  if (data_ != nullptr) ::munmap(data_, static_cast<size_t>(size_));
}

}  // namespace drawbridge
