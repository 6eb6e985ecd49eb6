#include "tune/op_bench.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/rng.h"
#include "tuned/plan_text.h"

namespace drawbridge {
namespace {

constexpr double kSampleSeconds = 0.06;  // spent on a plan in one turn, if that is enough for kMinSamples
constexpr int kMinSamples = 3;
constexpr int kMaxSamples = 25;
constexpr double kMaxError = 0.02;  // beyond that a kernel is broken, whatever it rounds

Status stopped() {
  return fail(Code::kCancelled, "stopped");
}

double median(std::vector<double> samples) {
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  std::nth_element(samples.begin(), middle, samples.end());
  return *middle;
}

}  // namespace

TilePlan ForcedPlans::find(const ProductKey& key, int64_t n_tokens) {
  asked_.insert(key);
  const auto forced = forced_.find(key);
  return forced == forced_.end() ? default_plan(key, n_tokens) : forced->second;
}

std::vector<ProductKey> ForcedPlans::take_asked() {
  std::vector<ProductKey> keys(asked_.begin(), asked_.end());
  asked_.clear();
  return keys;
}

Result<std::unique_ptr<OpBench>> OpBench::create(CpuOptions cpu, int64_t n_routed, std::function<bool()> should_stop) {
  std::unique_ptr<OpBench> bench(new OpBench(n_routed, std::move(should_stop)));
  cpu.plans = bench->plans_;
  DB_ASSIGN(bench->backend_, make_cpu_backend(cpu));
  cpu.isa = "scalar";
  DB_ASSIGN(bench->reference_, make_cpu_backend(cpu));
  return bench;
}

std::vector<ProductOp> OpBench::group(const std::vector<ProductCall>& calls, int64_t n_step_tokens) {
  std::vector<ProductOp> ops;
  plans_->clear();
  for (const ProductCall& call : calls) {
    draw_inputs(call, 1);
    plans_->take_asked();
    run(*backend_, call, 0, 1, y_);
    const std::vector<ProductKey> keys = plans_->take_asked();
    if (keys.empty()) continue;
    auto op = std::find_if(ops.begin(), ops.end(), [&](const ProductOp& o) { return o.keys == keys; });
    if (op == ops.end()) op = ops.insert(ops.end(), ProductOp{keys, {}, true});
    op->calls.push_back(call);
    op->one_row_a_request = op->one_row_a_request && call.n_tokens < n_step_tokens;
  }
  return ops;
}

/// Uniform inputs; each token has different experts, all equally likely, and those that go with every token.
void OpBench::draw_inputs(const ProductCall& call, int64_t n_tokens) {
  n_tokens_ = n_tokens;
  const int64_t width = call.input_width() * std::max<int64_t>(call.n_heads, 1);
  x_.resize(static_cast<size_t>(n_tokens * width));
  for (size_t i = 0; i < x_.size(); ++i) x_[i] = static_cast<float>(2 * uniform_at(1, i) - 1);
  expert_.clear();
  if (!call.is_moe()) return;
  const auto n_experts = static_cast<int64_t>(call.experts.size());
  const int64_t routed = std::min(n_routed_, n_experts), fused = n_experts - routed;
  std::vector<int32_t> order(static_cast<size_t>(routed));
  for (int32_t e = 0; e < routed; ++e) order[static_cast<size_t>(e)] = e;
  for (int64_t t = 0; t < n_tokens; ++t) {
    for (int64_t k = 0; k < call.experts_per_token - fused; ++k) {
      const auto rest = static_cast<uint64_t>(routed - k);
      const auto place = static_cast<size_t>(k) + bits_at(static_cast<uint64_t>(t), static_cast<uint64_t>(k)) % rest;
      std::swap(order[static_cast<size_t>(k)], order[place]);
      expert_.push_back(order[static_cast<size_t>(k)]);
    }
    for (int64_t f = 0; f < fused; ++f) expert_.push_back(static_cast<int32_t>(routed + f));
  }
  weight_.assign(expert_.size(), 1.0f / static_cast<float>(call.experts_per_token));
}

/// Tokens [from, from + n) of the inputs through the call, to y.
void OpBench::run(Backend& backend, const ProductCall& call, int64_t from, int64_t n, std::vector<float>& y) {
  y.resize(static_cast<size_t>(n * call.output_width()));
  const int64_t heads = std::max<int64_t>(call.n_heads, 1), width = call.input_width();
  float* const x = x_.data() + from * heads * width;
  if (call.is_moe()) {
    const int64_t chosen = call.experts_per_token;
    backend.moe(dense_view(y.data(), DType::kF32, {n, call.output_width()}), dense_view(x, DType::kF32, {n, width}),
                dense_view(expert_.data() + from * chosen, DType::kI32, {n, chosen}),
                dense_view(weight_.data() + from * chosen, DType::kF32, {n, chosen}), call.experts);
  } else if (call.n_heads > 0) {
    backend.linear_heads(dense_view(y.data(), DType::kF32, {n, heads, call.output_width() / heads}),
                         dense_view(x, DType::kF32, {n, heads, width}), call.matrix);
  } else {
    backend.linear(dense_view(y.data(), DType::kF32, {n, call.output_width()}), dense_view(x, DType::kF32, {n, width}),
                   call.matrix);
  }
  backend.synchronize();
}

double OpBench::seconds_of(const ProductCall& call) {
  const auto from = std::chrono::steady_clock::now();
  run(*backend_, call, 0, n_tokens_, y_);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
}

/// Of the first and the last token's row.
Result<double> OpBench::error_of(const ProductCall& call) {
  double error = 0, largest = 0;
  const int64_t width = call.output_width();
  std::vector<float> row;
  for (const int64_t t : {int64_t{0}, n_tokens_ - 1}) {
    run(*reference_, call, t, 1, row);
    for (int64_t i = 0; i < width; ++i) {
      const double reference = row[static_cast<size_t>(i)];
      error = std::max(error, std::fabs(reference - wanted_[static_cast<size_t>(t * width + i)]));
      largest = std::max(largest, std::fabs(reference));
    }
  }
  const double relative = largest > 0 ? error / largest : error;
  if (relative <= kMaxError) return relative;
  return fail(Code::kInternal,
              "{} tokens={}: the default plan's output is off by {:.3g} of the largest value; please "
              "report this CPU",
              key_text(op_->keys.front()), n_tokens_, relative);
}

Result<double> OpBench::start(const ProductOp& op, int64_t n_tokens) {
  op_ = &op;
  plans_->clear();
  draw_inputs(op.calls.front(), n_tokens);
  if (should_stop_()) return stopped();
  run(*backend_, op.calls.front(), 0, n_tokens, wanted_);
  return error_of(op.calls.front());
}

Result<std::vector<std::optional<double>>> OpBench::time(const ProductKey& key, std::span<const TilePlan> plans) {
  std::vector<std::optional<double>> us(plans.size());
  std::vector<std::vector<double>> samples(plans.size());
  double seconds = 0;  // of a call, the first ones
  for (size_t i = 0; i < plans.size(); ++i) {
    if (should_stop_()) return stopped();
    plans_->force(key, plans[i]);
    seconds = std::max(seconds, seconds_of(op_->calls.front()));
    const bool same = std::memcmp(y_.data(), wanted_.data(), wanted_.size() * sizeof(float)) == 0;
    if (same) us[i] = 0;
  }
  const int n_rounds = std::clamp(static_cast<int>(kSampleSeconds / std::max(seconds, 1e-9)), kMinSamples, kMaxSamples);
  for (int round = 0; round < n_rounds; ++round) {
    for (size_t i = 0; i < plans.size(); ++i) {
      if (!us[i]) continue;
      if (should_stop_()) return stopped();
      plans_->force(key, plans[i]);
      const size_t call = (static_cast<size_t>(round) + i) % op_->calls.size();
      samples[i].push_back(1e6 * seconds_of(op_->calls[call]));
    }
  }
  for (size_t i = 0; i < plans.size(); ++i) {
    if (us[i]) us[i] = median(std::move(samples[i]));
  }
  return us;
}

}  // namespace drawbridge
