#include "backend/cpu/expert_rows.h"

#include <gtest/gtest.h>

namespace drawbridge {
namespace {

TEST(ExpertRows, SortsSlotsByExpertAndKeepsTheOrderOfRows) {
  std::vector<int32_t> expert = {4, 1, -9, 1, 0, -9, 4, 1, -9};  // two a row, rows three apart
  View view = dense_view(expert.data(), DType::kI32, {3, 2});
  view.stride[0] = 3;
  ExpertRows rows;
  for (int again = 0; again < 2; ++again) {
    rows.sort(view, 6);
    EXPECT_EQ(rows.n_slots(), 6);
    EXPECT_EQ(rows.active(), (std::vector<int32_t>{0, 1, 4}));
    EXPECT_EQ(rows.n_rows(1), 3);
    EXPECT_EQ(rows.n_rows(2), 0);
    const std::vector<int32_t> tokens(rows.tokens(0), rows.tokens(0) + 6);
    EXPECT_EQ(tokens, (std::vector<int32_t>{1, 0, 1, 2, 0, 2}));
    const std::vector<int32_t> slots(rows.slots(0), rows.slots(0) + 6);
    EXPECT_EQ(slots, (std::vector<int32_t>{3, 1, 2, 5, 0, 4}));
  }
}

}  // namespace
}  // namespace drawbridge
