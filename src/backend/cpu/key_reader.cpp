#include "backend/cpu/key_reader.h"

#include "base/check.h"

namespace drawbridge {
namespace {

constexpr int64_t kRowAlignment = 64;  // bytes

/// Rows of a request by position; the division is spared within a page.
class PageWalk {
 public:
  PageWalk(const PagedView& cache, const RowMap& map, int64_t t)
      : cache_(cache), pages_(map.page_table + map.request[t] * map.max_pages) {}

  const uint8_t* row(int64_t position) {
    if (position < first_ || position >= first_ + cache_.page_size) {
      const int64_t page = position / cache_.page_size;
      first_ = page * cache_.page_size;
      page_ = cache_.row(pages_[page] * cache_.page_size);
    }
    return page_ + (position - first_) * cache_.format.row_bytes;
  }

 private:
  const PagedView& cache_;
  const int32_t* pages_;
  int64_t first_ = INT64_MIN / 2;  // position of the present page's first row
  const uint8_t* page_ = nullptr;
};

}  // namespace

KeyRows KeyReader::at(const KeySource& source, int64_t t, const int32_t* position, int64_t n) {
  DB_CHECK(n <= kKeyChunk);
  PageWalk walk(source.cache, source.map, t);
  for (int64_t k = 0; k < n; ++k) row_[k] = walk.row(position[k]);
  return rows(source, n);
}

KeyRows KeyReader::range(const KeySource& source, int64_t t, int64_t first, int64_t n) {
  DB_CHECK(n <= kKeyChunk);
  PageWalk walk(source.cache, source.map, t);
  for (int64_t k = 0; k < n; ++k) row_[k] = walk.row(first + k);
  return rows(source, n);
}

KeyRows KeyReader::rows(const KeySource& source, int64_t n) {
  if (source.is_fp8()) {
    const KvFormat& format = source.cache.format;
    const int64_t bytes = format.width * (source.round ? 2 : 4);
    const int64_t stride = (bytes + kRowAlignment - 1) / kRowAlignment * kRowAlignment;
    auto* const decoded = decoded_.room<uint8_t>(kKeyChunk * stride);
    if (static_cast<int64_t>(decoded_from_.size()) < n) decoded_from_.resize(static_cast<size_t>(n), nullptr);
    for (int64_t k = 0; k < n; ++k) {
      const void*& from = decoded_from_[static_cast<size_t>(k)];
      if (from != row_[k]) source.kernels.decode_key(decoded + k * stride, format, row_[k], source.round);
      from = row_[k];
      row_[k] = decoded + k * stride;
    }
  }
  return {row_, n, source.is_bf16()};
}

}  // namespace drawbridge
