// The latent cache: writing it, and absorbed MLA over it: o [T, H, C] over up to topk chosen keys of C + R.
//
// A key is 1,152 bytes in bf16 (576 wide), read once a block of 16 heads and a second time from the cache: 2 H (C + R)
// + 2 H C operations. Limit: arithmetic where memory gives 7 GB/s a core (attention_bf16_avx512-inl.h has figures).
//
// A row's keys are taken in chunks, whose parts are kept and merged in the order of chunks. Few rows are cut into
// (chunk, row, block of heads), with costs by the keys in each, so that one token with a long context is spread over
// all threads. Of many rows a thread takes some neighbours at a time and keeps their parts in its own cache. Either way
// chunks are the outer loop: neighbouring rows of a dense context find their keys in the cache, fp8 ones decoded.
#include <algorithm>
#include <atomic>
#include <numeric>

#include "backend/cpu/simd.h"
#include "base/checked_math.h"

namespace drawbridge {
namespace {

constexpr int64_t kPartBuffer = 1 << 20;  // bytes of parts a thread before they are merged: in its own caches
constexpr int64_t kEncodeCost = 8;        // of an element to e4m3, in additions
constexpr int64_t kManyRows = 16;         // a thread, from which on rows are not cut
constexpr int64_t kNeighbours = 4;        // rows that a thread takes together, if their parts find room

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

// A row's list of keys is cut from the front: the first kKeyChunk keys in quarters, so that a short context is shared
// by some threads as well, then whole chunks.
constexpr int64_t kQuarters = 4;
constexpr int64_t kQuarter = kKeyChunk / kQuarters;

int64_t count_chunks(int64_t n_keys) {
  return n_keys <= kKeyChunk ? ceil_div(n_keys, kQuarter) : kQuarters + ceil_div(n_keys - kKeyChunk, kKeyChunk);
}

struct Chunk {
  int64_t first;   // in the row's list
  int64_t n_keys;  // none behind the list's end
};
Chunk chunk_of(int64_t n_keys, int64_t chunk) {
  const bool is_quarter = chunk < kQuarters;
  const int64_t first = is_quarter ? chunk * kQuarter : (chunk - kQuarters + 1) * kKeyChunk;
  return {first, std::clamp<int64_t>(n_keys - first, 0, is_quarter ? kQuarter : kKeyChunk)};
}

}  // namespace

void SimdBackend::kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) {
  const KvFormat& format = cache.format;
  DB_CHECK(x.rank == 2 && x.cols() == format.width && x.dim(0) == static_cast<int64_t>(slot.size()));
  const int64_t cost = format.width + kEncodeCost * format.n_fp8;
  std::atomic<int64_t> n_clipped = 0;
  pool_->parallel_for(x.dim(0), cost, [&](int64_t from, int64_t to, int) {
    int64_t n_own = 0;
    for (int64_t t = from; t < to; ++t) {
      DB_CHECK(slot[index(t)] >= 0 && slot[index(t)] < cache.n_slots());
      uint8_t* const row = cache.row(slot[index(t)]);
      if (format.layout == KvLayout::kBF16) {
        kernels_.narrow_row(reinterpret_cast<uint16_t*>(row), x.row(t), format.width);
      } else {
        n_own += write_kv_row(format, row, x.row(t));
      }
    }
    n_clipped += n_own;
  });
  count_kv_write(cache, x.dim(0), n_clipped);
}

const AttentionKernels& SimdBackend::attention_kernels(const KvFormat& format) const {
  const bool serving = rounds_keys(format) && !rounds_output();  // parity numerics keep f32 weights
  return bf16_dot_ && kernels_.attention_bf16 != nullptr && serving ? *kernels_.attention_bf16 : *kernels_.attention;
}

/// Heads [head, head + kHeadBlock) as far as there are, each made of one or two parts; the others are zero.
void SimdBackend::pack_queries(uint8_t* block, const KeySource& source, std::span<const View> parts, int64_t t,
                               int64_t head, ThreadScratch& scratch) const {
  const int64_t width = source.cache.format.width, n_heads = parts[0].dim(1);
  if (head + kHeadBlock > n_heads) std::fill_n(block, source.kernels.block_bytes(width), uint8_t{0});
  float* const q = scratch.query.room<float>(width);
  for (int64_t h = head; h < std::min(head + kHeadBlock, n_heads); ++h) {
    float* to = q;
    for (const View& part : parts) to = std::copy_n(part.row(t, h), part.dim(2), to);
    if (rounds_keys(source.cache.format)) kernels_.round_row(q, q, width);
    source.kernels.pack_query(block, h - head, q, width);
  }
}

