// For tests: rows of a made-up device.
#pragma once

#include "tuned/row.h"

namespace drawbridge {

inline TunedDevice test_device() {
  return {"Test CPU", "avx512", 2};
}

inline ProductKey moe_key(int64_t experts = 33, int64_t experts_per_token = 5) {
  return {ProductStage::kMoeHidden, WeightFormat::kMxfp4, PanelInput::kBf16, 512, 1024, experts, experts_per_token};
}

inline TunedRow test_row(int64_t n_tokens, const TilePlan& plan, const ProductKey& product = moe_key()) {
  TunedRow row;
  row.key = {test_device(), product, n_tokens};
  row.plan = plan;
  row.us = 80.5;
  row.default_us = 100.25;
  row.max_error = 1e-6;
  row.candidates = {{plan, 80.5}, {{3, true, 2}, 100.25}, {{16, false, 1}, std::nullopt}};
  row.date = "2026-11-24";
  row.machine = "here";
  row.version = "0.1.0";
  return row;
}

}  // namespace drawbridge
