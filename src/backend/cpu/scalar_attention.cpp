// The scalar reference of the cache ops: writing, the lightning indexer's selection, absorbed MLA.
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "backend/cpu/scalar.h"
#include "backend/cpu/select.h"

namespace drawbridge {
namespace {

size_t index(int64_t i) {
  return static_cast<size_t>(i);
}

double dot(const float* a, const float* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// Softmax weights of `score` in place.
void softmax(std::vector<double>& score) {
  const double top = *std::max_element(score.begin(), score.end());
  double sum = 0;
  for (double& s : score) sum += s = std::exp(s - top);
  for (double& s : score) s /= sum;
}

}  // namespace

void ScalarBackend::kv_write(const PagedView& cache, std::span<const int32_t> slot, View x) {
  DB_CHECK(x.rank == 2 && x.cols() == cache.format.width && x.dim(0) == static_cast<int64_t>(slot.size()));
  int64_t n_clipped = 0;
  for (int64_t t = 0; t < x.dim(0); ++t) {
    DB_CHECK(slot[index(t)] >= 0 && slot[index(t)] < cache.n_slots());
    n_clipped += write_kv_row(cache.format, cache.row(slot[index(t)]), x.row(t));
  }
  count_kv_write(cache, x.dim(0), n_clipped);
}

void ScalarBackend::read_key(const KvFormat& format, const void* row, float* out) const {
  read_kv_row(format, row, out);
  if (rounds_keys(format)) std::transform(out, out + format.width, out, round_to_bf16);
}

std::vector<float> ScalarBackend::read_queries(const KvFormat& format, std::span<const View> parts, int64_t t) const {
  std::vector<float> all;
  for (int64_t h = 0; h < parts[0].dim(1); ++h) {
    for (const View& part : parts) all.insert(all.end(), part.row(t, h), part.row(t, h) + part.dim(2));
  }
  if (rounds_keys(format)) std::transform(all.begin(), all.end(), all.begin(), round_to_bf16);
  return all;
}

void ScalarBackend::index_topk(View selected, View q, View head_weight, const PagedView& cache, const RowMap& map,
                               std::span<const int32_t> pos) {
  const int64_t n_heads = q.dim(1), width = q.dim(2), topk = selected.cols();
  DB_CHECK(selected.dtype == DType::kI32 && cache.format.width == width && head_weight.cols() == n_heads);
  const double head_scale = 1.0 / std::sqrt(static_cast<double>(n_heads));
  const double key_scale = 1.0 / std::sqrt(static_cast<double>(width));
  std::vector<float> key(index(width));
  for (int64_t t = 0; t < q.dim(0); ++t) {
    auto* out = selected.as<int32_t>() + t * selected.stride[0];
    std::fill_n(out, topk, -1);
    const int64_t n_keys = pos[index(t)] + 1;
    if (n_keys <= topk) {
      for (int32_t k = 0; k < n_keys; ++k) out[k] = k;
      continue;
    }
    std::vector<float> queries = read_queries(cache.format, {&q, 1}, t), score(index(n_keys));
    for (int64_t k = 0; k < n_keys; ++k) {
      read_key(cache.format, cache.row(slot_of(map, cache.page_size, t, k)), key.data());
      double sum = 0;
      for (int64_t h = 0; h < n_heads; ++h) {
        const double match = std::max(0.0, dot(&queries[index(h * width)], key.data(), width) * key_scale);
        sum += head_weight.row(t)[h] * head_scale * match;
      }
      score[index(k)] = static_cast<float>(sum);
    }
    const auto best = largest_indices(score, topk);
    std::copy(best.begin(), best.end(), out);
    std::sort(out, out + topk);
  }
}

void ScalarBackend::mla_attention(View o, View q_latent, View q_rope, const PagedView& cache, const RowMap& map,
                                  View selected, float scale) {
  const int64_t latent = q_latent.dim(2), width = latent + q_rope.dim(2);
  DB_CHECK(o.shape == q_latent.shape && cache.format.width == width && selected.dtype == DType::kI32);
  for (int64_t t = 0; t < o.dim(0); ++t) {
    const auto* chosen = selected.as<int32_t>() + t * selected.stride[0];
    const int64_t n = std::find(chosen, chosen + selected.cols(), -1) - chosen;
    DB_CHECK(n > 0);
    std::vector<float> keys(index(n * width));
    for (int64_t k = 0; k < n; ++k) {
      read_key(cache.format, cache.row(slot_of(map, cache.page_size, t, chosen[k])), keys.data() + k * width);
    }
    const std::array<View, 2> parts = {q_latent, q_rope};
    const std::vector<float> queries = read_queries(cache.format, parts, t);
    for (int64_t h = 0; h < o.dim(1); ++h) {
      std::vector<double> score(index(n));
      for (int64_t k = 0; k < n; ++k) {
        score[index(k)] = dot(&queries[index(h * width)], &keys[index(k * width)], width) * static_cast<double>(scale);
      }
      softmax(score);
      for (int64_t i = 0; i < latent; ++i) {
        double sum = 0;
        for (int64_t k = 0; k < n; ++k) sum += score[index(k)] * keys[index(k * width + i)];
        o.row(t, h)[i] = round_output(static_cast<float>(sum));
      }
    }
  }
}

}  // namespace drawbridge
