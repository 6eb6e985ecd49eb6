// TapBackend: a backend that lets an observer see what the router and the indexer chose. It changes no result.
#pragma once

#include <memory>

#include "backend/backend.h"

namespace drawbridge {

/// Called after each op, on the thread that issued it, in the model's order of layers.
class OpObserver {
 public:
  virtual ~OpObserver() = default;

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
