// Experts: rows are sorted by expert, so each chosen expert's weights are read once a step, however many rows it has.
// First all hidden values, shared by strips of each expert's I; then the outputs, shared by strips of D, so that the
// thread that sums a row's experts (in slot order) has just computed them.
#include <algorithm>

#include "backend/cpu/simd.h"
#include "base/checked_math.h"

namespace drawbridge {
namespace {

constexpr int64_t kHiddenStrip = 32;
constexpr int64_t kOutputStrip = 16;
constexpr int64_t kOutputTile = 64 << 10;  // floats of all slots' outputs that a thread holds, within its cache
constexpr int64_t kStreamRows = 4;         // reading an expert's weights costs about as much as this many rows of work

const MlpMatrices& weights_of(std::span<const MlpMatrices> experts, int32_t e) {
  return experts[static_cast<size_t>(e)];
}

/// The width of all chosen experts, which is one and the same.
int64_t hidden_width(std::span<const MlpMatrices> experts, const ExpertRows& rows, int64_t d) {
  const int64_t width = rows.active().empty() ? 0 : weights_of(experts, rows.active()[0]).gate.n;
  for (const int32_t e : rows.active()) {
    const MlpMatrices& w = weights_of(experts, e);
    DB_CHECK(w.gate.k == d && w.up.k == d && w.down.n == d);
    DB_CHECK(w.gate.n == width && w.up.n == width && w.down.k == width);
  }
  return width;
}

}  // namespace

void SimdBackend::moe(View y, View x, View expert, View weight, std::span<const MlpMatrices> experts) {
  DB_CHECK(y.rank == 2 && y.shape == x.shape && expert.shape == weight.shape && expert.dim(0) == x.dim(0));
  expert_rows_.sort(expert, static_cast<int64_t>(experts.size()));
  const int64_t d = x.cols(), width = hidden_width(experts, expert_rows_, d);
  pack_expert_inputs(x, experts);
  hidden_.room<uint8_t>(expert_rows_.n_slots() * hidden_bytes(width));
  const auto& active = expert_rows_.active();
  const int64_t n_strips = ceil_div(width, kHiddenStrip);
  const auto cost = [&](int64_t item) {
    const int64_t n_rows = expert_rows_.n_rows(active[static_cast<size_t>(item / n_strips)]);
    return 2 * kHiddenStrip * d * (n_rows + kStreamRows);
  };
  const int64_t n_items = static_cast<int64_t>(active.size()) * n_strips;
  pool_->parallel_for_weighted(n_items, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      const int32_t e = active[static_cast<size_t>(i / n_strips)];
      expert_hidden(weights_of(experts, e), e, i % n_strips, scratch_of(thread));
    }
  });
  const int64_t n_slots = std::max(expert_rows_.n_slots(), int64_t{1});
  const int64_t rows = n_slots + kStreamRows * static_cast<int64_t>(active.size());
  pool_->parallel_for(ceil_div(d, kOutputStrip), kOutputStrip * width * rows,
                      [&](int64_t from, int64_t to, int thread) {
                        const int64_t end = std::min(to * kOutputStrip, d);
                        const int64_t tile = std::max(kOutputTile / n_slots / kOutputStrip, int64_t{1}) * kOutputStrip;
                        for (int64_t n = from * kOutputStrip; n < end; n += tile) {
                          expert_outputs(y, weight, experts, n, std::min(n + tile, end), scratch_of(thread));
                        }
                      });
}

/// Room for one slot's hidden values in any storage.
int64_t SimdBackend::hidden_bytes(int64_t width) {
  const auto bytes = [width](Storage storage) { return packed_elements(storage, width) * element_bytes(storage); };
  return std::max(bytes(Storage::kF32), bytes(Storage::kInt8));
}

/// Hidden values from sorted place `place` on; an expert's rows follow each other without gaps in their storage.
uint8_t* SimdBackend::hidden_row(int64_t place, int64_t width) const {
  return hidden_.data<uint8_t>() + place * hidden_bytes(width);
}

