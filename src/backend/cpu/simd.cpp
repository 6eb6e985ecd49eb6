#include "backend/cpu/simd.h"

#include <fmt/ranges.h>

#include "backend/cpu/router.h"

namespace drawbridge {
namespace {

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

// Costs of an element in multiply-adds, for the split over threads; rough on purpose.
constexpr int64_t kMoveCost = 1;
constexpr int64_t kNormCost = 4;
constexpr int64_t kExpCost = 8;
constexpr int64_t kRouteCost = 100;  // exp in double and a selection

class DefaultPlans : public PlanSource {
 public:
  TilePlan find(const ProductKey& key, int64_t n_tokens) override { return default_plan(key, n_tokens); }
};

}  // namespace

SimdBackend::SimdBackend(const Numerics& numerics, const CpuKernels& kernels, std::shared_ptr<PlanSource> plans,
                         std::unique_ptr<ThreadPool> pool)
    : CpuBackend(numerics),
      kernels_(kernels.rows),
      bf16_dot_(kernels.bf16_dot && kernels.rows.gemm_bf16 != nullptr),
      panels_(kernels.panels),
      plans_(plans != nullptr ? std::move(plans) : std::make_shared<DefaultPlans>()),
      pool_(std::move(pool)),
      thread_scratch_(index(pool_->size())) {}

std::string SimdBackend::describe() const {
  std::vector<std::string> dots;
  if (bf16_dot_) dots.emplace_back("bf16");
  if (panels_.int8 != nullptr) dots.push_back(fmt::format("int8 ({})", panels_.int8->name));
  return fmt::format("cpu {}{}, f32 accumulation{}, {} thread{}", kernels_.isa,
                     dots.empty() ? "" : fmt::format(" with {} dot", fmt::join(dots, " and ")), describe_inputs(),
                     pool_->size(), pool_->size() == 1 ? "" : "s");
}

void SimdBackend::embed(View x, const Matrix& table, std::span<const int32_t> token) {
  DB_CHECK(x.rank == 2 && x.cols() == table.k && x.dim(0) == static_cast<int64_t>(token.size()));
  pool_->parallel_for(x.dim(0), table.k * kMoveCost, [&](int64_t from, int64_t to, int) {
    for (int64_t t = from; t < to; ++t) {
      DB_CHECK(token[index(t)] >= 0 && token[index(t)] < table.n);
      if (table.order == RowOrder::kPanels) {
        dequantize_row(table, token[index(t)], x.row(t));
      } else {
        kernels_.decode_row(x.row(t), table, token[index(t)]);
      }
    }
  });
}

/// Both parts of a row while it is in the cache.
void SimdBackend::norm_row(const View& y, const NormInput& input, int64_t t) const {
  const float* x = input.x.row(t);
  if (input.adds()) {
    kernels_.add_row(input.resid.row(t), x, y.cols(), rounds_output());
    x = input.resid.row(t);
  }
  kernels_.rms_norm_row(
      {y.row(t), x, input.w.data(), nullptr, y.cols(), input.eps, numerics_.norm_rounds_twice, rounds_output()});
}

void SimdBackend::rms_norm(View y, View x, std::span<const float> w, float eps) {
  norm_linear(y, {x, {}, w, eps}, {});
}

void SimdBackend::add_rms_norm(View y, View resid, View x, std::span<const float> w, float eps) {
  norm_linear(y, {x, resid, w, eps}, {});
}

void SimdBackend::layer_norm(View y, View x, std::span<const float> w, std::span<const float> b, float eps) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape && y.cols() == static_cast<int64_t>(w.size()) && w.size() == b.size());
  pool_->parallel_for(x.dim(0), x.cols() * kNormCost, [&](int64_t from, int64_t to, int) {
    for (int64_t t = from; t < to; ++t) {
      kernels_.layer_norm_row({y.row(t), x.row(t), w.data(), b.data(), x.cols(), eps, false, rounds_output()});
    }
  });
}

void SimdBackend::rope(View x, std::span<const int32_t> pos, float theta) {
  const int64_t width = x.cols(), heads = x.rank == 3 ? x.dim(1) : 1;
  DB_CHECK(width % 2 == 0 && x.dim(0) == static_cast<int64_t>(pos.size()));
  const bool products = numerics_.rope_rounds_products;
  rope_table_.prepare(pos, width, theta, products);
  pool_->parallel_for(x.rows(), width * kMoveCost, [&](int64_t from, int64_t to, int) {
    for (int64_t r = from; r < to; ++r) {
      const int64_t t = r / heads;
      kernels_.rope_row({flat_row(x, r), rope_table_.cos(t), rope_table_.sin(t), width, products, rounds_output()});
    }
  });
}

void SimdBackend::route(View expert, View weight, View logit, std::span<const float> bias,
                        const RouterOptions& options) {
  pool_->parallel_for(logit.dim(0), logit.cols() * kRouteCost, [&](int64_t from, int64_t to, int) {
    for (int64_t t = from; t < to; ++t) route_token(expert, weight, logit, bias, options, t);
  });
}

void SimdBackend::swiglu(View y, View gate, View up) {
  DB_CHECK(y.rank == 2 && y.shape == gate.shape && y.shape == up.shape);
  pool_->parallel_for(y.dim(0), y.cols() * kExpCost, [&](int64_t from, int64_t to, int) {
    for (int64_t t = from; t < to; ++t) {
      kernels_.swiglu_row(y.row(t), gate.row(t), up.row(t), y.cols(), rounds_output());
    }
  });
}

void SimdBackend::add(View y, View x) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape);
  pool_->parallel_for(y.dim(0), y.cols() * kMoveCost, [&](int64_t from, int64_t to, int) {
    for (int64_t t = from; t < to; ++t) kernels_.add_row(y.row(t), x.row(t), y.cols(), rounds_output());
  });
}

}  // namespace drawbridge
