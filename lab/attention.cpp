// One token's absorbed attention: 16 heads, a latent of 512 + 64, 2,048 bf16 keys, in chunks that are merged.
//
// Twice: keys in a row, in the second-level cache or near it, and keys scattered over more than the caches hold. A key
// is 1,152 bytes and 34,816 operations: arithmetic binds where memory gives 7 GB/s.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/rng.h"
#include "ladder.h"
#include "tensor/dtype.h"
//
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/attention_bf16_avx512-inl.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kHeads = 16, kLatent = 512, kWidth = 576, kKeys = 2048, kChunks = kKeys / kKeyChunk;
constexpr int64_t kPartStride = kPartOutput + kHeads * kLatent;
constexpr float kScale = 0.0625f;

size_t at(int64_t i) {
  return static_cast<size_t>(i);
}

template <typename T>
class Aligned {
 public:
  explicit Aligned(int64_t n) : data_(static_cast<T*>(::operator new(at(n) * sizeof(T), kAlignment))) {}
  T* data() const { return data_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(T* data) const { ::operator delete(data, kAlignment); }
  };
  std::unique_ptr<T, Free> data_;
};

struct Token {
  /// Sets of kKeys rows, each `spread` rows apart on average, drawn without order within that spread.
  Token(int64_t n_sets, int64_t spread) : cache(at(n_sets * kKeys * spread * kWidth)) {
    for (size_t i = 0; i < cache.size(); ++i) cache[i] = f32_to_bf16(static_cast<float>(2 * uniform_at(1, i) - 1));
    for (int64_t h = 0; h < kHeads; ++h) {
      float* const own = q.data() + h * kWidth;
      for (int64_t i = 0; i < kWidth; ++i) {
        own[i] = round_to_bf16(static_cast<float>(2 * uniform_at(2, at(h * kWidth + i)) - 1));
      }
      pack_query_pairs(pairs.data(), h, own, kWidth);
    }
    for (int64_t k = 0; k < n_sets * kKeys; ++k) {
      const auto jump = static_cast<int64_t>(uniform_at(3, at(k)) * static_cast<double>(spread));
      rows.push_back(cache.data() + (k * spread + jump) * kWidth);
    }
  }
  const void* const* keys(int64_t turn) const {
    return rows.data() + turn % (static_cast<int64_t>(rows.size()) / kKeys) * kKeys;
  }

  std::vector<uint16_t> cache;
  std::vector<const void*> rows;
  Aligned<float> q{kHeads * kWidth}, score{kHeadBlock * kKeyChunk}, parts{kChunks * kPartStride};
  Aligned<uint8_t> pairs{query_pairs_bytes(kWidth)};
  std::vector<float> o = std::vector<float>(at(kHeads * kLatent));
};

float dot(const float* q, const uint16_t* key) {
  float sum = 0;
  for (int64_t i = 0; i < kWidth; ++i) sum += q[i] * bf16_to_f32(key[i]);
  return sum;
}

void plain(Token& token, int64_t turn) {
  std::vector<float> weight(at(kKeys));
  const void* const* const keys = token.keys(turn);
  for (int64_t h = 0; h < kHeads; ++h) {
    const auto key = [&](int64_t k) { return static_cast<const uint16_t*>(keys[k]); };
    for (int64_t k = 0; k < kKeys; ++k) weight[at(k)] = kScale * dot(token.q.data() + h * kWidth, key(k));
    const float top = *std::max_element(weight.begin(), weight.end());
    float sum = 0;
    for (float& w : weight) sum += w = std::exp(w - top);
    float* const o = token.o.data() + h * kLatent;
    std::fill_n(o, kLatent, 0.0f);
    for (int64_t k = 0; k < kKeys; ++k) {
      for (int64_t i = 0; i < kLatent; ++i) o[i] += weight[at(k)] / sum * bf16_to_f32(key(k)[i]);
    }
  }
}

/// As SimdBackend runs it, on one thread.
void in_chunks(Token& token, int64_t turn, const AttentionKernels& kernels, const void* q) {
  for (int64_t c = 0; c < kChunks; ++c) {
    AttendArgs args;
    args.q = static_cast<const uint8_t*>(q);
    args.n_heads = kHeads;
    args.width = kWidth;
    args.latent = kLatent;
    args.keys = {token.keys(turn) + c * kKeyChunk, kKeyChunk, true};
    args.scale = kScale;
    args.score = token.score.data();
    args.part = token.parts.data() + c * kPartStride;
    kernels.attend(args);
  }
  kernels.merge({token.parts.data(), kChunks, kPartStride, kHeads, kLatent, token.o.data(), kLatent, false});
}

bool climb_over(const std::string& name, Token& token) {
  Ladder ladder;
  ladder.name = fmt::format("absorbed attention, {} heads, {} keys {}", kHeads, kKeys, name);
  ladder.limit = "bf16 dot";
  ladder.work = 2.0 * kHeads * kKeys * (kWidth + kLatent);
  ladder.versions = {
      {"plain", [&](int64_t turn) { plain(token, turn); }},
      {"f32 kernels", [&](int64_t turn) { in_chunks(token, turn, kAttention, token.q.data()); }},
      {"bf16 kernels", [&](int64_t turn) { in_chunks(token, turn, kAttentionBf16, token.pairs.data()); }}};
  ladder.take_result = [&token] {
    std::vector<float> taken(token.o.size(), NAN);
    taken.swap(token.o);
    return taken;
  };
  ladder.tolerance = 1.0 / 128;  // weights rounded to bf16: 2^-8 of each, in dividend and divisor
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  if (!__builtin_cpu_supports("avx512bf16") || !__builtin_cpu_supports("avx512vl")) {
    fmt::print("this ladder needs AVX-512 with bf16\n");
    return 0;
  }
  Token in_a_row(1, 1), scattered(8, 4);
  const bool near = climb_over("in a row", in_a_row);
  return climb_over("scattered in memory", scattered) && near ? 0 : 1;
}
