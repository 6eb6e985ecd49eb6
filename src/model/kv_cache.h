// KvCache: the bytes of the paged caches. Every layer has a latent cache (after kv_a_layernorm, rope key after rope);
// only full layers have an index-key cache. Which page belongs to whom is kv/'s business.
#pragma once

#include <vector>

#include "backend/backend.h"
#include "model/glm52_config.h"

namespace drawbridge {

struct KvView {
  PagedView latent;  // width C + rope
  PagedView index;   // width ID; empty on shared layers
};

/// Cached elements of one token over all layers, the MTP layer included.
struct KvWidths {
  int64_t latent = 0;
  int64_t index = 0;
};
KvWidths kv_widths(const Glm52Config& config);

/// Cache bytes of one token over all layers, the MTP layer included when the config has one.
int64_t kv_bytes_per_token(const Glm52Config& config, DType dtype);

class KvCache {
 public:
  static Result<KvCache> create(Backend& backend, const Glm52Config& config, int64_t n_pages, int64_t page_size);

  /// [n_layers + n_mtp_layers]
  const std::vector<KvView>& layers() const { return layers_; }

 private:
  std::vector<KvView> layers_;
  std::vector<Buffer> buffers_;
};

}  // namespace drawbridge
