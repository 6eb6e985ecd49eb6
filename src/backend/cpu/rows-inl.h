// Ops on one row: elementwise, norms, rope. Included by kernels_<isa>.cpp after dot-inl.h.
#pragma once

#include "backend/cpu/kernels.h"

namespace drawbridge {
namespace {

/// y[i] = op(in[i], ...). y may be one of `in`.
template <class Op, class... In>
void map_row(float* y, int64_t n, const Op& op, const In*... in) {
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store(y + i, op(load(in + i)...));
  if (whole < n) store_some(y + whole, op(load_some(in + whole, n - whole)...), n - whole);
}

/// Sum over the lanes, in sum4's order.
inline float sum_lanes(Vec v) {
  float sums[4];
  sum4(v, v, v, v, sums);
  return sums[0];
}

/// sum_i op(x[i], acc), the elements that fill the last vector being `fill`.
template <class Op>
float reduce_row(const float* x, int64_t n, float fill, const Op& op) {
  Vec acc = zero();
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) acc = op(load(x + i), acc);
  if (whole < n) acc = op(load_some(x + whole, n - whole, fill), acc);
  return sum_lanes(acc);
}

inline Vec round_if(bool wanted, Vec v) {
  return wanted ? round_bf16(v) : v;
}

/// e^x with a relative error below 2^-21 for x in [-87.6, 88.3]; 0 below, infinity above, NaN stays NaN.
/// n = round(x / ln 2), r = x - n ln 2 in two exact steps (Cody and Waite), Taylor to r^7: |r| <= 0.347 leaves
/// r^8 / 8! < 6e-9, the rest is rounding. The bounds of x make n -127 or 128 beyond the range: 2^n is then 0 or
/// infinity.
inline Vec exponential(Vec x) {
  constexpr float kShift = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  x = greater(splat(-88.0f), lesser(splat(89.0f), x));
  const Vec shifted = mul_add(x, splat(1.44269504f), splat(kShift));
  const Vec n = sub(shifted, splat(kShift));
  Vec r = mul_add(n, splat(-0.693359375f), x);
  r = mul_add(n, splat(2.12194440e-4f), r);
  constexpr float kTaylor[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f};
  Vec p = splat(1.0f / 5040);
  for (const float c : kTaylor) p = mul_add(p, r, splat(c));
  return mul(p, power_of_two(shifted));
}

inline void narrow_row(uint16_t* y, const float* x, int64_t n) {
  const int64_t whole = n - n % kLanes;
  for (int64_t i = 0; i < whole; i += kLanes) store_bf16(y + i, load(x + i));
  if (whole < n) {
    uint16_t lanes[kLanes];
    store_bf16(lanes, load_some(x + whole, n - whole));
    std::memcpy(y + whole, lanes, static_cast<size_t>(n - whole) * sizeof(uint16_t));
  }
}

inline void round_row(float* y, const float* x, int64_t n) {
  map_row(
      y, n, [](Vec v) { return round_bf16(v); }, x);
}

inline void add_row(float* y, const float* x, int64_t n, bool round_output) {
  map_row(
      y, n, [=](Vec a, Vec b) { return round_if(round_output, add(a, b)); }, y, x);
}

inline void add_scaled_row(float* y, const float* x, float scale, int64_t n) {
  map_row(
      y, n, [s = splat(scale)](Vec a, Vec b) { return add(a, mul(s, b)); }, y, x);
}

inline void swiglu_row(float* y, const float* gate, const float* up, int64_t n, bool round) {
  const auto op = [=](Vec g, Vec u) {
    const Vec silu = div(g, add(splat(1.0f), exponential(sub(zero(), g))));
    return round_if(round, mul(round_if(round, silu), u));
  };
  map_row(y, n, op, gate, up);
}

inline void rms_norm_row(const NormArgs& a) {
  const float squares = reduce_row(a.x, a.n, 0, [](Vec x, Vec acc) { return mul_add(x, x, acc); });
  const Vec r = splat(1.0f / __builtin_sqrtf(squares / static_cast<float>(a.n) + a.eps));
  const auto op = [&](Vec x, Vec w) { return round_if(a.round_output, mul(w, round_if(a.round_unit, mul(x, r)))); };
  map_row(a.y, a.n, op, a.x, a.w);
}

inline void layer_norm_row(const NormArgs& a) {
  const auto n = static_cast<float>(a.n);
  const float mean = reduce_row(a.x, a.n, 0, [](Vec x, Vec acc) { return add(acc, x); }) / n;
  const Vec m = splat(mean);
  const float squares = reduce_row(a.x, a.n, mean, [m](Vec x, Vec acc) { return mul_add(sub(x, m), sub(x, m), acc); });
  const Vec r = splat(1.0f / __builtin_sqrtf(squares / n + a.eps));
  const auto op = [&](Vec x, Vec w, Vec b) { return round_if(a.round_output, add(mul(mul(sub(x, m), r), w), b)); };
  map_row(a.y, a.n, op, a.x, a.w, a.b);
}

inline void rope_row(const RopeArgs& a) {
  const auto op = [&](Vec x, Vec cos, Vec sin) {
    const Vec own = round_if(a.round_products, mul(x, cos));
    const Vec other = round_if(a.round_products, mul(swap_pairs(x), sin));
    return round_if(a.round_output, add(own, other));
  };
  map_row(a.x, a.n, op, a.x, a.cos, a.sin);
}

}  // namespace
}  // namespace drawbridge
