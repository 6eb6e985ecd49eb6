// The scalar reference of routing and experts.
#include <map>
#include <vector>

#include "backend/cpu/router.h"
#include "backend/cpu/scalar.h"

namespace drawbridge {

void ScalarBackend::route(View expert, View weight, View logit, std::span<const float> bias,
                          const RouterOptions& options) {
  for (int64_t t = 0; t < logit.dim(0); ++t) route_token(expert, weight, logit, bias, options, t);
}

void ScalarBackend::moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) {
  DB_CHECK(y.shape == x.shape && expert.dtype == DType::kI32 && expert.shape == weight.shape);
  for (int64_t t = 0; t < x.dim(0); ++t) {
    std::vector<float> sum(static_cast<size_t>(x.cols()), 0.0f);
    std::map<int32_t, float> chosen;  // ascending
    for (int64_t k = 0; k < expert.cols(); ++k) {
      chosen[expert.as<int32_t>()[t * expert.stride[0] + k]] = weight.row(t)[k];
    }
    for (const auto& [id, share] : chosen) {
      const MlpMatrices& e = experts[static_cast<size_t>(id)];
      std::vector<float> gate(static_cast<size_t>(e.gate.n)), up(gate.size()), out(sum.size());
      const View row = slice_rows(x, t, 1);
      const View gate_view = dense_view(gate.data(), DType::kF32, {1, e.gate.n});
      const View up_view = dense_view(up.data(), DType::kF32, {1, e.up.n});
      linear(gate_view, row, e.gate);
      linear(up_view, row, e.up);
      swiglu(gate_view, gate_view, up_view);
      linear(dense_view(out.data(), DType::kF32, {1, x.cols()}), gate_view, e.down);
      for (size_t i = 0; i < sum.size(); ++i) sum[i] += share * out[i];
    }
    for (size_t i = 0; i < sum.size(); ++i) y.row(t)[i] = round_output(sum[i]);
  }
}

}  // namespace drawbridge
