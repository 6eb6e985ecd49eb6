// Coverage: which of the products that a model will ask for have a measured plan.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tuned/plans.h"

namespace drawbridge {

/// A product of a model.
struct ExpectedProduct {
  ProductKey key;
  bool one_row_a_request = false;  // the output head: only rows that want logits go through it
};

/// What a server will step: decoding of up to max_running requests, and chunks of prompts of up to max_step_tokens.
struct ExpectedTraffic {
  int64_t max_running = 32;
  int64_t max_step_tokens = 512;
};

struct ProductCoverage {
  ExpectedProduct product;
  std::vector<std::pair<int64_t, FoundPlan>> buckets;  // every bucket of the traffic
};

struct Coverage {
  std::vector<ProductCoverage> products;
  std::array<int64_t, kPlanOrigins> n = {};  // buckets of all products by origin, each counted once

  int64_t total() const;
  /// Neither measured nor imported: "moe_hidden mxfp4 x bf16 N=512 K=1024 E=33 topk=5 tokens=1,2,512".
  std::vector<std::string> missing() const;
  /// "62 % measured, 38 % default": origins that occur.
  std::string shares() const;
};

/// The products that `plans` was asked for in a step of `n_tokens` tokens of one request.
std::vector<ExpectedProduct> products_seen(const TunedPlans& plans, int64_t n_tokens);
/// The buckets that the traffic reaches.
std::vector<int64_t> expected_buckets(const ExpectedProduct& product, const ExpectedTraffic& traffic);
Coverage coverage_of(const DevicePlans& plans, const std::vector<ExpectedProduct>& products,
                     const ExpectedTraffic& traffic);

}  // namespace drawbridge
