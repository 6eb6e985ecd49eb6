// AttentionKernels: what SimdBackend asks of an instruction set for absorbed attention and the indexer, as one table.
// A row's heads are taken in blocks of kHeadBlock and its keys in chunks of up to kKeyChunk, cut from the front of its
// list: the cuts depend on the row alone, so that any thread may take any (row, block, chunk) and the bits stay the same.
// Kept apart from everything else for the reasons in kernels.h.
#pragma once

#include <cstdint>

#include "tensor/kv_format.h"

namespace drawbridge {

/// Heads that share a pass over the keys; also the lanes of the bf16 kernels.
inline constexpr int64_t kHeadBlock = 16;
/// Keys whose softmax is taken together: at 576 wide in bf16 they stay in a second-level cache of 512 KiB between
/// scores and values, and what a chunk costs to merge is 2 % of its products.
inline constexpr int64_t kKeyChunk = 256;

/// Rows of keys in bf16 or f32: of the cache, or what its fp8 rows were decoded to.
struct KeyRows {
  const void* const* row = nullptr;  // [n]
  int64_t n = 0;                     // at most kKeyChunk
  bool is_bf16 = false;
};

/// score[k] = sum_h head_weight[h] * relu(q[h] . key[k])
struct IndexArgs {
  const uint8_t* q = nullptr;  // blocks of queries, packed
  int64_t n_heads = 0;
  int64_t width = 0;
  const float* head_weight = nullptr;  // [n_heads rounded up to kHeadBlock], zero beyond n_heads
  KeyRows keys;
  float* score = nullptr;
};

/// What a chunk of keys contributes to a block of heads, in floats at these places:
///   top [kHeadBlock]    the largest score
///   sum [kHeadBlock]    sum_k e^(score[k] - top)
///   o [n_heads, latent] sum_k e^(score[k] - top) key[k][0 .. latent)
inline constexpr int64_t kPartSum = kHeadBlock;
inline constexpr int64_t kPartOutput = 2 * kHeadBlock;

struct AttendArgs {
  const uint8_t* q = nullptr;  // a block of queries, packed
  int64_t n_heads = 0;         // at most kHeadBlock
  int64_t width = 0;
  int64_t latent = 0;
  KeyRows keys;
  float scale = 1;
  float* score = nullptr;  // work space [kHeadBlock, kKeyChunk], 64-byte aligned
  float* part = nullptr;
};

/// o[h] = the softmax over all chunks, merged in their order. Spoils the parts' `top`.
struct MergeArgs {
  float* part = nullptr;  // [n_parts, part_stride]
  int64_t n_parts = 0;
  int64_t part_stride = 0;
  int64_t n_heads = 0;
  int64_t latent = 0;
  float* o = nullptr;
  int64_t o_stride = 0;       // from head to head
  bool round_output = false;  // to bf16
};

struct AttentionKernels {
  /// Bytes of a block of queries.
  int64_t (*block_bytes)(int64_t width);
  /// Head `head` of a block. For bf16 kernels q lies on bf16's grid.
  void (*pack_query)(uint8_t* block, int64_t head, const float* q, int64_t width);
  /// y [width] = the values of an fp8 row, in f32 or rounded to bf16.
  void (*decode_key)(void* y, const KvFormat& format, const void* row, bool to_bf16);
  void (*index_scores)(const IndexArgs&);
  void (*attend)(const AttendArgs&);
  void (*merge)(const MergeArgs&);
};

}  // namespace drawbridge
