#include "model/kv_cache.h"

namespace drawbridge {

KvBytes kv_bytes_per_token(const Glm52Config& config, KvCacheType type) {
  KvBytes bytes;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    bytes.latent += latent_format(type, config.kv_lora, config.qk_rope).row_bytes;
    if (config.is_full(i)) bytes.index += index_format(type, config.index_dim).row_bytes;
  }
  return bytes;
}

Result<KvCache> KvCache::create(Backend& backend, const Glm52Config& config, int64_t n_pages, int64_t page_size,
                                std::span<const float> scales) {
  KvCache cache;
  const KvCacheType type = backend.numerics().kv_cache;
  const auto n_layers = static_cast<size_t>(config.n_all_layers());
  DB_CHECK(scales.empty() || scales.size() == n_layers);
  DB_CHECK(type != KvCacheType::kFp8E4M3 || !scales.empty());
  cache.counts_ = std::make_unique<std::vector<KvCounts>>(n_layers);
  const auto allocate = [&](PagedView& view, const KvFormat& format) -> Status {
    DB_ASSIGN(Buffer buffer, backend.allocate(n_pages * page_size * format.row_bytes));
    view = PagedView{buffer.get(), format, n_pages, page_size, nullptr};
    cache.buffers_.push_back(std::move(buffer));
    return Status();
  };
  for (size_t i = 0; i < n_layers; ++i) {
    KvView& view = cache.layers_.emplace_back();
    const float scale = scales.empty() ? 1.0f : scales[i];
    DB_TRY(allocate(view.latent, latent_format(type, config.kv_lora, config.qk_rope, scale)));
    view.latent.counts = &(*cache.counts_)[i];
    if (config.is_full(static_cast<int64_t>(i))) DB_TRY(allocate(view.index, index_format(type, config.index_dim)));
  }
  return cache;
}

void KvCache::copy(Backend& backend, int32_t from_page, int32_t to_page, int64_t n_tokens) const {
  for (const KvView& layer : layers_) {
    for (const PagedView* view : {&layer.latent, &layer.index}) {
      if (view->data == nullptr) continue;
      DB_CHECK(n_tokens <= view->page_size && from_page < view->n_pages && to_page < view->n_pages);
      backend.copy_bytes(view->row(to_page * view->page_size), view->row(from_page * view->page_size),
                         n_tokens * view->format.row_bytes);
    }
  }
}

}  // namespace drawbridge
