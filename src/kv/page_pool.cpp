#include "kv/page_pool.h"

namespace drawbridge {

PagePool::PagePool(int64_t n_pages) : taken_(static_cast<size_t>(n_pages), false) {
  for (int64_t page = n_pages - 1; page >= 0; --page) free_.push_back(static_cast<int32_t>(page));
}

std::optional<int32_t> PagePool::take() {
  if (free_.empty()) return std::nullopt;
  const int32_t page = free_.back();
  free_.pop_back();
  taken_[static_cast<size_t>(page)] = true;
  return page;
}

void PagePool::release(std::span<const int32_t> pages) {
  for (const int32_t page : pages) {
    DB_CHECK(page >= 0 && page < n_total() && taken_[static_cast<size_t>(page)]);
    taken_[static_cast<size_t>(page)] = false;
    free_.push_back(page);
  }
}

Status PagePool::check_integrity(std::span<const int32_t> in_use) const {
  std::vector<bool> seen(taken_.size(), false);
  for (const int32_t page : in_use) {
    const auto i = static_cast<size_t>(page);
    if (i >= taken_.size() || !taken_[i]) return fail(Code::kInternal, "page {} is in use but not handed out", page);
    if (seen[i]) return fail(Code::kInternal, "page {} has two owners", page);
    seen[i] = true;
  }
  const auto n_taken = n_total() - n_free();
  if (static_cast<int64_t>(in_use.size()) != n_taken) {
    return fail(Code::kInternal, "{} pages are handed out, {} are in use: {} leaked", n_taken, in_use.size(),
                n_taken - static_cast<int64_t>(in_use.size()));
  }
  return Status();
}

}  // namespace drawbridge
