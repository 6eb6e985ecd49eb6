// PagedView and RowMap: how ops see a paged cache. Pages are integers handed out by kv/; the bytes lie in one buffer.
#pragma once

#include <cstdint>

#include "tensor/dtype.h"

namespace drawbridge {

/// One layer's cache: [n_pages, page_size, width], f32 or bf16. Slot s of the cache is page s / page_size, place
/// s % page_size.
struct PagedView {
  void* data = nullptr;
  DType dtype = DType::kBF16;
  int64_t n_pages = 0;
  int64_t page_size = 0;  // tokens
  int64_t width = 0;      // elements a token: 512 + 64 for the latent, 128 for the index key
};

/// For each row (token) of a step: which request's page table it reads through.
struct RowMap {
  const int32_t* request = nullptr;     // [T] row -> row of `page_table`
  const int32_t* page_table = nullptr;  // [n_requests, max_pages] position / page_size -> page
  int64_t max_pages = 0;
  int64_t n_requests = 0;
};

/// Slot of position `pos` for row t.
inline int64_t slot_of(const RowMap& map, int64_t page_size, int64_t t, int64_t pos) {
  const int64_t page = map.page_table[map.request[t] * map.max_pages + pos / page_size];
  return page * page_size + pos % page_size;
}

}  // namespace drawbridge
