// The cache ops of the vector kernels against the scalar reference: writing, the indexer's selection, attention.
#include <compare>
#include <map>
#include <numeric>

#include "backend/cpu/conformance_test.h"

namespace drawbridge {
namespace {

class CacheConformance : public Conformance {};
INSTANTIATE_TEST_SUITE_P(Cpu, CacheConformance, testing::ValuesIn(all_targets()), target_name);

constexpr DType kF32 = DType::kF32;
constexpr DType kI32 = DType::kI32;
constexpr KvCacheType kTypes[] = {KvCacheType::kF32, KvCacheType::kBF16, KvCacheType::kFp8E4M3, KvCacheType::kFp8DsMla};
constexpr float kLayerScale = 0.013f;  // no power of two

/// A paged cache whose pages are handed out in scattered order to the requests, filled through kv_write: what lies at a
/// request's position is the same for every page size.
class Cache {
 public:
  Cache(const KvFormat& format, int64_t page_size, int64_t n_requests, int64_t n_tokens, Draw& draw, Values values)
      : max_pages_((n_tokens + page_size - 1) / page_size), n_requests_(n_requests) {
    const int64_t n_pages = n_requests * max_pages_;
    bytes_ = std::make_unique<PageEnd>(n_pages * page_size * format.row_bytes);
    view_ = {bytes_->data(), format, n_pages, page_size, nullptr};
    const int64_t step = n_pages % 7 != 0 ? 7 : 11;
    DB_CHECK(std::gcd(step, n_pages) == 1);  // so that the table is a permutation
    for (int64_t i = 0; i < n_pages; ++i) table_.push_back(static_cast<int32_t>((i * step + 3) % n_pages));
    const Guarded keys(kF32, {n_requests * n_tokens, format.width});
    draw.fill(keys, values);
    std::vector<int32_t> slots;
    for (int32_t r = 0; r < n_requests; ++r) {
      const RowMap own{&r, table_.data(), max_pages_, n_requests};
      for (int64_t i = 0; i < n_tokens; ++i) slots.push_back(static_cast<int32_t>(slot_of(own, page_size, 0, i)));
    }
    ScalarBackend(Numerics::serving()).kv_write(view_, slots, keys.view());
  }
  const PagedView& view() const { return view_; }
  /// Rows of the requests in `request`.
  RowMap map(const std::vector<int32_t>& request) const {
    return {request.data(), table_.data(), max_pages_, n_requests_};
  }
  std::vector<float> key(const RowMap& map, int64_t t, int64_t pos) const {
    std::vector<float> key(static_cast<size_t>(view_.format.width));
    read_kv_row(view_.format, view_.row(slot_of(map, view_.page_size, t, pos)), key.data());
    return key;
  }