/// The input as the gate and up matrices of the chosen experts take it.
void SimdBackend::pack_expert_inputs(const View& x, std::span<const MlpMatrices> experts) {
  std::array<bool, kWeightFormats> packed = {};
  for (const int32_t e : expert_rows_.active()) {
    for (const Matrix* w : {&weights_of(experts, e).gate, &weights_of(experts, e).up}) {
      const auto format = static_cast<size_t>(w->format);
      if (packed[format]) continue;
      expert_input_[format] = pack(x, input_form(w->format), expert_input_scratch_[format]);
      packed[format] = true;
    }
  }
}

/// hidden [rows of the expert, strip] = silu(gate x) * (up x), packed for the product with `down`.
void SimdBackend::expert_hidden(const MlpMatrices& w, int32_t expert, int64_t strip, ThreadScratch& scratch) {
  const int64_t n_rows = expert_rows_.n_rows(expert), from = strip * kHiddenStrip;
  const int64_t n = std::min(kHiddenStrip, w.gate.n - from);
  float* const gate = scratch.gate.room<float>(n_rows * kHiddenStrip);
  float* const up = scratch.up.room<float>(n_rows * kHiddenStrip);
  const auto product = [&](float* y, const Matrix& m) {
    const Input& input = expert_input_[static_cast<size_t>(m.format)];
    GemmArgs args;
    args.w = m;
    args.n_from = from;
    args.n_to = from + n;
    args.x = input.data;
    args.x_stride = input.row_stride;
    args.x_row = expert_rows_.tokens(expert);
    args.n_tokens = n_rows;
    args.y = y;
    args.y_stride = kHiddenStrip;
    args.round_output = rounds_output();
    gemm(input.storage, args);
  };
  product(gate, w.gate);
  product(up, w.up);
  const InputForm form = input_form(w.down.format);
  const int64_t row_bytes = packed_elements(form.storage, w.gate.n) * element_bytes(form.storage);
  auto* out = hidden_row(expert_rows_.first(expert), w.gate.n);
  for (int64_t r = 0; r < n_rows; ++r, out += row_bytes) {
    float* const row = gate + r * kHiddenStrip;
    kernels_.swiglu_row(row, row, up + r * kHiddenStrip, n, rounds_output());
    pack_values(form, out, from, row, n);
  }
}

/// y [T, from .. to) = sum over each row's slots, in their order.
void SimdBackend::expert_outputs(View y, View weight, std::span<const MlpMatrices> experts, int64_t from, int64_t to,
                                 ThreadScratch& scratch) {
  const int64_t n = to - from, n_chosen = weight.cols();
  float* const out = scratch.output.room<float>(expert_rows_.n_slots() * n);
  for (const int32_t e : expert_rows_.active()) {
    const Matrix& down = weights_of(experts, e).down;
    const Storage storage = input_form(down.format).storage;
    GemmArgs args;
    args.w = down;
    args.n_from = from;
    args.n_to = to;
    args.x = hidden_row(expert_rows_.first(e), down.k);
    args.x_stride = packed_elements(storage, down.k);
    args.n_tokens = expert_rows_.n_rows(e);
    args.y = out + expert_rows_.first(e) * n;
    args.y_stride = n;
    args.round_output = rounds_output();
    gemm(storage, args);
  }
  for (int64_t t = 0; t < y.dim(0); ++t) {
    float* const sum = y.row(t) + from;
    std::fill_n(sum, n, 0.0f);
    for (int64_t k = 0; k < n_chosen; ++k) {
      kernels_.add_scaled_row(sum, out + expert_rows_.place(t * n_chosen + k) * n, weight.row(t)[k], n);
    }
    if (rounds_output()) kernels_.round_row(sum, sum, n);
  }
}

}  // namespace drawbridge
