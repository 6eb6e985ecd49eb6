// TapBackend: a backend that lets an observer see what the router and the indexer chose, and what goes into matrices
// and caches. It changes no result.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace drawbridge {

/// Called after each op, on the thread that issued it, in the model's order of layers. Views are in host memory.
class OpObserver {
 public:
  virtual ~OpObserver() = default;

  /// Of linear and linear_f32: x [T, K] went through w.
  virtual void on_linear(const View& x, const Matrix& w) {
    static_cast<void>(x);
    static_cast<void>(w);
  }
  /// Of linear_heads: x [T, H, K] went through w.
  virtual void on_linear_heads(const View& x, const Matrix& w) {
    static_cast<void>(x);
    static_cast<void>(w);
  }
  virtual void on_kv_write(const PagedView& cache, const View& x) {
    static_cast<void>(cache);
    static_cast<void>(x);
  }
  /// x [T, D] went through the experts in `expert` i32 [T, K]. What went into their `down` is seen by no op: `ops`,
  /// which nobody watches, can compute it again.
  virtual void on_moe(const View& x, const View& expert, std::span<const MlpMatrices> experts, Backend& ops) {
    static_cast<void>(x);
    static_cast<void>(expert);
    static_cast<void>(experts);
    static_cast<void>(ops);
  }
  /// expert i32 [T, K].
  virtual void on_route(const View& expert) { static_cast<void>(expert); }
  /// selected i32 [T, topk] for rows at `pos` [T].
  virtual void on_index_topk(const View& selected, std::span<const int32_t> pos) {
    static_cast<void>(selected);
    static_cast<void>(pos);
  }
};

/// `observer` must outlive it.
std::unique_ptr<Backend> make_tap_backend(std::unique_ptr<Backend> backend, OpObserver& observer);

}  // namespace drawbridge