 private:
  int64_t max_pages_, n_requests_;
  std::unique_ptr<PageEnd> bytes_;
  PagedView view_;
  std::vector<int32_t> table_;
};

TEST_P(CacheConformance, KvWriteIsExact) {
  Draw draw(31);
  for (const KvCacheType type : kTypes) {
    for (const int64_t width : {1, 7, 33, 130, 576}) {
      const KvFormat format = latent_format(type, width - width / 9, width / 9, kLayerScale);
      const int64_t n_pages = width == 576 ? 145 : 19, page_size = 7, n_slots = n_pages * page_size;
      const int64_t n_rows = n_slots - 3;
      const Guarded x(kF32, {n_rows, width});
      draw.fill(x, Values::kReal);
      const float special[] = {NAN, INFINITY, -INFINITY, 1e-40f, -1e-42f, 3.4e38f, 0x1.01p0f, 0x1.03p0f, -0.0f};
      for (int64_t i = 0; i < 9; ++i) x.row(i)[i % width] = special[i];
      std::vector<int32_t> slot;
      for (int64_t i = 0; i < n_rows; ++i) slot.push_back(static_cast<int32_t>((i * 11 + 5) % n_slots));
      const auto bytes = static_cast<size_t>(n_slots * format.row_bytes);
      std::vector<uint8_t> wanted(bytes, 0xee), found(bytes, 0xee);
      KvCounts wanted_counts, found_counts;
      ScalarBackend(Numerics::serving())
          .kv_write({wanted.data(), format, n_pages, page_size, &wanted_counts}, slot, x.view());
      backend(Numerics::serving()).kv_write({found.data(), format, n_pages, page_size, &found_counts}, slot, x.view());
      ASSERT_EQ(found, wanted) << width;
      ASSERT_EQ(found_counts.n_written, n_rows * format.n_fp8);
      ASSERT_EQ(found_counts.n_clipped, wanted_counts.n_clipped);
      ASSERT_EQ(type == KvCacheType::kFp8E4M3, found_counts.n_clipped >= 3) << "infinity twice, 3.4e38";
    }
  }
}

struct IndexCase {
  int64_t heads, width, topk, page_size;
};

struct Selection {
  Guarded found, wanted;
};

/// Rows of two requests at several positions, some short of topk.
Selection select(SimdBackend& simd, const Cache& cache, const IndexCase& c, const View& q, const View& weight,
                 const std::vector<int32_t>& request, const std::vector<int32_t>& pos) {
  Selection s{Guarded(kI32, {q.dim(0), c.topk}), Guarded(kI32, {q.dim(0), c.topk})};
  const RowMap map = cache.map(request);
  simd.index_topk(s.found.view(), q, weight, cache.view(), map, pos);
  ScalarBackend(simd.numerics()).index_topk(s.wanted.view(), q, weight, cache.view(), map, pos);
  return s;
}

/// Whole numbers and scales that are powers of two: every score is exact, ties are many, the choice is the same.
TEST_P(CacheConformance, IndexerChoosesTheSameAmongTies) {
  Draw draw(32);
  for (const KvCacheType type : kTypes) {
    for (const IndexCase& c : {IndexCase{4, 16, 5, 3}, {1, 64, 33, 16}, {16, 4, 1, 1}, {4, 16, 400, 16}}) {
      const Cache cache(index_format(type, c.width), c.page_size, 2, 601, draw, Values::kWhole);
      const std::vector<int32_t> request = {0, 1, 1, 0, 1}, pos = {600, 3, 300, 32, 599};
      const Guarded q(kF32, {5, c.heads, c.width}), weight(kF32, {5, c.heads});
      draw.fill(q, Values::kWhole);
      draw.fill(weight, Values::kWhole);
      SimdBackend simd = backend(Numerics::serving());
      const Selection s = select(simd, cache, c, q.view(), weight.view(), request, pos);
      ASSERT_TRUE(is_same(s.found, s.wanted)) << c.heads << " " << c.width << " " << c.topk;
    }
  }
}

/// Whether these numerics take queries and decoded keys of this cache in bf16.
bool rounds_keys(const Numerics& numerics, const KvFormat& format) {
  return numerics.round_gemm_input && format.layout != KvLayout::kF32;
}
float rounded_if(bool round, float value) {
  return round ? round_to_bf16(value) : value;
}

/// The exact score of position k without its constant factor, and the sum of its absolute terms.
struct Score {
  double value = 0, absolute = 0;
};
Score index_score(const Guarded& q, const Guarded& weight, int64_t t, const std::vector<float>& key, bool round) {
  Score score;
  for (int64_t h = 0; h < q.view().dim(1); ++h) {
    double dot = 0, absolute = 0;
    for (size_t i = 0; i < key.size(); ++i) {
      const double query = rounded_if(round, q.row(t * q.view().dim(1) + h)[i]);
      const double term = query * rounded_if(round, key[i]);
      dot += term;
      absolute += std::fabs(term);
    }
    score.value += weight.row(t)[h] * std::max(0.0, dot);
    score.absolute += std::fabs(weight.row(t)[h]) * absolute;
  }
  return score;
}

/// Scores are off by the product's gamma and as many roundings as heads. A position may be chosen instead of another
/// only when their scores are that close.
TEST_P(CacheConformance, IndexerDiffersOnlyInNearTies) {
  Draw draw(33);
  for (const KvCacheType type : kTypes) {
    for (const IndexCase& c : {IndexCase{3, 31, 7, 3}, {7, 33, 64, 16}, {12, 128, 256, 16}, {33, 64, 9, 5}}) {
      const Cache cache(index_format(type, c.width), c.page_size, 2, 601, draw, Values::kReal);
      const std::vector<int32_t> request = {0, 1, 1, 0, 1}, pos = {600, 3, 300, 32, 599};
      const Guarded q(kF32, {5, c.heads, c.width}), weight(kF32, {5, c.heads});
      draw.fill(q, Values::kReal);
      draw.fill(weight, Values::kReal);
      SimdBackend simd = backend(Numerics::serving());
      const Selection s = select(simd, cache, c, q.view(), weight.view(), request, pos);
      ASSERT_TRUE(s.found.intact());
      for (int64_t t = 0; t < 5; ++t) {
        const int64_t n = std::min<int64_t>(c.topk, pos[static_cast<size_t>(t)] + 1);
        const bool round = rounds_keys(simd.numerics(), cache.view().format);
        const auto score = [&](int64_t k) {
          return index_score(q, weight, t, cache.key(cache.map(request), t, k), round);
        };
        double least = INFINITY;
        for (int64_t k = 0; k < n; ++k) least = std::min(least, score(s.wanted.ints(t)[k]).value);
        const int32_t* const chosen = s.found.ints(t);
        ASSERT_EQ(std::adjacent_find(chosen, chosen + n, std::greater_equal<>()), chosen + n) << "not ascending";
        ASSERT_EQ(std::count(chosen + n, chosen + c.topk, -1), c.topk - n);
        for (int64_t k = 0; k < n; ++k) {
          const Score own = score(chosen[k]);
          ASSERT_GE(own.value, least - 4 * gamma(c.width + c.heads + 16) * own.absolute) << t << " " << k;
        }
      }
    }
  }
}

struct AttentionCase {
  int64_t t, heads, latent, rope, n_keys, page_size;
};

/// Few heads and more than a block of them, odd widths, keys on either side of a chunk's end.
const std::vector<AttentionCase>& attention_cases() {
  static const std::vector<AttentionCase> kCases = {
      {1, 1, 1, 2, 1, 1},       {3, 5, 31, 2, 7, 3},     {2, 8, 33, 6, 33, 16}, {7, 3, 128, 16, 129, 4},
      {1, 17, 129, 8, 257, 16}, {5, 64, 64, 64, 31, 16}, {2, 20, 65, 6, 2, 4},  {2, 16, 96, 32, 513, 32}};
  return kCases;
}

struct AttentionInput {
  AttentionInput(const AttentionCase& c, KvCacheType type, Draw& draw)
      : cache(latent_format(type, c.latent, c.rope, kLayerScale), c.page_size, 2, c.n_keys + 40, draw, Values::kReal),
        q_latent(kF32, {c.t, c.heads, c.latent}),
        q_rope(kF32, {c.t, c.heads, c.rope}),
        selected(kI32, {c.t, c.n_keys + 2}) {
    draw.fill(q_latent, Values::kReal);
    draw.fill(q_rope, Values::kReal);
    for (int64_t t = 0; t < c.t; ++t) {
      request.push_back(static_cast<int32_t>(t % 2));
      for (int64_t k = 0; k < c.n_keys + 2; ++k) {
        selected.ints(t)[k] = k < n_keys(c, t) ? static_cast<int32_t>(k + draw.whole(0, 1) + (k > 5 ? 30 : 0)) : -1;
      }
    }
  }
  /// Later rows read fewer keys.
  static int64_t n_keys(const AttentionCase& c, int64_t t) { return std::max<int64_t>(1, c.n_keys - t); }

