// ProductOp: an op of a step that looks plans up, with the weights of every layer that has one of this shape, found by
// watching a real step: whatever the model fuses or repacks is seen as it is.
#pragma once

#include <span>
#include <vector>

#include "backend/tap_backend.h"

namespace drawbridge {

/// The weights of one call.
struct ProductCall {
  Matrix matrix;                         // of linear and linear_heads
  std::span<const MlpMatrices> experts;  // of moe
  int64_t n_heads = 0;                   // of linear_heads; else 0
  int64_t experts_per_token = 0;         // of moe; else 0
  int64_t n_tokens = 0;                  // that went through it

  bool is_moe() const { return !experts.empty(); }
  int64_t input_width() const { return is_moe() ? experts[0].gate.k : matrix.k; }
  int64_t output_width() const;  // of a token, all heads together
};

/// Calls that look up the same products, layer by layer.
struct ProductOp {
  std::vector<ProductKey> keys;
  std::vector<ProductCall> calls;
  bool one_row_a_request = false;
};

/// Collects the calls of a step; the weights must outlive what is collected.
class ProductCollector : public OpObserver {
 public:
  void on_linear(const View& x, const Matrix& w) override;
  void on_linear_heads(const View& x, const Matrix& w) override;
  void on_moe(const View& x, const View& expert, std::span<const MlpMatrices> experts, Backend& ops) override;

  const std::vector<ProductCall>& calls() const { return calls_; }

 private:
  std::vector<ProductCall> calls_;
};

}  // namespace drawbridge