/// An op, and of the rows whose parts are kept together.
struct SimdBackend::Attention {
  View o;
  std::array<View, 2> q;  // latent, rope
  View selected;
  float scale = 1;
  KeySource source;

  int64_t first_row = 0;
  int64_t n_rows = 0;
  int64_t n_chunks = 0;        // of the row with the most
  int64_t n_blocks = 0;        // of heads
  int64_t block_bytes = 0;     // of queries
  int64_t part_stride = 0;     // floats
  uint8_t* queries = nullptr;  // [n_rows, n_blocks] blocks
  float* parts = nullptr;      // [n_rows, n_blocks, n_chunks] parts

  int64_t n_heads(int64_t block) const { return std::min(kHeadBlock, o.dim(1) - block * kHeadBlock); }
  uint8_t* query(int64_t row, int64_t block) const { return queries + (row * n_blocks + block) * block_bytes; }
  float* part(int64_t row, int64_t block, int64_t chunk) const {
    return parts + ((row * n_blocks + block) * n_chunks + chunk) * part_stride;
  }
};

void SimdBackend::mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map,
                                View selected, float scale) {
  DB_CHECK(o.shape == q_latent.shape && cache.format.width == q_latent.dim(2) + q_rope.dim(2));
  DB_CHECK(q_rope.dim(0) == o.dim(0) && q_rope.dim(1) == o.dim(1) && selected.dtype == DType::kI32);
  n_selected_.clear();
  for (int64_t t = 0; t < o.dim(0); ++t) {
    const auto* chosen = selected.as<int32_t>() + t * selected.stride[0];
    const auto* end = std::partition_point(chosen, chosen + selected.cols(), [](int32_t p) { return p >= 0; });
    n_selected_.push_back(static_cast<int32_t>(end - chosen));
    DB_CHECK(n_selected_.back() > 0);
  }
  const AttentionKernels& kernels = attention_kernels(cache.format);
  Attention op{o, {q_latent, q_rope}, selected, scale, {cache, map, kernels, rounds_keys(cache.format)}};
  op.n_blocks = ceil_div(o.dim(1), kHeadBlock);
  op.block_bytes = kernels.block_bytes(cache.format.width);
  op.part_stride = kPartOutput + std::min(kHeadBlock, o.dim(1)) * ceil_div(o.dim(2), kHeadBlock) * kHeadBlock;
  for (ThreadScratch& scratch : thread_scratch_) scratch.keys.start();
  if (o.dim(0) >= kManyRows * pool_->size()) return attend_neighbours(op);
  while (op.first_row < o.dim(0)) {
    take_rows(op);
    attend_rows(op);
    op.first_row += op.n_rows;
  }
}

/// As many of the rows from first_row on as the buffer holds.
void SimdBackend::take_rows(Attention& op) {
  const int64_t bytes = op.n_blocks * op.part_stride * static_cast<int64_t>(sizeof(float));
  const int64_t most_bytes = kPartBuffer * pool_->size();
  op.n_rows = op.n_chunks = 0;
  while (op.first_row + op.n_rows < op.o.dim(0)) {
    const int64_t most = std::max(op.n_chunks, count_chunks(n_selected_[index(op.first_row + op.n_rows)]));
    if (op.n_rows > 0 && (op.n_rows + 1) * most * bytes > most_bytes) break;
    op.n_chunks = most;
    ++op.n_rows;
  }
  op.queries = attention_queries_.room<uint8_t>(op.n_rows * op.n_blocks * op.block_bytes);
  op.parts = attention_parts_.room<float>(op.n_rows * op.n_blocks * op.n_chunks * op.part_stride);
}

void SimdBackend::attend_rows(const Attention& op) {
  const int64_t n_pairs = op.n_rows * op.n_blocks, width = op.source.cache.format.width, latent = op.o.dim(2);
  pool_->parallel_for(n_pairs, kHeadBlock * width, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = i / op.n_blocks, block = i % op.n_blocks;
      pack_queries(op.query(row, block), op.source, op.q, op.first_row + row, block * kHeadBlock, scratch_of(thread));
    }
  });
  const auto keys_of = [&](int64_t row, int64_t chunk) {
    return chunk_of(n_selected_[index(op.first_row + row)], chunk).n_keys;
  };
  const auto cost = [&](int64_t item) {
    return keys_of(item / op.n_blocks % op.n_rows, item / n_pairs) * op.n_heads(item % op.n_blocks) * (width + latent);
  };
  pool_->parallel_for_weighted(n_pairs * op.n_chunks, cost, [&](int64_t from, int64_t to, int thread) {
    for (int64_t i = from; i < to; ++i) {
      const int64_t row = i / op.n_blocks % op.n_rows, chunk = i / n_pairs;
      if (keys_of(row, chunk) > 0) attend_chunk(op, row, i % op.n_blocks, chunk, scratch_of(thread));
    }
  });
  pool_->parallel_for(n_pairs, op.n_chunks * kHeadBlock * latent, [&](int64_t from, int64_t to, int) {
    for (int64_t i = from; i < to; ++i) merge_chunks(op, i / op.n_blocks, i % op.n_blocks);
  });
}

