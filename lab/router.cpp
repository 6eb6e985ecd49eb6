// Experts of one token: sigmoid of each logit, plus a bias, then the 8 largest, best first, and their weights.
//
// 64 experts (models/synth-4b) and 256 (GLM-5.2): 4 bytes and an exponential in f64 an expert; the limit is that of
// arithmetic, counted as an exponential of 20 f32 operations. Exponentials are the library's in every backend, so that
// near ties fall the same way.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backend/cpu/router.h"
#include "inputs.h"
#include "ladder.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kChosen = 8;
constexpr double kOperations = 20 + 3;  // of an expert: exponential, sum, quotient, bias
constexpr float kScaling = 2.5f;

struct Token {
  explicit Token(int64_t n_experts) : logit(random_values(n_experts, 1)), bias(random_values(n_experts, 2)) {
    for (float& v : logit) v *= 4;
  }

  std::vector<float> logit, bias;
  std::vector<int32_t> expert = std::vector<int32_t>(kChosen);
  std::vector<float> weight = std::vector<float>(kChosen);

  std::vector<float> take_choice() {
    std::vector<float> taken(expert.begin(), expert.end());
    taken.insert(taken.end(), weight.begin(), weight.end());
    std::fill(expert.begin(), expert.end(), -1);
    std::fill(weight.begin(), weight.end(), -1.0f);
    return taken;
  }
};

/// All experts sorted.
void plain(Token& token) {
  const size_t n = token.logit.size();
  std::vector<float> score(n), biased(n);
  for (size_t e = 0; e < n; ++e) {
    score[e] = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(token.logit[e]))));
    biased[e] = score[e] + token.bias[e];
  }
  std::vector<int32_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return biased[static_cast<size_t>(a)] > biased[static_cast<size_t>(b)];
  });
  float sum = 0;
  for (size_t k = 0; k < kChosen; ++k) sum += score[static_cast<size_t>(order[k])];
  for (size_t k = 0; k < kChosen; ++k) {
    token.expert[k] = order[k];
    token.weight[k] = score[static_cast<size_t>(order[k])] / (sum + 1e-20f) * kScaling;
  }
}

/// As the backends run it.
void route(Token& token) {
  const auto n = static_cast<int64_t>(token.logit.size());
  route_token(dense_view(token.expert.data(), DType::kI32, {1, kChosen}),
              dense_view(token.weight.data(), DType::kF32, {1, kChosen}),
              dense_view(token.logit.data(), DType::kF32, {1, n}), token.bias, {kChosen, 1, 1, true, kScaling}, 0);
}

bool climb_experts(int64_t n_experts) {
  Token token(n_experts);
  Ladder ladder;
  ladder.name = fmt::format("router, {} of {} experts", kChosen, n_experts);
  ladder.limit = "f32 FMA";
  ladder.work = kOperations * static_cast<double>(n_experts);
  ladder.take_result = [&token] { return token.take_choice(); };
  ladder.versions = {{"plain, all sorted", [&token](int64_t) { plain(token); }},
                     {"as the backends", [&token](int64_t) { route(token); }}};
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  const bool few = climb_experts(64);
  return climb_experts(256) && few ? 0 : 1;
}
