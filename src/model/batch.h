// Batch: the tokens of one step, of any number of requests, prompt chunks and single tokens alike.
#pragma once

#include <cstdint>
#include <span>

#include "tensor/paged.h"

namespace drawbridge {

struct Batch {
  std::span<const int32_t> token;      // [T]
  std::span<const int32_t> pos;        // [T] position within the request
  std::span<const int32_t> slot;       // [T] where the caches store the token
  RowMap map;                          // row -> request -> pages
  std::span<const int32_t> logit_row;  // [R] rows that want logits

  int64_t n_tokens() const { return static_cast<int64_t>(token.size()); }
};

}  // namespace drawbridge
