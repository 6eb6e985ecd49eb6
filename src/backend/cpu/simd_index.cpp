// The lightning indexer: scores of all cached index keys, then the choice of the largest.
//
// A key of d = 128 is 256 bytes (bf16) and 2 H d operations: with 32 heads the limit is arithmetic where memory gives 7
// GB/s a core. Measured (lab/indexer.cpp): 87 to 92 % of the bf16 rate; the choice takes 2 % as long.
//
// Scores are computed in (chunk of keys, row) items, chunks the outer loop, so that one row with a long context is
// spread over all threads and rows of one request find a chunk's keys in the cache, fp8 ones already decoded.
#include <algorithm>
#include <cmath>

#include "backend/cpu/select.h"
#include "backend/cpu/simd.h"
#include "base/checked_math.h"

namespace drawbridge {
namespace {

constexpr int64_t kScoreBuffer = 4 << 20;  // scores kept before rows are selected
constexpr int64_t kSelectCost = 4;         // of a score, in multiply-adds

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

}  // namespace

/// An op, and of the rows whose scores are kept together.
struct SimdBackend::KeyScoring {
  View q;
  View head_weight;
  std::span<const int32_t> pos;
  KeySource source;
  int64_t max_keys = 0;     // of any row
  int64_t n_blocks = 0;     // of heads
  int64_t block_bytes = 0;  // of queries

  std::span<const int32_t> rows = {};
  uint8_t* queries = nullptr;  // [rows, n_blocks] blocks
  float* weights = nullptr;    // [rows, n_blocks * kHeadBlock]
  float* scores = nullptr;     // [rows, max_keys]

  int64_t n_keys(int64_t row) const { return pos[index(rows[index(row)])] + 1; }
  int64_t keys_of(int64_t row, int64_t chunk) const {
    return std::clamp<int64_t>(n_keys(row) - chunk * kKeyChunk, 0, kKeyChunk);
  }
};

void SimdBackend::index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                             std::span<const int32_t> pos) {
  const int64_t topk = selected.cols();
  DB_CHECK(selected.dtype == DType::kI32 && cache.format.width == q.dim(2) && head_weight.cols() == q.dim(1));
  const auto choice = [&](int64_t t) { return selected.as<int32_t>() + t * selected.stride[0]; };
  const AttentionKernels& kernels = attention_kernels(cache.format);
  KeyScoring op{q, head_weight, pos, {cache, map, kernels, rounds_keys(cache.format)}};
  long_rows_.clear();
  for (int64_t t = 0; t < q.dim(0); ++t) {
    const int64_t n_keys = pos[index(t)] + 1;
    if (n_keys > topk) {
      long_rows_.push_back(static_cast<int32_t>(t));
      op.max_keys = std::max(op.max_keys, n_keys);
      continue;
    }
    for (int64_t k = 0; k < topk; ++k) choice(t)[k] = k < n_keys ? static_cast<int32_t>(k) : -1;
  }
  if (long_rows_.empty()) return;
  op.n_blocks = ceil_div(q.dim(1), kHeadBlock);
  op.block_bytes = kernels.block_bytes(cache.format.width);
  for (ThreadScratch& scratch : thread_scratch_) scratch.keys.start();
  const std::span<const int32_t> all(long_rows_);
  const size_t group = index(std::max(kScoreBuffer / op.max_keys, int64_t{1}));
  for (size_t first = 0; first < all.size(); first += group) {
    op.rows = all.subspan(first, std::min(group, all.size() - first));
    score_rows(op);
    pool_->parallel_for(static_cast<int64_t>(op.rows.size()), kSelectCost * op.max_keys,
                        [&](int64_t from, int64_t to, int thread) {
                          for (int64_t i = from; i < to; ++i) {
                            const std::span<const float> score(op.scores + i * op.max_keys, index(op.n_keys(i)));
                            choose(score, {choice(op.rows[index(i)]), index(topk)}, scratch_of(thread));
                          }
                        });
  }
}

void SimdBackend::choose(std::span<const float> score, std::span<int32_t> out, ThreadScratch& scratch) const {
  if (kernels_.largest_positions == nullptr || out.empty()) return largest_positions(score, out, scratch.order);
  scratch.order.resize(2 * score.size() + index(kSelectMargin));
  kernels_.largest_positions({score.data(), static_cast<int64_t>(score.size()), out.data(),
                              static_cast<int64_t>(out.size()), scratch.order.data()});
}

void SimdBackend::score_rows(KeyScoring& op) {
  const auto n_rows = static_cast<int64_t>(op.rows.size());
  const int64_t key_cost = op.q.dim(1) * op.q.dim(2), n_chunks = ceil_div(op.max_keys, kKeyChunk);
  op.queries = index_queries_.room<uint8_t>(n_rows * op.n_blocks * op.block_bytes);
  op.weights = index_weights_.room<float>(n_rows * op.n_blocks * kHeadBlock);
  op.scores = key_score_.room<float>(n_rows * op.max_keys);
  pool_->parallel_for(n_rows, key_cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) pack_index_queries(op, i, scratch_of(thread));
  });
  const auto cost = [&](int64_t item) { return op.keys_of(item % n_rows, item / n_rows) * key_cost; };
  pool_->parallel_for_weighted(n_rows * n_chunks, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      if (op.keys_of(i % n_rows, i / n_rows) > 0) score_chunk(op, i % n_rows, i / n_rows, scratch_of(thread));
    }
  });
}

/// The two constant factors of a score go into the heads' weights.
void SimdBackend::pack_index_queries(const KeyScoring& op, int64_t row, ThreadScratch& scratch) const {
  const int64_t t = op.rows[index(row)], n_heads = op.q.dim(1), padded = op.n_blocks * kHeadBlock;
  for (int64_t block = 0; block < op.n_blocks; ++block) {
    uint8_t* const to = op.queries + (row * op.n_blocks + block) * op.block_bytes;
    pack_queries(to, op.source, {&op.q, 1}, t, block * kHeadBlock, scratch);
  }
  const double scale = 1.0 / std::sqrt(static_cast<double>(n_heads)) / std::sqrt(static_cast<double>(op.q.dim(2)));
  float* const weight = op.weights + row * padded;
  for (int64_t h = 0; h < padded; ++h) {
    weight[h] = h < n_heads ? static_cast<float>(op.head_weight.row(t)[h] * scale) : 0.0f;
  }
}

void SimdBackend::score_chunk(const KeyScoring& op, int64_t row, int64_t chunk, ThreadScratch& scratch) const {
  const int64_t first = chunk * kKeyChunk;
  IndexArgs args;
  args.q = op.queries + row * op.n_blocks * op.block_bytes;
  args.n_heads = op.q.dim(1);
  args.width = op.q.dim(2);
  args.head_weight = op.weights + row * op.n_blocks * kHeadBlock;
  args.keys = scratch.keys.range(op.source, op.rows[index(row)], first, op.keys_of(row, chunk));
  args.score = op.scores + row * op.max_keys + first;
  op.source.kernels.index_scores(args);
}

}  // namespace drawbridge
