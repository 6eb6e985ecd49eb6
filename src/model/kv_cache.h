// KvCache: the bytes of the paged caches. Every layer has a latent cache (after kv_a_layernorm, rope key after rope);
// only full layers have an index-key cache. Which page belongs to whom is kv/'s business.
#pragma once

#include <span>
#include <vector>

#include "backend/backend.h"
#include "model/glm52_config.h"

namespace drawbridge {

struct KvView {
  PagedView latent;  // width C + rope
  PagedView index;   // width ID; empty on shared layers
};

/// Cache bytes of one token over all layers, the MTP layer included when the config has one.
struct KvBytes {
  int64_t latent = 0;
  int64_t index = 0;

  int64_t total() const { return latent + index; }
};
KvBytes kv_bytes_per_token(const Glm52Config& config, KvCacheType type);

class KvCache {
 public:
  /// Of the backend's numerics' type. `scales` [n_all_layers] are kFp8E4M3's of each layer.
  static Result<KvCache> create(Backend& backend, const Glm52Config& config, int64_t n_pages, int64_t page_size,
                                std::span<const float> scales = {});

  /// [n_layers + n_mtp_layers]
  const std::vector<KvView>& layers() const { return layers_; }
  /// Copies the first n_tokens of a page to another page, in every cache of every layer.
  void copy(Backend& backend, int32_t from_page, int32_t to_page, int64_t n_tokens) const;
  /// What was stored as fp8 with a fixed scale and clipped, of each layer's latent cache.
  const std::vector<KvCounts>& counts() const { return *counts_; }

 private:
  std::vector<KvView> layers_;
  std::vector<Buffer> buffers_;
  std::unique_ptr<std::vector<KvCounts>> counts_;  // the views point into it
};

}  // namespace drawbridge
