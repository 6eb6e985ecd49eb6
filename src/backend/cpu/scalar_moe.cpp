// The scalar reference of routing and experts.
#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/cpu/scalar.h"
#include "backend/cpu/select.h"

namespace drawbridge {

void ScalarBackend::route(View expert, View weight, View logit, std::span<const float> bias,
                          const RouterOptions& options) {
  const auto n_experts = static_cast<size_t>(logit.cols());
  const int64_t chosen = options.experts_per_token;
  DB_CHECK(bias.size() == n_experts && expert.cols() == chosen && weight.cols() == chosen);
  for (int64_t t = 0; t < logit.dim(0); ++t) {
    std::vector<float> score(n_experts), biased(n_experts);
    for (size_t e = 0; e < n_experts; ++e) {
      score[e] = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit.row(t)[e]))));
      biased[e] = score[e] + bias[e];
    }
    const auto best = choose_experts(biased, chosen, options.n_group, options.topk_group);
    float sum = 0;
    for (const int32_t e : best) sum += score[static_cast<size_t>(e)];
    auto* ids = expert.as<int32_t>() + t * expert.stride[0];
    for (int64_t k = 0; k < chosen; ++k) {
      const int32_t e = best[static_cast<size_t>(k)];
      const float share =
          options.normalize ? score[static_cast<size_t>(e)] / (sum + 1e-20f) : score[static_cast<size_t>(e)];
      ids[k] = e;
      weight.row(t)[k] = share * options.scaling_factor;
    }
  }
}

void ScalarBackend::moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) {
  DB_CHECK(y.shape == x.shape && expert.dtype == DType::kI32 && expert.shape == weight.shape);
  for (int64_t t = 0; t < x.dim(0); ++t) {
    std::vector<float> sum(static_cast<size_t>(x.cols()), 0.0f);
    for (int64_t k = 0; k < expert.cols(); ++k) {
      const MlpMatrices& e = experts[static_cast<size_t>(expert.as<int32_t>()[t * expert.stride[0] + k])];
      std::vector<float> gate(static_cast<size_t>(e.gate.n)), up(gate.size()), out(sum.size());
      const View row = slice_rows(x, t, 1);
      const View gate_view = dense_view(gate.data(), DType::kF32, {1, e.gate.n});
      const View up_view = dense_view(up.data(), DType::kF32, {1, e.up.n});
      linear(gate_view, row, e.gate);
      linear(up_view, row, e.up);
      swiglu(gate_view, gate_view, up_view);
      linear(dense_view(out.data(), DType::kF32, {1, x.cols()}), gate_view, e.down);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += weight.row(t)[k] * out[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) y.row(t)[i] = round_output(sum[i]);
  }
}

}  // namespace drawbridge