  Cache cache;
  Guarded q_latent, q_rope, selected;
  std::vector<int32_t> request;
};

constexpr float kScale = 0.7f;

/// How an op computes: with queries and keys rounded to bf16, and with weights rounded to bf16.
struct Rounding {
  bool keys, weights;
  auto operator<=>(const Rounding&) const = default;
};

/// With scores off by at most d, each weight is off by a factor within e^(2 d), by exp's 2^-21 twice (within a chunk
/// and of the chunk), in dividend and divisor, and by the sum's roundings; sum_k p_k |c_k| carries that to the output
/// [latent] of row t, head h, which adds two roundings a key. Rounding weights to bf16, by at most u = 2^-8 of each in
/// dividend and divisor alike, moves the output by sum_k p_k u |c_k - o| / (1 - u) at most, and what flushes to zero is
/// below 2^-126 of the largest weight.
std::vector<double> attention_bound(const AttentionCase& c, const AttentionInput& in, int64_t t, int64_t h,
                                    const Rounding& rounding) {
  const RowMap map = in.cache.map(in.request);
  double off = 0, total = 0;
  std::vector<double> carried(static_cast<size_t>(c.latent));
  for (int64_t k = 0; k < AttentionInput::n_keys(c, t); ++k) {
    const auto key = in.cache.key(map, t, in.selected.ints(t)[k]);
    double score = 0, absolute = 0;
    for (int64_t j = 0; j < c.latent + c.rope; ++j) {
      const int64_t row = t * c.heads + h;
      const float q = j < c.latent ? in.q_latent.row(row)[j] : in.q_rope.row(row)[j - c.latent];
      const double term =
          static_cast<double>(rounded_if(rounding.keys, q)) * rounded_if(rounding.keys, key[static_cast<size_t>(j)]);
      score += term;
      absolute += std::fabs(term);
    }
    off = std::max(off, gamma(c.latent + c.rope + 16) * absolute * static_cast<double>(kScale));
    const double weight = std::exp(score * static_cast<double>(kScale));
    total += weight;
    for (size_t i = 0; i < carried.size(); ++i) carried[i] += weight * std::fabs(key[i]);
  }
  constexpr double kWeightRounding = 2 * 0x1p-8 / (1 - 0x1p-8);
  const double factor =
      std::expm1(2 * off) + 0x1p-19 + gamma(2 * c.n_keys + 16) + (rounding.weights ? kWeightRounding : 0);
  for (double& bound : carried) bound = bound * factor / total + static_cast<double>(c.n_keys) * 0x1p-120;
  return carried;
}

/// Of every row and head.
std::vector<std::vector<double>> attention_bounds(const AttentionCase& c, const AttentionInput& in,
                                                  const Rounding& rounding) {
  std::vector<std::vector<double>> bound;
  for (int64_t r = 0; r < c.t * c.heads; ++r) {
    bound.push_back(attention_bound(c, in, r / c.heads, r % c.heads, rounding));
  }
  return bound;
}

TEST_P(CacheConformance, AttentionIsWithinItsBound) {
  const bool has_bf16 = GetParam().dots && GetParam().isa == "avx512" && detect_cpu_features().avx512_bf16;
  Draw draw(34);
  for (const KvCacheType type : kTypes) {
    for (const AttentionCase& c : attention_cases()) {
      const AttentionInput in(c, type, draw);
      std::map<Rounding, std::vector<std::vector<double>>> bounds;
      for (const Numerics& numerics : {Numerics::parity(kF32), Numerics::parity(DType::kBF16), Numerics::serving()}) {
        const bool round = rounds_keys(numerics, in.cache.view().format);
        const Rounding rounding = {round, round && has_bf16 && numerics.activation == kF32};
        if (!bounds.contains(rounding)) bounds[rounding] = attention_bounds(c, in, rounding);
        const auto& bound = bounds[rounding];
        Guarded wanted(kF32, {c.t, c.heads, c.latent}), found(kF32, {c.t, c.heads, c.latent});
        const auto attend = [&](Backend& ops, const Guarded& o) {
          ops.mla_attention(o.view(), in.q_latent.view(), in.q_rope.view(), in.cache.view(), in.cache.map(in.request),
                            in.selected.view(), kScale);
        };
        ScalarBackend scalar(numerics);
        SimdBackend simd = backend(numerics);
        attend(scalar, wanted);
        attend(simd, found);
        ASSERT_TRUE(is_close(
            found, wanted, numerics.activation,
            [&](int64_t r, int64_t i, double) { return bound[static_cast<size_t>(r)][static_cast<size_t>(i)]; }))
            << c.heads << " " << c.latent << " " << c.n_keys << " " << kv_cache_type_name(type);
      }
    }
  }
}

/// The rows of an input, together and one by one on one thread.
void expect_rows_alone_are_the_same(SimdBackend& together, SimdBackend& one, const AttentionCase& c,
                                    const AttentionInput& in, const Guarded& wanted) {
  Guarded alone(kF32, {c.t, c.heads, c.latent});
  together.mla_attention(wanted.view(), in.q_latent.view(), in.q_rope.view(), in.cache.view(), in.cache.map(in.request),
                         in.selected.view(), kScale);
  for (int64_t t = 0; t < c.t; ++t) {
    const auto row = [t](const Guarded& g) { return slice_rows(g.view(), t, 1); };
    const std::vector<int32_t> request = {in.request[static_cast<size_t>(t)]};
    one.mla_attention(row(alone), row(in.q_latent), row(in.q_rope), in.cache.view(), in.cache.map(request),
                      row(in.selected), kScale);
  }
  ASSERT_TRUE(is_same(wanted, alone)) << c.heads << " " << c.latent << " " << c.n_keys;
}

TEST_P(CacheConformance, AttentionOfARowDependsOnNothingElse) {
  for (const KvCacheType type : kTypes) {
    for (const AttentionCase& c : attention_cases()) {
      std::vector<Guarded> outputs;
      for (const int64_t page_size : {c.page_size, c.page_size + 5}) {
        const AttentionCase paged = {c.t, c.heads, c.latent, c.rope, c.n_keys, page_size};
        Draw draw(35);
        const AttentionInput in(paged, type, draw);
        outputs.emplace_back(kF32, std::initializer_list<int64_t>{c.t, c.heads, c.latent});
        SimdBackend together = backend(Numerics::serving()), one = backend(Numerics::serving(), 1);
        expect_rows_alone_are_the_same(together, one, paged, in, outputs.back());
      }
      ASSERT_TRUE(is_same(outputs[1], outputs[0])) << "page size " << c.page_size << " and 5 more";
    }
  }
}

/// Neighbours in one dense context, whose chunks hold the same keys but for the last; and the same rows once more after
/// the cache was written. Five rows are cut by chunks, of fifty each thread takes some whole.
TEST_P(CacheConformance, NeighboursShareKeysAndKeepTheirBits) {
  Draw draw(36);
  for (size_t i = 0; i < 2 * std::size(kTypes); ++i) {
    const KvCacheType type = kTypes[i / 2];
    const AttentionCase c = {i % 2 == 0 ? 5 : 50, 18, 40, 8, 307, 16};
    AttentionInput in(c, type, draw);
    for (int64_t t = 0; t < c.t; ++t) {
      in.request[static_cast<size_t>(t)] = 0;
      for (int64_t k = 0; k < c.n_keys + 2; ++k) {
        in.selected.ints(t)[k] = k <= c.n_keys - c.t + t ? static_cast<int32_t>(k) : -1;
      }
    }
    SimdBackend together = backend(Numerics::serving()), one = backend(Numerics::serving(), 1);
    const Guarded before(kF32, {c.t, c.heads, c.latent}), after(kF32, {c.t, c.heads, c.latent});
    expect_rows_alone_are_the_same(together, one, c, in, before);
    const Guarded key(kF32, {1, c.latent + c.rope});
    draw.fill(key, Values::kReal);
    const std::vector<int32_t> slot = {static_cast<int32_t>(slot_of(in.cache.map(in.request), c.page_size, 0, 7))};
    together.kv_write(in.cache.view(), slot, key.view());
    expect_rows_alone_are_the_same(together, one, c, in, after);
    ASSERT_NE(before.bits(), after.bits());
  }
}

TEST_P(CacheConformance, SelectionOfARowDependsOnNothingElse) {
  for (const KvCacheType type : kTypes) {
    std::vector<std::vector<uint32_t>> choices;
    for (const int64_t page_size : {16, 9}) {
      Draw draw(37);
      const Cache cache(index_format(type, 33), page_size, 2, 601, draw, Values::kReal);
      const std::vector<int32_t> request = {0, 1, 1, 0, 1}, pos = {600, 3, 300, 599, 598};
      const Guarded q(kF32, {5, 18, 33}), weight(kF32, {5, 18});
      draw.fill(q, Values::kReal);
      draw.fill(weight, Values::kReal);
      SimdBackend simd = backend(Numerics::serving()), one = backend(Numerics::serving(), 1);
      const Guarded together(kI32, {5, 40}), alone(kI32, {5, 40});
      simd.index_topk(together.view(), q.view(), weight.view(), cache.view(), cache.map(request), pos);
      for (int64_t t = 0; t < 5; ++t) {
        const auto row = [t](const Guarded& g) { return slice_rows(g.view(), t, 1); };
        const auto i = static_cast<size_t>(t);
        const std::vector<int32_t> own = {request[i]};
        one.index_topk(row(alone), row(q), row(weight), cache.view(), cache.map(own), std::span(pos).subspan(i, 1));
      }
      ASSERT_TRUE(is_same(together, alone)) << kv_cache_type_name(type);
      choices.push_back(together.bits());
    }
    ASSERT_EQ(choices[0], choices[1]) << "page size";
  }
}

}  // namespace
}  // namespace drawbridge
