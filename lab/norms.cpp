// y = w x / rms(x) of one row, alone and after resid += x; and the indexer's layer norm.
//
// 2,048 values (models/synth-4b) and 6,144 (GLM-5.2): x and w read, y written, 4 operations a value, in the first- or
// second-level cache. A step's rows are in the cache already, so the limit is what the cache delivers; one sum at a
// time waits for its own additions (4 cycles each) instead.
#include <fmt/core.h>

#include <cmath>

#include "inputs.h"
#include "ladder.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace drawbridge::lab {
namespace {

constexpr float kEps = 1e-5f;

struct Row {
  explicit Row(int64_t width) : n(width), w(random_values(width, 3)), y(x.size()) {}

  int64_t n;
  std::vector<float> x = random_values(n, 1), first_resid = random_values(n, 2), resid = first_resid;
  std::vector<float> w, b = random_values(n, 4), y;

  NormArgs args(const std::vector<float>& of) {
    return {y.data(), of.data(), w.data(), b.data(), n, kEps, false, false};
  }
  /// y and, as it was added to, the residual, which starts anew.
  std::vector<float> take_both() {
    std::vector<float> both = take(y);
    both.insert(both.end(), resid.begin(), resid.end());
    resid = first_resid;
    return both;
  }
};

void plain_rms_norm(Row& row, const std::vector<float>& of) {
  double squares = 0;
  for (const float v : of) squares += static_cast<double>(v) * static_cast<double>(v);
  const auto r = static_cast<float>(1 / std::sqrt(squares / static_cast<double>(row.n) + static_cast<double>(kEps)));
  for (size_t i = 0; i < of.size(); ++i) row.y[i] = row.w[i] * (of[i] * r);
}

void plain_add(Row& row) {
  for (size_t i = 0; i < row.x.size(); ++i) row.resid[i] += row.x[i];
}

void plain_layer_norm(Row& row) {
  const auto n = static_cast<double>(row.n);
  double sum = 0, squares = 0;
  for (const float v : row.x) sum += static_cast<double>(v);
  const double mean = sum / n;
  for (const float v : row.x) squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  const double r = 1 / std::sqrt(squares / n + static_cast<double>(kEps));
  for (size_t i = 0; i < row.x.size(); ++i) {
    row.y[i] = static_cast<float>((static_cast<double>(row.x[i]) - mean) * r) * row.w[i] + row.b[i];
  }
}

#if defined(__x86_64__)

/// resid += x where there is an x; four sums of squares on the way, which do not wait for each other.
[[gnu::target("avx512f,avx512dq")]] float squares_in_four(float* resid, const float* x, int64_t n) {
  __m512 sum[4] = {_mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps(), _mm512_setzero_ps()};
  for (int64_t i = 0; i < n; i += 64) {
    for (int64_t j = 0; j < 4; ++j) {
      __m512 v = _mm512_loadu_ps(resid + i + 16 * j);
      if (x != nullptr) {
        v = _mm512_add_ps(v, _mm512_loadu_ps(x + i + 16 * j));
        _mm512_storeu_ps(resid + i + 16 * j, v);
      }
      sum[j] = _mm512_fmadd_ps(v, v, sum[j]);
    }
  }
  return _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sum[0], sum[1]), _mm512_add_ps(sum[2], sum[3])));
}

[[gnu::target("avx512f,avx512dq")]] void norm_in_four(Row& row, std::vector<float>& of, const float* added) {
  const float squares = squares_in_four(of.data(), added, row.n);
  const __m512 r = _mm512_set1_ps(1 / std::sqrt(squares / static_cast<float>(row.n) + kEps));
  for (size_t i = 0; i < of.size(); i += 16) {
    const __m512 unit = _mm512_mul_ps(_mm512_loadu_ps(of.data() + i), r);
    _mm512_storeu_ps(row.y.data() + i, _mm512_mul_ps(_mm512_loadu_ps(row.w.data() + i), unit));
  }
}

bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
}

#else
bool has_avx512() {
  return false;
}
void norm_in_four(Row&, std::vector<float>&, const float*) {}
#endif

/// `n_vectors`: what a run reads or writes, in rows of f32.
Ladder ladder_of(const std::string& name, Row& row, int64_t n_vectors) {
  Ladder ladder;
  ladder.name = fmt::format("{}, {} values", name, row.n);
  ladder.limit = "cache read";
  ladder.cached_bytes = 4 * n_vectors * row.n;
  ladder.work = static_cast<double>(ladder.cached_bytes);
  ladder.tolerance = 1e-6;
  ladder.take_result = [&row] { return row.take_both(); };
  return ladder;
}

bool climb_rms_norm(int64_t width) {
  Row row(width);
  Ladder ladder = ladder_of("rms_norm", row, 3);
  ladder.versions = {{"plain, summed in f64", [&](int64_t) { plain_rms_norm(row, row.x); }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto* const kernels = usable.rows;
    ladder.versions.push_back({usable.isa, [&row, kernels](int64_t) { kernels->rms_norm_row(row.args(row.x)); }});
  }
  if (has_avx512()) ladder.versions.push_back({"four sums", [&](int64_t) { norm_in_four(row, row.x, nullptr); }});
  return climb(ladder);
}

bool climb_add_rms_norm(int64_t width) {
  Row row(width);
  Ladder ladder = ladder_of("add_rms_norm", row, 5);
  ladder.versions = {{"plain, summed in f64", [&](int64_t) {
                        plain_add(row);
                        plain_rms_norm(row, row.resid);
                      }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto* const kernels = usable.rows;
    ladder.versions.push_back({usable.isa, [&row, kernels](int64_t) {
                                 kernels->add_row(row.resid.data(), row.x.data(), row.n, false);
                                 kernels->rms_norm_row(row.args(row.resid));
                               }});
  }
  if (has_avx512()) {
    ladder.versions.push_back(
        {"added while summed, four sums", [&](int64_t) { norm_in_four(row, row.resid, row.x.data()); }});
  }
  return climb(ladder);
}

bool climb_layer_norm(int64_t width) {
  Row row(width);
  Ladder ladder = ladder_of("layer_norm", row, 4);
  ladder.versions = {{"plain, summed in f64", [&](int64_t) { plain_layer_norm(row); }}};
  for (const UsableKernels& usable : usable_kernels()) {
    const auto* const kernels = usable.rows;
    ladder.versions.push_back({usable.isa, [&row, kernels](int64_t) { kernels->layer_norm_row(row.args(row.x)); }});
  }
  return climb(ladder);
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  bool right = climb_layer_norm(128);  // the indexer's keys
  for (const int64_t width : {2048, 6144}) {
    right &= climb_rms_norm(width);
    right &= climb_add_rms_norm(width);
  }
  return right ? 0 : 1;
}
