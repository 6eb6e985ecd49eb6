// Products with weight matrices: inputs are packed once, then threads share the rows of the weights and, where there
// are many, blocks of tokens whose inputs stay in the cache. However it is cut, the bits are the same.
#include <algorithm>
#include <cstring>

#include "backend/cpu/simd.h"
#include "base/checked_math.h"
#include "tensor/panel.h"

namespace drawbridge {
namespace {

constexpr int64_t kRowStep = 32;            // values that a packed row of weights in rows is filled up to
constexpr int64_t kBlockBytes = 512 << 10;  // of packed inputs that stay in the second-level cache beside the weights
constexpr int64_t kStripRows = kPanelRows;  // what goes to one thread together, for weights in rows
constexpr int64_t kStripsPerThread = 4;
constexpr int64_t kValues = 1024;  // a multiple of every block

}  // namespace

/// Only where the instructions are at hand for which panels are laid out.
bool SimdBackend::prefers_panels(WeightFormat format) const {
  return panels_.bf16 != nullptr || (panels_.int8 != nullptr && input_codec(format) == InputCodec::kInt8);
}

int64_t SimdBackend::InputForm::row_bytes(int64_t k) const {
  if (panels != nullptr) return panels->row_bytes(k);
  return ceil_div(k, kRowStep) * kRowStep * (storage == PanelInput::kBf16 ? 2 : 4);
}

SimdBackend::InputForm SimdBackend::input_form(const Matrix& w, InputCodec codec) const {
  const bool round = codec == InputCodec::kNone && rounds_input(w.format);
  const bool on_grid = round || codec != InputCodec::kNone;
  if (w.order == RowOrder::kPanels) {
    const bool has_int8 =
        panels_.int8 != nullptr && (w.format == WeightFormat::kMxfp4 || w.format == WeightFormat::kQ8);
    if (codec == InputCodec::kInt8 && has_int8) return {PanelInput::kInt8, panels_.int8, false, InputCodec::kNone};
    if (on_grid && panels_.bf16 != nullptr) return {PanelInput::kBf16, panels_.bf16, false, codec};
    return {PanelInput::kF32, &panels_.f32, round, codec};
  }
  const bool as_bf16 = on_grid && bf16_dot_ && w.format != WeightFormat::kF16;
  return {as_bf16 ? PanelInput::kBf16 : PanelInput::kF32, nullptr, round && !as_bf16, codec};
}

/// Writes x as values [from, from + x.size()) of a packed `row` of k, `from` a multiple of 32, and zeros up to the
/// next.
void SimdBackend::pack_values(const InputForm& form, uint8_t* row, int64_t k, int64_t from, std::span<const float> x,
                              ThreadScratch& scratch) const {
  const auto n_all = static_cast<int64_t>(x.size());
  for (int64_t i = 0; i < n_all; i += kValues) {
    const int64_t n = std::min(kValues, n_all - i), at = from + i;
    const float* values = x.data() + i;
    if (form.codec != InputCodec::kNone || form.round) {
      float* const own = scratch.values.room<float>(kValues);
      form.round ? kernels_.round_row(own, values, n) : kernels_.quantize_row(own, values, n, form.codec);
      values = own;
    }
    if (form.panels != nullptr) {
      form.panels->pack(row, k, at, values, n);
      continue;
    }
    const int64_t rest = ceil_div(n, kRowStep) * kRowStep - n;
    if (form.storage == PanelInput::kBf16) {
      auto* const out = reinterpret_cast<uint16_t*>(row) + at;
      kernels_.narrow_row(out, values, n);
      std::fill_n(out + n, rest, uint16_t{0});
    } else {
      auto* const out = reinterpret_cast<float*>(row) + at;
      std::copy_n(values, n, out);
      std::fill_n(out + n, rest, 0.0f);
    }
  }
}

SimdBackend::Input SimdBackend::pack(const View& x, const InputForm& form, Scratch& scratch) {
  const int64_t heads = x.rank == 3 ? x.dim(1) : 1;
  if (form.is_as_given()) {
    constexpr int64_t kFloat = sizeof(float);
    return Input{reinterpret_cast<const uint8_t*>(x.f32()), x.stride[0] * kFloat, heads > 1 ? x.stride[1] * kFloat : 0};
  }
  const int64_t row_bytes = form.row_bytes(x.cols());
  auto* const out = scratch.room<uint8_t>(x.rows() * row_bytes);
  pool_->parallel_for(x.rows(), x.cols(), [&](int64_t from, int64_t to, int thread) {
    for (int64_t r = from; r < to; ++r) {
      const std::span<const float> values(flat_row(x, r), static_cast<size_t>(x.cols()));
      pack_values(form, out + r * row_bytes, x.cols(), 0, values, scratch_of(thread));
    }
  });
  return Input{out, heads * row_bytes, row_bytes};
}

void SimdBackend::multiply_part(const Part& part, ThreadScratch& scratch) const {
  if (part.form.panels != nullptr) {
    PanelArgs args;
    args.w = part.w;
    args.panel_from = part.n_from / kPanelRows;
    args.panel_to = ceil_div(part.n_to, kPanelRows);
    args.x = part.x;
    args.x_stride = part.x_stride;
    args.x_row = part.x_row;
    args.n_tokens = part.n_tokens;
    args.y = part.y;
    args.y_stride = part.y_stride;
    args.round_output = part.round_output;
    args.plan = part.plan;
    if (part.plan.expand) args.work = scratch.codes.room<uint8_t>(part.form.panels->work_bytes(part.w));
    return part.form.panels->gemm(args);
  }
  const bool bf16 = part.form.storage == PanelInput::kBf16;
  GemmArgs args;
  args.w = part.w;
  args.n_from = part.n_from;
  args.n_to = part.n_to;
  args.x = part.x;
  args.x_stride = part.x_stride / (bf16 ? 2 : 4);
  args.x_row = part.x_row;
  args.n_tokens = part.n_tokens;
  args.y = part.y;
  args.y_stride = part.y_stride;
  args.round_output = part.round_output;
  bf16 ? kernels_.gemm_bf16(args) : kernels_.gemm(args);
}

/// y [T, N] = x w^T, or y [T, H, N] = x w_h^T with w_h = rows [h N, (h + 1) N). Items are strips of one head's rows and
/// one block of tokens, the strips of a block next to each other.
void SimdBackend::multiply(const View& y, const View& x, const Matrix& w, const InputForm& form, bool round_output) {
  const int64_t n_heads = y.rank == 3 ? y.dim(1) : 1, n_tokens = x.dim(0), n = y.cols();
  DB_CHECK(x.rank == y.rank && x.rows() == y.rows() && x.dim(0) == y.dim(0) && x.cols() == w.k && w.n == n_heads * n);
  if (n_tokens == 0) return;
  const bool panels = form.panels != nullptr;
  DB_CHECK(panels == (w.order == RowOrder::kPanels) && (!panels || n_heads == 1 || n % kPanelRows == 0));
  const ProductKey key{n_heads == 1 ? ProductStage::kLinear : ProductStage::kHeads, w.format, form.storage, n, w.k};
  const TilePlan plan = panels ? shared_plan(plans_->find(key, n_tokens), n_heads * n) : TilePlan();
  const Input input = pack(x, form, input_);
  const int64_t strip = panels ? plan.strip * kPanelRows : kStripRows, n_strips = ceil_div(n, strip);
  const int64_t block = std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(form.row_bytes(w.k), 1), 1, n_tokens);
  const int64_t n_blocks = ceil_div(n_tokens, block);
  const int64_t cost = w.k * strip * (block + kStreamRows);
  pool_->parallel_for(n_heads * n_blocks * n_strips, cost, [&](int64_t from, int64_t to, int thread) {
    while (from < to) {
      const int64_t h = from / n_strips / n_blocks, t = from / n_strips % n_blocks * block;
      const int64_t first = from % n_strips, last = std::min(n_strips, first + to - from);
      Part part{w, form, plan};
      part.n_from = h * n + first * strip;
      part.n_to = h * n + std::min(last * strip, n);
      part.x = input.row(t, h);
      part.x_stride = input.row_stride;
      part.n_tokens = std::min(block, n_tokens - t);
      part.y = flat_row(y, t * n_heads + h) + first * strip;
      part.y_stride = y.stride[0];
      part.round_output = round_output;
      multiply_part(part, scratch_of(thread));
      from += last - first;
    }
  });
}

/// The plan with strips so narrow that each thread finds several of them among `n` rows.
TilePlan SimdBackend::shared_plan(TilePlan plan, int64_t n) const {
  const int64_t most = n / kPanelRows / (kStripsPerThread * pool_->size());
  plan.strip = static_cast<int32_t>(std::clamp<int64_t>(plan.strip, 1, std::max<int64_t>(most, 1)));
  return plan;
}

void SimdBackend::linear(View y, View x, const Matrix& w) {
  multiply(y, x, w, input_form(w), rounds_output());
}

void SimdBackend::linear_f32(View y, View x, const Matrix& w) {
  InputForm form;
  if (w.order == RowOrder::kPanels) form.panels = &panels_.f32;
  multiply(y, x, w, form, false);
}

void SimdBackend::linear_heads(View y, View x, const Matrix& w) {
  DB_CHECK(y.rank == 3);
  multiply(y, x, w, input_form(w, InputCodec::kNone), rounds_output());
}

}  // namespace drawbridge
