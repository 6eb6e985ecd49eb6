#include "tune/product_ops.h"

namespace drawbridge {

int64_t ProductCall::output_width() const {
  return is_moe() ? experts[0].down.n : matrix.n;
}

void ProductCollector::on_linear(const View& x, const Matrix& w) {
  calls_.push_back({w, {}, 0, 0, x.dim(0)});
}

void ProductCollector::on_linear_heads(const View& x, const Matrix& w) {
  calls_.push_back({w, {}, x.dim(1), 0, x.dim(0)});
}

void ProductCollector::on_moe(const View& x, const View& expert, std::span<const MlpMatrices> experts, Backend&) {
  calls_.push_back({{}, experts, 0, expert.cols(), x.dim(0)});
}

}  // namespace drawbridge
