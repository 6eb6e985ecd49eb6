// y [T, D] = the weighted outputs of each token's K experts, down(silu(gate x) * (up x)), each I wide.
//
// Rows are sorted by expert, so each chosen expert's weights are read once a step, however many rows it has: 3 I D
// weights and 6 I D operations a row. Limit: memory up to about 8 rows an expert, then the products' arithmetic.
//
// First all hidden values, shared by strips of each expert's I; then the outputs, shared by strips of D: a thread adds
// one expert after the other, in ascending order, to its columns of y.
//
// Rows go through a strip in blocks: a strip's weights and a block's inputs stay in the second-level cache together, so
// that inputs come from further away once a strip and weights once a block.
#include <algorithm>

#include "backend/cpu/simd.h"
#include "base/checked_math.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr int64_t kPackStep = 32;  // hidden values that are packed together
constexpr int64_t kRowBlock = 64;  // rows of an expert that pass through a strip together

/// The width of all chosen experts, which is one and the same.
int64_t hidden_width(std::span<const MlpMatrices> experts, const ExpertRows& rows, int64_t d) {
  const int64_t width = rows.active().empty() ? 0 : experts[static_cast<size_t>(rows.active()[0])].gate.n;
  for (const int32_t e : rows.active()) {
    const MlpMatrices& w = experts[static_cast<size_t>(e)];
    DB_CHECK(w.gate.k == d && w.up.k == d && w.down.n == d);
    DB_CHECK(w.gate.n == width && w.up.n == width && w.down.k == width);
  }
  return width;
}

size_t input_index(const Matrix& w) {
  return static_cast<size_t>(w.format) * 2 + (w.order == RowOrder::kPanels ? 1 : 0);
}

}  // namespace

/// What the threads share while one step's experts are computed.
struct SimdBackend::ExpertStep {
  View y;
  View x;
  View weight;
  std::span<const MlpMatrices> experts;
  int64_t width = 0;  // I
  TilePlan hidden_plan;
  TilePlan output_plan;
  int64_t hidden_stride = 0;  // bytes between the packed hidden values of two slots
  std::array<Input, kWeightFormats * 2> input;

  const MlpMatrices& weights(int32_t e) const { return experts[static_cast<size_t>(e)]; }
  int64_t hidden_strip() const { return ceil_div(hidden_plan.strip * kPanelRows, kPackStep) * kPackStep; }
  int64_t output_strip() const { return output_plan.strip * kPanelRows; }
};

void SimdBackend::moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape && expert.shape == weight.shape && expert.dim(0) == x.dim(0));
  const auto n_experts = static_cast<int64_t>(experts.size());
  expert_rows_.sort(expert, n_experts);
  if (expert_rows_.active().empty()) return;
  const int64_t d = x.cols();
  ExpertStep step{y, x, weight, experts, hidden_width(experts, expert_rows_, d), {}, {}, 0, {}};
  const MlpMatrices& any = step.weights(expert_rows_.active()[0]);
  const auto plan = [&](ProductStage stage, const Matrix& w) {
    const ProductKey key{stage, w.format, input_form(w).storage, w.n, w.k, n_experts, expert.cols()};
    return w.order == RowOrder::kPanels ? plans_->find(key, x.dim(0)) : TilePlan();
  };
  const auto n_active = static_cast<int64_t>(expert_rows_.active().size());
  step.hidden_plan = shared_plan(plan(ProductStage::kMoeHidden, any.gate), n_active * step.width);
  step.output_plan = shared_plan(plan(ProductStage::kMoeOutput, any.down), d);
  pack_expert_inputs(step);
  for (const int32_t e : expert_rows_.active()) {
    const int64_t bytes = input_form(step.weights(e).down).row_bytes(step.width);
    step.hidden_stride = std::max(step.hidden_stride, bytes);
  }
  hidden_.room<uint8_t>(expert_rows_.n_slots() * step.hidden_stride);

  const auto& active = expert_rows_.active();
  const int64_t n_strips = ceil_div(step.width, step.hidden_strip());
  const auto cost = [&](int64_t item) {
    const int64_t n_rows = expert_rows_.n_rows(active[static_cast<size_t>(item / n_strips)]);
    return 2 * step.hidden_strip() * d * (n_rows + kStreamRows);
  };
  const int64_t n_items = static_cast<int64_t>(active.size()) * n_strips;
  pool_->parallel_for_weighted(n_items, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      expert_hidden(step, active[static_cast<size_t>(i / n_strips)], i % n_strips, scratch_of(thread));
    }
  });

  const int64_t strip = step.output_strip();
  const int64_t rows = expert_rows_.n_slots() + kStreamRows * static_cast<int64_t>(active.size());
  pool_->parallel_for(ceil_div(d, strip), strip * step.width * rows, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      expert_outputs(step, i * strip, std::min((i + 1) * strip, d), scratch_of(thread));
    }
  });
}

