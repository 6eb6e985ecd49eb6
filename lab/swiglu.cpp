// y = int8 blocks of silu(gate) * up, one row: what lies between the two products of an MLP. The kernels of src/ write
// the row in f32 and read it back to quantize it; fused, a block of 32 stays in two registers.
//
// Layout: tensor/input_codec.h (kInt8) in backend/cpu/int8_group.h's order. All in L1: bound by arithmetic.
#include <fmt/core.h>

#include <cmath>

#include "base/rng.h"
#include "ladder.h"
//
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/kernels-inl.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kWidth = 768;  // of an expert of models/synth-4b
constexpr int64_t kGroups = kWidth / kGroupWidth;
// Of one element: the exponential (10 multiply-adds and a multiply), 1 + e, the quotient, the product with up, the
// largest of the block, the product with the inverse scale.
constexpr double kOperations = 2 * 10 + 6;

struct Row {
  std::vector<float> gate = std::vector<float>(kWidth), up = gate, y = gate;
  std::vector<Int8Group> codes = std::vector<Int8Group>(kGroups);
};

Row random_row() {
  Row row;
  for (size_t i = 0; i < kWidth; ++i) {
    row.gate[i] = static_cast<float>(8 * uniform_at(1, i) - 4);
    row.up[i] = static_cast<float>(4 * uniform_at(2, i) - 2);
  }
  return row;
}

void plain(Row& row) {
  for (size_t i = 0; i < kWidth; ++i) {
    const double g = row.gate[i];
    row.y[i] = static_cast<float>(g / (1 + std::exp(-g)) * row.up[i]);
  }
  pack_int8(row.codes.data(), 0, row.y.data(), kWidth);
}

/// As SimdBackend runs it.
void two_passes(Row& row) {
  swiglu_row(row.y.data(), row.gate.data(), row.up.data(), kWidth, false);
  pack_int8(row.codes.data(), 0, row.y.data(), kWidth);
}

Vec swiglu(const float* gate, const float* up) {
  const Vec g = load(gate);
  return mul(div(g, add(splat(1.0f), exponential(sub(zero(), g)))), load(up));
}

/// 16 whole numbers in [-127, 127], the even ones in the low half, the odd ones in the high half.
__m128i even_odd(Vec v) {
  const __m128i code = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v));
  return _mm_shuffle_epi8(code, _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
}

void pack_block(Int8Group& group, int64_t block, Vec a, Vec b) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512i bits_a = _mm512_and_epi32(_mm512_castps_si512(a), magnitude);
  const __m512i bits_b = _mm512_and_epi32(_mm512_castps_si512(b), magnitude);
  const uint32_t largest = _mm512_reduce_max_epu32(_mm512_max_epu32(bits_a, bits_b));
  const bool finite = largest < 0x7f800000u;
  const int exponent = finite ? block_exponent(grid_of(InputCodec::kInt8), largest) : 0;
  const Vec inverse = splat(finite ? scale_of(-exponent) : 0.0f), most = splat(127.0f), least = splat(-127.0f);
  // x * 0 of an infinity is NaN: lesser() takes its second argument then.
  const __m128i low = even_odd(greater(lesser(mul(a, inverse), most), least));
  const __m128i high = even_odd(greater(lesser(mul(b, inverse), most), least));
  const __m128i even = _mm_unpacklo_epi64(low, high), odd = _mm_unpackhi_epi64(low, high);
  _mm_store_si128(reinterpret_cast<__m128i*>(group.even + block * kInputBlock / 2), even);
  _mm_store_si128(reinterpret_cast<__m128i*>(group.odd + block * kInputBlock / 2), odd);
  const __m128i ones = _mm_set1_epi8(1), none = _mm_setzero_si128();
  const __m128i sums = _mm_dpbusd_epi32(_mm_dpbusd_epi32(none, ones, even), ones, odd);
  const __m128i pairs = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
  const int32_t sum = _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xb1)));
  group.scale[block] = finite ? 0.5f * scale_of(exponent) : __builtin_nanf("");
  group.offset[block] = finite ? kWeightOffset * sum : 0;
}

/// A block at a time, never in memory as f32.
void fused(Row& row) {
  for (int64_t i = 0; i < kWidth; i += kInputBlock) {
    const float *gate = row.gate.data() + i, *up = row.up.data() + i;
    pack_block(row.codes[static_cast<size_t>(i / kGroupWidth)], i % kGroupWidth / kInputBlock, swiglu(gate, up),
               swiglu(gate + kLanes, up + kLanes));
  }
}

/// The row as its codes stand for it, and each block's offset.
std::vector<float> take_codes(Row& row) {
  std::vector<float> values;
  for (Int8Group& group : row.codes) {
    for (int64_t k = 0; k < kGroupWidth; ++k) {
      const int8_t* const codes = k % 2 == 0 ? group.even : group.odd;
      values.push_back(2 * static_cast<float>(codes[k / 2]) * group.scale[k / kInputBlock]);
    }
    for (const int32_t offset : group.offset) values.push_back(static_cast<float>(offset) / kWeightOffset / 1024);
    group = Int8Group{};
  }
  return values;
}

}  // namespace
}  // namespace drawbridge::lab

int main() {
  using namespace drawbridge::lab;
  if (!__builtin_cpu_supports("avx512vnni") || !__builtin_cpu_supports("avx512vl")) {
    fmt::print("this ladder needs AVX-512 with VNNI\n");
    return 0;
  }
  Row row = random_row();
  Ladder ladder;
  ladder.name = fmt::format("swiglu to int8 blocks, I = {}", kWidth);
  ladder.limit = "f32 FMA";
  ladder.work = kOperations * kWidth;
  ladder.take_result = [&row] { return take_codes(row); };
  const Version in_src{"two passes, as in src", [&row](int64_t) { two_passes(row); }};
  const Version in_registers{"fused", [&row](int64_t) { fused(row); }};
  // The exponential's last bit may turn a code by one, 1/64 of its block's largest value at most.
  ladder.versions = {{"plain", [&row](int64_t) { plain(row); }}, in_src, in_registers};
  ladder.tolerance = 1.0 / 64;
  const bool near = climb(ladder);
  ladder.name += ", bit for bit";
  ladder.versions = {in_src, in_registers};
  ladder.tolerance = 0;
  return climb(ladder) && near ? 0 : 1;
}
