#include "backend/cpu/router.h"

#include <cmath>
#include <vector>

#include "backend/cpu/select.h"

namespace drawbridge {

void route_token(const View& expert, const View& weight, const View& logit, std::span<const float> bias,
                 const RouterOptions& options, int64_t t) {
  const auto n_experts = static_cast<size_t>(logit.cols());
  const int64_t n_chosen = options.experts_per_token;
  DB_CHECK(expert.dtype == DType::kI32 && bias.size() == n_experts);
  DB_CHECK(expert.cols() >= n_chosen && weight.cols() == expert.cols());
  std::vector<float> score(n_experts), biased(n_experts);
  for (size_t e = 0; e < n_experts; ++e) {
    score[e] = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit.row(t)[e]))));
    biased[e] = score[e] + bias[e];
  }
  const auto best = choose_experts(biased, n_chosen, options.n_group, options.topk_group);
  float sum = 0;
  for (const int32_t e : best) sum += score[static_cast<size_t>(e)];
  auto* ids = expert.as<int32_t>() + t * expert.stride[0];
  for (int64_t k = 0; k < n_chosen; ++k) {
    const int32_t e = best[static_cast<size_t>(k)];
    const float own = score[static_cast<size_t>(e)];
    ids[k] = e;
    weight.row(t)[k] = (options.normalize ? own / (sum + 1e-20f) : own) * options.scaling_factor;
  }
  for (int64_t k = n_chosen; k < expert.cols(); ++k) {
    ids[k] = static_cast<int32_t>(logit.cols() + k - n_chosen);
    weight.row(t)[k] = 1.0f;
  }
}

}  // namespace drawbridge
