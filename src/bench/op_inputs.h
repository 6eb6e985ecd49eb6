// What an op works on when it runs alone: values, experts and caches, filled with random numbers.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

#include "backend/backend.h"
#include "bench/random_weights.h"
#include "model/glm52_config.h"

namespace drawbridge {

/// Buffers that live as long as the ops that use them.
class Arena {
 public:
  explicit Arena(Backend& backend) : backend_(backend) {}

  /// Uniform in [-1, 1).
  Result<View> values(std::initializer_list<int64_t> shape);
  /// Zeros.
  Result<View> room(DType dtype, std::initializer_list<int64_t> shape);

 private:
  Backend& backend_;
  std::vector<Buffer> buffers_;
};

/// The experts of some layers, which turns take one after the other; the shared one last, where it is one of them.
struct ExpertLayers {
  MatrixCopies gate_up, down;
  std::vector<std::vector<MlpMatrices>> layer;
};

/// As many layers as `footprint` needs; layers share weights where there would be more than a gigabyte of them.
Result<ExpertLayers> make_experts(const Backend& backend, const Glm52Config& config, WeightFormat format,
                                  int64_t footprint);

/// [n_tables, n_tokens, n_chosen]: experts that tokens choose, all equally often; then every token's shared one where
/// it is one of them.
Result<View> choose_experts(Arena& arena, const Glm52Config& config, int64_t n_tables, int64_t n_tokens);

/// The caches of one request in some layers, filled, and the places of its last tokens.
struct Caches {
  std::vector<Buffer> buffers;
  std::vector<PagedView> layer;
  std::vector<int32_t> request, pages;
  std::vector<int32_t> pos;  // of the last tokens; their slots too, since pages lie in order

  RowMap map() const { return {request.data(), pages.data(), static_cast<int64_t>(pages.size()), 1}; }
  const PagedView& at(int64_t turn) const { return layer[static_cast<size_t>(turn) % layer.size()]; }
  /// Positions of the last n_tokens.
  std::span<const int32_t> last(int64_t n_tokens) const { return std::span(pos).last(static_cast<size_t>(n_tokens)); }
};

struct CacheShape {
  KvFormat format;
  int64_t length = 0;    // tokens
  int64_t n_tokens = 0;  // of the step at its end
};
Result<std::shared_ptr<const Caches>> make_caches(Backend& backend, const CacheShape& shape, int64_t footprint);

/// i32 [n_tokens, topk]: for each of the last tokens that many positions spread evenly over its past, or all of them.
Result<View> select_evenly(Arena& arena, const Caches& caches, int64_t topk);

}  // namespace drawbridge
