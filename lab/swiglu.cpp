// y = int8 blocks of silu(gate) * up, one row: what lies between the two products of an MLP. The kernels of src/ write
// the row in f32 and read it back from the first-level cache to quantize it; fused, a block of 32 stays in two
// registers. Since the codes are packed in registers the two passes are the faster (0.34 us against 0.45 for 768).
//
// Layout: tensor/input_codec.h (kInt8) as Int8Block (backend/cpu/panel_int8-inl.h). All in L1: bound by arithmetic.
#include <fmt/core.h>

#include <cmath>

#include "base/rng.h"
#include "ladder.h"
//
#include "backend/cpu/vec_avx512.h"
//
#include "backend/cpu/kernels-inl.h"
//
#include "backend/cpu/panels-inl.h"

namespace drawbridge::lab {
namespace {

constexpr int64_t kWidth = 768;  // of an expert of models/synth-4b
constexpr int64_t kBlocks = kWidth / kInputBlock;
// Of one element: the exponential (10 multiply-adds and a multiply), 1 + e, the quotient, the product with up, the
// largest of the block, the product with the inverse scale.
constexpr double kOperations = 2 * 10 + 6;

struct Row {
  std::vector<float> gate = std::vector<float>(kWidth), up = gate, y = gate;
  std::vector<Int8Block> codes = std::vector<Int8Block>(kBlocks);
};

Row random_row() {
  Row row;
  for (size_t i = 0; i < kWidth; ++i) {
    row.gate[i] = static_cast<float>(8 * uniform_at(1, i) - 4);
    row.up[i] = static_cast<float>(4 * uniform_at(2, i) - 2);
  }
  return row;
}

void pack_row(Row& row) {
  pack_panel_int8(reinterpret_cast<uint8_t*>(row.codes.data()), kWidth, 0, row.y.data(), kWidth);
}

void plain(Row& row) {
  for (size_t i = 0; i < kWidth; ++i) {
    const double g = row.gate[i];
    row.y[i] = static_cast<float>(g / (1 + std::exp(-g)) * row.up[i]);
  }
  pack_row(row);
}

/// As SimdBackend runs it.
void two_passes(Row& row) {
  swiglu_row(row.y.data(), row.gate.data(), row.up.data(), kWidth, false);
  pack_row(row);
}

Vec swiglu(const float* gate, const float* up) {
  const Vec g = load(gate);
  return mul(div(g, add(splat(1.0f), exponential(sub(zero(), g)))), load(up));
}

/// 16 whole numbers in [-127, 127].
__m128i codes_of(Vec v, Vec inverse) {
  const Vec code = greater(lesser(mul(v, inverse), splat(127.0f)), splat(-127.0f));
  return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(code));
}

/// Finite values alone: the ladder has no others.
void fused_block(Int8Block& block, Vec a, Vec b) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  const __m512i bits_a = _mm512_and_epi32(_mm512_castps_si512(a), magnitude);
  const __m512i bits_b = _mm512_and_epi32(_mm512_castps_si512(b), magnitude);
  const uint32_t largest = _mm512_reduce_max_epu32(_mm512_max_epu32(bits_a, bits_b));
  const int exponent = block_exponent(grid_of(InputCodec::kInt8), largest);
  const Vec inverse = splat(scale_of(-exponent));
  const __m128i low = codes_of(a, inverse), high = codes_of(b, inverse);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(block.code), low);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(block.code + 16), high);
  const __m128i ones = _mm_set1_epi8(1), none = _mm_setzero_si128();
  const __m128i sums = _mm_dpbusd_epi32(_mm_dpbusd_epi32(none, ones, low), ones, high);
  const __m128i pairs = _mm_add_epi32(sums, _mm_shuffle_epi32(sums, 0x4e));
  const int32_t sum = _mm_cvtsi128_si32(_mm_add_epi32(pairs, _mm_shuffle_epi32(pairs, 0xb1)));
  block.shift = Int8Block::shift_of(exponent - 1);
  block.start = block.shift - 128u * static_cast<uint32_t>(sum);
}

/// A block at a time, never in memory as f32.
void fused(Row& row) {
  for (int64_t i = 0; i < kWidth; i += kInputBlock) {
    const float *gate = row.gate.data() + i, *up = row.up.data() + i;
    fused_block(row.codes[static_cast<size_t>(i / kInputBlock)], swiglu(gate, up), swiglu(gate + kLanes, up + kLanes));
  }
}

/// The row as its codes stand for it, and each block's sum.
std::vector<float> take_codes(Row& row) {
  std::vector<float> values;
  for (Int8Block& block : row.codes) {
    for (const int8_t code : block.code) values.push_back(2 * static_cast<float>(code) * block.scale());
    values.push_back(static_cast<float>(block.shift - block.start) / 128 / 1024);
    block = Int8Block{};
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