/// Groups of neighbouring rows, each on one thread from its queries to its merged output.
void SimdBackend::attend_neighbours(const Attention& all) {
  const int64_t n_rows = all.o.dim(0), width = all.source.cache.format.width, latent = all.o.dim(2);
  int64_t most_chunks = 0;
  for (const int32_t n_keys : n_selected_) most_chunks = std::max(most_chunks, count_chunks(n_keys));
  const int64_t row_bytes = all.n_blocks * most_chunks * all.part_stride * static_cast<int64_t>(sizeof(float));
  const int64_t group = std::clamp<int64_t>(kPartBuffer / row_bytes, 1, kNeighbours),
                n_groups = ceil_div(n_rows, group);
  const auto cost = [&](int64_t item) {
    const auto first = n_selected_.begin() + item * group;
    const int64_t n = std::min(group, n_rows - item * group);
    return std::accumulate(first, first + n, int64_t{0}) * all.o.dim(1) * (width + latent);
  };
  pool_->parallel_for_weighted(n_groups, cost, [&](int64_t from, int64_t to, int thread) {
    ThreadScratch& scratch = scratch_of(thread);
    Attention op = all;
    op.queries = scratch.queries.room<uint8_t>(group * op.n_blocks * op.block_bytes);
    op.parts = scratch.parts.room<float>(group * op.n_blocks * most_chunks * op.part_stride);
    for (int64_t i = from; i < to; ++i) {
      op.first_row = i * group;
      op.n_rows = std::min(group, n_rows - op.first_row);
      attend_group(op, scratch);
    }
  });
}

void SimdBackend::attend_group(Attention& op, ThreadScratch& scratch) const {
  const int64_t n_pairs = op.n_rows * op.n_blocks;
  op.n_chunks = 0;
  for (int64_t row = 0; row < op.n_rows; ++row) {
    op.n_chunks = std::max(op.n_chunks, count_chunks(n_selected_[index(op.first_row + row)]));
  }
  for (int64_t i = 0; i < n_pairs; ++i) {
    const int64_t row = i / op.n_blocks, block = i % op.n_blocks;
    pack_queries(op.query(row, block), op.source, op.q, op.first_row + row, block * kHeadBlock, scratch);
  }
  for (int64_t i = 0; i < n_pairs * op.n_chunks; ++i) {
    const int64_t row = i / op.n_blocks % op.n_rows, chunk = i / n_pairs;
    const bool has_keys = chunk_of(n_selected_[index(op.first_row + row)], chunk).n_keys > 0;
    if (has_keys) attend_chunk(op, row, i % op.n_blocks, chunk, scratch);
  }
  for (int64_t i = 0; i < n_pairs; ++i) merge_chunks(op, i / op.n_blocks, i % op.n_blocks);
}

void SimdBackend::attend_chunk(const Attention& op, int64_t row, int64_t block, int64_t chunk,
                               ThreadScratch& scratch) const {
  const int64_t t = op.first_row + row;
  const Chunk keys = chunk_of(n_selected_[index(t)], chunk);
  const auto* chosen = op.selected.as<int32_t>() + t * op.selected.stride[0] + keys.first;
  AttendArgs args;
  args.q = op.query(row, block);
  args.n_heads = op.n_heads(block);
  args.width = op.source.cache.format.width;
  args.latent = op.o.dim(2);
  args.keys = scratch.keys.at(op.source, t, chosen, keys.n_keys);
  args.scale = op.scale;
  args.score = scratch.score.room<float>(kHeadBlock * kKeyChunk);
  args.part = op.part(row, block, chunk);
  op.source.kernels.attend(args);
}

void SimdBackend::merge_chunks(const Attention& op, int64_t row, int64_t block) const {
  const int64_t t = op.first_row + row;
  MergeArgs args;
  args.part = op.part(row, block, 0);
  args.n_parts = count_chunks(n_selected_[index(t)]);
  args.part_stride = op.part_stride;
  args.n_heads = op.n_heads(block);
  args.latent = op.o.dim(2);
  args.o = op.o.row(t, block * kHeadBlock);
  args.o_stride = op.o.stride[1];
  args.round_output = rounds_output();
  op.source.kernels.merge(args);
}

}  // namespace drawbridge