/// The input as the gate and up matrices of the chosen experts take it.
void SimdBackend::pack_expert_inputs(ExpertStep& step) {
  for (const int32_t e : expert_rows_.active()) {
    for (const Matrix* w : {&step.weights(e).gate, &step.weights(e).up}) {
      const size_t i = input_index(*w);
      if (step.input[i].data == nullptr) step.input[i] = pack(step.x, input_form(*w), expert_input_[i]);
    }
  }
}

/// hidden [rows of the expert, strip] = silu(gate x) * (up x), packed for the product with `down`.
void SimdBackend::expert_hidden(const ExpertStep& step, int32_t expert, int64_t strip, ThreadScratch& scratch) const {
  const MlpMatrices& w = step.weights(expert);
  const int64_t n_rows = expert_rows_.n_rows(expert), width = step.hidden_strip(), from = strip * width;
  const int64_t n = std::min(width, step.width - from);
  float* const gate = scratch.gate.room<float>(kRowBlock * width);
  float* const up = scratch.up.room<float>(kRowBlock * width);
  const InputForm form = input_form(w.down);
  auto* out = hidden_.data<uint8_t>() + expert_rows_.first(expert) * step.hidden_stride;
  for (int64_t first = 0; first < n_rows; first += kRowBlock) {
    const int64_t n_block = std::min(kRowBlock, n_rows - first);
    const auto product = [&](float* y, const Matrix& m) {
      const InputForm own_form = input_form(m);
      const Input& input = step.input[input_index(m)];
      Part part{m, own_form, step.hidden_plan};
      part.n_from = from;
      part.n_to = from + n;
      part.x = input.data;
      part.x_stride = input.row_stride;
      part.x_row = expert_rows_.tokens(expert) + first;
      part.n_tokens = n_block;
      part.y = y;
      part.y_stride = width;
      part.round_output = rounds_output();
      multiply_part(part, scratch);
    };
    product(gate, w.gate);
    product(up, w.up);
    for (int64_t r = 0; r < n_block; ++r, out += step.hidden_stride) {
      float* const row = gate + r * width;
      kernels_.swiglu_row(row, row, up + r * width, n, rounds_output());
      pack_values(form, out, step.width, from, {row, static_cast<size_t>(n)}, scratch);
    }
  }
}

/// y [T, from .. to) = the weighted sum over each row's experts, in ascending order.
void SimdBackend::expert_outputs(const ExpertStep& step, int64_t from, int64_t to, ThreadScratch& scratch) const {
  const int64_t n = to - from, n_chosen = step.weight.cols();
  float* const out = scratch.output.room<float>(kRowBlock * n);
  for (int64_t t = 0; t < step.y.dim(0); ++t) std::fill_n(step.y.row(t) + from, n, 0.0f);
  for (const int32_t e : expert_rows_.active()) {
    const Matrix& down = step.weights(e).down;
    const InputForm form = input_form(down);
    for (int64_t first = 0; first < expert_rows_.n_rows(e); first += kRowBlock) {
      Part part{down, form, step.output_plan};
      part.n_from = from;
      part.n_to = to;
      part.x = hidden_.data<uint8_t>() + (expert_rows_.first(e) + first) * step.hidden_stride;
      part.x_stride = step.hidden_stride;
      part.n_tokens = std::min(kRowBlock, expert_rows_.n_rows(e) - first);
      part.y = out;
      part.y_stride = n;
      part.round_output = rounds_output();
      multiply_part(part, scratch);
      for (int64_t r = 0; r < part.n_tokens; ++r) {
        const int64_t slot = expert_rows_.slots(e)[first + r], t = slot / n_chosen;
        kernels_.add_scaled_row(step.y.row(t) + from, out + r * n, step.weight.row(t)[slot % n_chosen], n);
      }
    }
  }
  if (!rounds_output()) return;
  for (int64_t t = 0; t < step.y.dim(0); ++t) kernels_.round_row(step.y.row(t) + from, step.y.row(t) + from, n);
}

}  // namespace drawbridge
