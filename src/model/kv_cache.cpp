#include "model/kv_cache.h"

namespace drawbridge {

KvWidths kv_widths(const Glm52Config& config) {
  KvWidths widths;
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    widths.latent += config.latent_width();
    if (config.is_full(i)) widths.index += config.index_dim;
  }
  return widths;
}

int64_t kv_bytes_per_token(const Glm52Config& config, DType dtype) {
  const KvWidths widths = kv_widths(config);
  return (widths.latent + widths.index) * dtype_bytes(dtype);
}

Result<KvCache> KvCache::create(Backend& backend, const Glm52Config& config, int64_t n_pages, int64_t page_size) {
  KvCache cache;
  const DType dtype = backend.numerics().kv_cache;
  const auto allocate = [&](PagedView& view, int64_t width) -> Status {
    DB_ASSIGN(Buffer buffer, backend.allocate(n_pages * page_size * width * dtype_bytes(dtype)));
    view = PagedView{buffer.get(), dtype, n_pages, page_size, width};
    cache.buffers_.push_back(std::move(buffer));
    return Status();
  };
  for (int64_t i = 0; i < config.n_all_layers(); ++i) {
    KvView& view = cache.layers_.emplace_back();
    DB_TRY(allocate(view.latent, config.latent_width()));
    if (config.is_full(i)) DB_TRY(allocate(view.index, config.index_dim));
  }
  return cache;
}

}  // namespace drawbridge
