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
constexpr int64_t kNormCost = 5;   // of an element, in multiply-adds, to be added and normed
constexpr int64_t kPackCost = 2;   // and to be packed

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

SimdBackend::InputForm SimdBackend::f32_form(const Matrix& w) const {
  InputForm form;
  if (w.order == RowOrder::kPanels) form.panels = &panels_.f32;
  return form;
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

SimdBackend::Input SimdBackend::as_given(const View& x) {
  constexpr int64_t kFloat = sizeof(float);
  const int64_t head_stride = x.rank == 3 ? x.stride[1] * kFloat : 0;
  return Input{reinterpret_cast<const uint8_t*>(x.f32()), x.stride[0] * kFloat, head_stride};
}

SimdBackend::Input SimdBackend::pack(const View& x, const InputForm& form, Scratch& scratch) {
  const int64_t heads = x.rank == 3 ? x.dim(1) : 1;
  if (form.is_as_given()) return as_given(x);
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

SimdBackend::Job SimdBackend::make_job(const View& y, const Matrix& w, const InputForm& form, bool round_output) const {
  Job job{y, &w, form, round_output, {}, {}};
  const int64_t n_heads = job.n_heads(), n_tokens = y.dim(0), n = y.cols();
  const bool panels = form.panels != nullptr;
  DB_CHECK(w.n == n_heads * n && panels == (w.order == RowOrder::kPanels));
  DB_CHECK(!panels || n_heads == 1 || n % kPanelRows == 0);
  const ProductKey key{n_heads == 1 ? ProductStage::kLinear : ProductStage::kHeads, w.format, form.storage, n, w.k};
  if (panels && n_tokens > 0) job.plan = shared_plan(plans_->find(key, n_tokens), w.n);
  job.strip = panels ? job.plan.strip * kPanelRows : kStripRows;
  job.n_strips = ceil_div(n, job.strip);
  const int64_t most = std::max<int64_t>(n_tokens, 1);
  job.block = std::clamp<int64_t>(kBlockBytes / std::max<int64_t>(form.row_bytes(w.k), 1), 1, most);
  job.n_blocks = ceil_div(n_tokens, job.block);
  return job;
}

SimdBackend::Job SimdBackend::make_job(const Product& product) const {
  const Matrix& w = *product.w;
  if (product.in_f32) return make_job(product.y, w, f32_form(w), false);
  return make_job(product.y, w, input_form(w), rounds_output());
}

void SimdBackend::multiply_items(const Job& job, int64_t from, int64_t to, ThreadScratch& scratch) const {
  const int64_t n_heads = job.n_heads(), n_tokens = job.y.dim(0), n = job.y.cols();
  while (from < to) {
    const int64_t h = from / job.n_strips / job.n_blocks, t = from / job.n_strips % job.n_blocks * job.block;
    const int64_t first = from % job.n_strips, last = std::min(job.n_strips, first + to - from);
    Part part{*job.w, job.form, job.plan};
    part.n_from = h * n + first * job.strip;
    part.n_to = h * n + std::min(last * job.strip, n);
    part.x = job.input.row(t, h);
    part.x_stride = job.input.row_stride;
    part.n_tokens = std::min(job.block, n_tokens - t);
    part.y = flat_row(job.y, t * n_heads + h) + first * job.strip;
    part.y_stride = job.y.stride[0];
    part.round_output = job.round_output;
    multiply_part(part, scratch);
    from += last - first;
  }
}

/// All products in one loop, cut by cost: an item belongs to the part in which its cost begins.
void SimdBackend::multiply(std::span<const Job> jobs) {
  int64_t total = 0;
  for (const Job& job : jobs) total += job.n_items() * job.item_cost();
  pool_->parallel_for(total, 1, [&](int64_t from, int64_t to, int thread) {
    for (const Job& job : jobs) {
      const int64_t cost = job.item_cost(), n = job.n_items();
      const auto first_from = [&](int64_t at) { return std::min(ceil_div(std::max<int64_t>(at, 0), cost), n); };
      multiply_items(job, first_from(from), first_from(to), scratch_of(thread));
      from -= n * cost;
      to -= n * cost;
    }
  });
}

void SimdBackend::multiply(const View& y, const View& x, const Matrix& w, const InputForm& form, bool round_output) {
  DB_CHECK(x.rank == y.rank && x.rows() == y.rows() && x.dim(0) == y.dim(0) && x.cols() == w.k);
  Job job = make_job(y, w, form, round_output);
  job.input = pack(x, form, input_);
  multiply({&job, 1});
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
  multiply(y, x, w, f32_form(w), false);
}

/// Gives each job its input: rows of `x` as they are, or room for them packed, once for all jobs of a form.
void SimdBackend::share_inputs(const View& x) {
  packed_.clear();
  for (Job& job : jobs_) {
    if (job.form.is_as_given()) {
      job.input = as_given(x);
      continue;
    }
    auto same = std::find_if(packed_.begin(), packed_.end(), [&](const PackedRows& p) { return p.form == job.form; });
    if (same == packed_.end()) {
      if (packed_.size() == packed_room_.size()) packed_room_.emplace_back();
      const int64_t bytes = job.form.row_bytes(x.cols());
      auto* const data = packed_room_[packed_.size()].room<uint8_t>(x.rows() * bytes);
      same = packed_.insert(same, {job.form, data, bytes});
    }
    job.input = Input{same->data, same->row_bytes, 0};
  }
}

/// Each row is added, normed and packed for its products while it is in the first-level cache.
void SimdBackend::norm_linear(View y, const NormInput& input, std::span<const Product> products) {
  const int64_t n_rows = y.dim(0), k = y.cols();
  DB_CHECK(y.rank == 2 && y.shape == input.x.shape && k == static_cast<int64_t>(input.w.size()));
  DB_CHECK(!input.adds() || input.resid.shape == y.shape);
  jobs_.clear();
  for (const Product& p : products) {
    if (p.w == nullptr) continue;
    DB_CHECK(p.y.rank == 2 && p.y.dim(0) == n_rows && p.w->k == k);
    jobs_.push_back(make_job(p));
  }
  share_inputs(y);
  const int64_t cost = k * (kNormCost + kPackCost * static_cast<int64_t>(packed_.size()));
  pool_->parallel_for(n_rows, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t t = from; t < to; ++t) {
      norm_row(y, input, t);
      const std::span<const float> values(y.row(t), static_cast<size_t>(k));
      for (const PackedRows& p : packed_) {
        pack_values(p.form, p.data + t * p.row_bytes, k, 0, values, scratch_of(thread));
      }
    }
  });
  multiply(jobs_);
}

void SimdBackend::linear_heads(View y, View x, const Matrix& w) {
  DB_CHECK(y.rank == 3);
  multiply(y, x, w, input_form(w, InputCodec::kNone), rounds_output());
}

}  // namespace drawbridge
