// The lightning indexer for one token: scores of all its keys, then the positions of the 2,048 largest.
//
// Scores: 32 heads of 128 (GLM-5.2) against bf16 keys of 256 bytes: 8,256 operations a key, bound by the bf16 dot
// products where memory gives 7 GB/s. Choice: 4 bytes a score read, 4 a chosen position written; the limit would be one
// pass over the cache, which no way to choose has.
#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "backend/cpu/scratch.h"
#include "backend/cpu/select.h"
#include "inputs.h"
#include "ladder.h"
#include "tensor/dtype.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kHeads = 32, kWidth = 128, kTopK = 2048;

size_t at(int64_t i) {
  return static_cast<size_t>(i);
}

float bf16_grid(float v) {
  return round_to_bf16(v);
}

/// A token's queries and its keys in a row.
struct Scoring {
  explicit Scoring(int64_t n) : n_keys(n), score(at(n)) {
    for (float& v : q) v = bf16_grid(v);
    const std::vector<float> values = random_values(n_keys * kWidth, 3);
    keys.resize(values.size());
    std::transform(values.begin(), values.end(), keys.begin(), f32_to_bf16);
    for (int64_t k = 0; k < n_keys; ++k) rows.push_back(keys.data() + k * kWidth);
  }

  int64_t n_keys;
  std::vector<float> q = random_values(kHeads * kWidth, 1), weight = random_values(kHeads, 2), score;
  std::vector<uint16_t> keys;
  std::vector<const void*> rows;
};

void plain(Scoring& s) {
  for (int64_t k = 0; k < s.n_keys; ++k) {
    float total = 0;
    for (int64_t h = 0; h < kHeads; ++h) {
      float dot = 0;
      for (int64_t i = 0; i < kWidth; ++i) dot += s.q[at(h * kWidth + i)] * bf16_to_f32(s.keys[at(k * kWidth + i)]);
      total += s.weight[at(h)] * std::max(dot, 0.0f);
    }
    s.score[at(k)] = total;
  }
}

/// As SimdBackend runs it, on one thread.
Version in_chunks(const std::string& name, Scoring& s, const AttentionKernels& kernels) {
  const int64_t block_bytes = kernels.block_bytes(kWidth);
  const auto packed = std::make_shared<Scratch>();
  auto* const q = packed->room<uint8_t>(kHeads / kHeadBlock * block_bytes);
  for (int64_t h = 0; h < kHeads; ++h) {
    kernels.pack_query(q + h / kHeadBlock * block_bytes, h % kHeadBlock, s.q.data() + h * kWidth, kWidth);
  }
  return {
      name, [&s, &kernels, packed](int64_t) {
        for (int64_t k = 0; k < s.n_keys; k += kKeyChunk) {
          const KeyRows keys{s.rows.data() + k, std::min(kKeyChunk, s.n_keys - k), true};
          kernels.index_scores({packed->data<uint8_t>(), kHeads, kWidth, s.weight.data(), keys, s.score.data() + k});
        }
      }};
}

bool climb_scores(int64_t n_keys) {
  Scoring scoring(n_keys);
  Ladder ladder;
  ladder.name = fmt::format("indexer scores, {} heads, {} keys", kHeads, n_keys);
  ladder.limit = "bf16 dot";
  ladder.work = static_cast<double>(n_keys * kHeads * (2 * kWidth + 2));
  ladder.tolerance = 1e-5;
  ladder.take_result = [&scoring] { return take(scoring.score); };
  ladder.versions = {{"plain", [&scoring](int64_t) { plain(scoring); }}};
  for (const UsableKernels& usable : usable_kernels()) {
    ladder.versions.push_back(in_chunks(usable.isa + " f32", scoring, *usable.rows->attention));
    if (usable.bf16_dot)
      ladder.versions.push_back(in_chunks(usable.isa + " bf16", scoring, *usable.rows->attention_bf16));
  }
  return climb(ladder, {15, 2e-3});
}

/// Scores as the indexer has them: mostly small, many of them no larger than zero.
struct Choice {
  explicit Choice(int64_t n) : score(random_values(n, 4)), position(at(kTopK)), work(at(2 * n + kSelectMargin)) {
    for (float& v : score) v = v * v * v;
  }

  std::vector<float> score;
  std::vector<int32_t> position;
  std::vector<uint32_t> work;

  std::vector<float> take_positions() {
    std::vector<float> taken(position.begin(), position.end());
    std::fill(position.begin(), position.end(), -1);
    return taken;
  }
};

void by_sorting(Choice& c) {
  c.position = largest_indices(c.score, kTopK);
  std::sort(c.position.begin(), c.position.end());
}

/// Partial select of the standard library.
void by_nth_element(Choice& c) {
  std::vector<int32_t> order(c.score.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&c](int32_t a, int32_t b) {
    return c.score[at(a)] != c.score[at(b)] ? c.score[at(a)] > c.score[at(b)] : a < b;
  };
  std::nth_element(order.begin(), order.begin() + kTopK, order.end(), better);
  std::copy_n(order.begin(), kTopK, c.position.begin());
  std::sort(c.position.begin(), c.position.end());
}

bool climb_choice(int64_t n_keys) {
  Choice choice(n_keys);
  Ladder ladder;
  ladder.name = fmt::format("the {} largest of {} scores", kTopK, n_keys);
  ladder.limit = "cache read";
  ladder.cached_bytes = 4 * n_keys;
  ladder.work = static_cast<double>(4 * n_keys + 4 * kTopK);
  ladder.take_result = [&choice] { return choice.take_positions(); };
  ladder.versions = {
      {"plain, sorted", [&choice](int64_t) { by_sorting(choice); }},
      {"nth_element", [&choice](int64_t) { by_nth_element(choice); }},
      {"counted in buckets", [&choice](int64_t) { largest_positions(choice.score, choice.position, choice.work); }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto select = usable.rows->largest_positions;
    if (select == nullptr) continue;
    ladder.versions.push_back({usable.isa, [&choice, select](int64_t) {
                                 choice.work.resize(2 * choice.score.size() + at(kSelectMargin));
                                 select({choice.score.data(), static_cast<int64_t>(choice.score.size()),
                                         choice.position.data(), kTopK, choice.work.data()});
                               }});
  }
  return climb(ladder, {15, 2e-3});
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  bool right = true;
  for (const int64_t n_keys : {4096, 16'384, 131'072}) {
    right &= climb_scores(n_keys);
    right &= climb_choice(n_keys);
  }
  return right ? 0 : 1;
}
