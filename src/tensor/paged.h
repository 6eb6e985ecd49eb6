// PagedView and RowMap: how ops see a paged cache. Pages are integers handed out by kv/; the bytes lie in one buffer.
#pragma once

#include <cstdint>

#include "tensor/kv_format.h"

namespace drawbridge {

/// Values that kv_write stored in a layer's cache as fp8, and how many of them it clipped.
struct KvCounts {
  int64_t n_written = 0;
  int64_t n_clipped = 0;
};

/// One layer's cache: rows [n_pages, page_size]. Slot s of the cache is page s / page_size, place s % page_size.
struct PagedView {
  void* data = nullptr;
  KvFormat format;
  int64_t n_pages = 0;
  int64_t page_size = 0;       // tokens
  KvCounts* counts = nullptr;  // of kv_write; null: not counted

  int64_t n_slots() const { return n_pages * page_size; }
  uint8_t* row(int64_t slot) const { return static_cast<uint8_t*>(data) + slot * format.row_bytes; }
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
