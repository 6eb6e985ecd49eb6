// What the system says of a region's pages.
#include "base/huge_region.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>

namespace drawbridge {
namespace {

constexpr int64_t kBytes = 8 << 20;

TEST(HugeRegion, TellsItsShareOfHugePages) {
  auto region = HugeRegion::allocate(kBytes);
  ASSERT_TRUE(region.ok());
  std::memset(region->data(), 1, kBytes);
  const auto share = huge_page_share({region->data(), kBytes});
  ASSERT_TRUE(share.has_value());
  EXPECT_GE(*share, 0);
  EXPECT_LE(*share, 1);
}

TEST(HugeRegion, MemoryThatMustNotHaveAnyHasNone) {
  void* const small = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(small, MAP_FAILED);
  ASSERT_EQ(::madvise(small, kBytes, MADV_NOHUGEPAGE), 0);
  EXPECT_FALSE(huge_page_share({static_cast<uint8_t*>(small), kBytes}).has_value()) << "nothing is there yet";
  std::memset(small, 1, kBytes);
  EXPECT_EQ(huge_page_share({static_cast<uint8_t*>(small), kBytes}), 0.0);
  ::munmap(small, kBytes);
}

}  // namespace
}  // namespace drawbridge
