#include "quantize/encode.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"

namespace drawbridge {
namespace {

/// The rules that look at the largest value alone.
ScaleRule scale_rule(QuantizeRule rule) {
  switch (rule) {
    case QuantizeRule::kFloor:
      return ScaleRule::kFloor;
    case QuantizeRule::kCeil:
      return ScaleRule::kCeil;
    case QuantizeRule::kEven:
    case QuantizeRule::kSearch:
      return ScaleRule::kEven;
  }
  return ScaleRule::kEven;
}

/// The stored byte of 2^exponent. Quark's codes are for 2^-127 where its file says 2^-126: blocks whose largest value
/// is below 2^-124 come out twice as large. They do so here too, since `even` means Quark's bits and no value of 1e-38
/// matters.
std::byte scale_byte(int exponent, QuantizeRule rule) {
  const int lowest = rule == QuantizeRule::kEven ? -126 : -127;
  return static_cast<std::byte>(std::max(exponent, lowest) + 127);
}

/// Sum of weight * (x - q)^2 with the block stored at 2^exponent.
double weighted_error(std::span<const float, kMxfp4Block> x, std::span<const float, kMxfp4Block> weight, int exponent) {
  std::array<uint8_t, kMxfp4Block / 2> codes{};
  encode_mxfp4_block(x, exponent, codes);
  const float scale = std::ldexp(1.0f, exponent);
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto code = static_cast<uint8_t>(i % 2 == 0 ? codes[i / 2] & 0xf : codes[i / 2] >> 4);
    const double error = static_cast<double>(x[i]) - static_cast<double>(e2m1_to_f32(code) * scale);
    sum += static_cast<double>(weight[i]) * error * error;
  }
  return sum;
}

EncodedRows encode_bf16(std::span<const float> rows) {
  EncodedRows out;
  out.data.resize(rows.size() * 2);
  auto* halves = reinterpret_cast<uint16_t*>(out.data.data());
  for (size_t i = 0; i < rows.size(); ++i) halves[i] = f32_to_bf16(rows[i]);
  return out;
}

EncodedRows encode_mxfp4(std::span<const float> rows, int64_t k, const EncodeOptions& options) {
  EncodedRows out;
  out.data.resize(rows.size() / 2);
  out.scale.resize(rows.size() / kMxfp4Block);
  const bool searches = options.rule == QuantizeRule::kSearch;
  DB_CHECK(!searches || static_cast<int64_t>(options.column_weight.size()) == k);
  auto* codes = reinterpret_cast<uint8_t*>(out.data.data());
  for (size_t b = 0; b < out.scale.size(); ++b) {
    const std::span<const float, kMxfp4Block> x(rows.data() + b * kMxfp4Block, kMxfp4Block);
    int exponent = 0;
    if (searches) {
      const size_t column = b * kMxfp4Block % static_cast<size_t>(k);
      exponent =
          search_exponent(x, std::span<const float, kMxfp4Block>(options.column_weight.data() + column, kMxfp4Block));
    } else {
      exponent = mxfp4_exponent(max_abs(x), scale_rule(options.rule));
    }
    encode_mxfp4_block(x, exponent,
                       std::span<uint8_t, kMxfp4Block / 2>(codes + b * (kMxfp4Block / 2), kMxfp4Block / 2));
    out.scale[b] = scale_byte(exponent, options.rule);
  }
  return out;
}

EncodedRows encode_q8(std::span<const float> rows) {
  EncodedRows out;
  out.data.resize(rows.size());
  out.scale.resize(rows.size() / kQ8Block * 2);
  auto* codes = reinterpret_cast<int8_t*>(out.data.data());
  auto* scales = reinterpret_cast<uint16_t*>(out.scale.data());
  for (size_t b = 0; b < rows.size() / kQ8Block; ++b) {
    scales[b] = encode_q8_block(std::span<const float, kQ8Block>(rows.data() + b * kQ8Block, kQ8Block),
                                std::span<int8_t, kQ8Block>(codes + b * kQ8Block, kQ8Block));
  }
  return out;
}

/// One block of at most 128 x 128: scale = largest / 448, as the official FP8 export. Returns the scale.
float encode_fp8_block(const float* rows, int64_t n, int64_t width, int64_t k, uint8_t* codes) {
  float largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    largest = std::max(largest, max_abs(std::span(rows + i * k, static_cast<size_t>(width))));
  }
  constexpr float kLargestE4M3 = 448.0f;
  const float scale = largest == 0 ? 1.0f : largest / kLargestE4M3;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < width; ++j) codes[i * k + j] = f32_to_e4m3(rows[i * k + j] / scale);
  }
  return scale;
}

EncodedRows encode_fp8(std::span<const float> rows, int64_t k) {
  EncodedRows out;
  out.data.resize(rows.size());
  const int64_t n = static_cast<int64_t>(rows.size()) / k;
  auto* codes = reinterpret_cast<uint8_t*>(out.data.data());
  std::vector<float> scales;
  for (int64_t i = 0; i < n; i += kFp8BlockEdge) {
    for (int64_t j = 0; j < k; j += kFp8BlockEdge) {
      scales.push_back(encode_fp8_block(rows.data() + i * k + j, std::min(kFp8BlockEdge, n - i),
                                        std::min(kFp8BlockEdge, k - j), k, codes + i * k + j));
    }
  }
  const auto bytes = std::as_bytes(std::span(scales));
  out.scale.assign(bytes.begin(), bytes.end());
  return out;
}

}  // namespace

int search_exponent(std::span<const float, kMxfp4Block> x, std::span<const float, kMxfp4Block> weight) {
  const int even = mxfp4_exponent(max_abs(x), ScaleRule::kEven);
  int best = even;
  double least = weighted_error(x, weight, even);
  for (const int offset : {1, -1, -2}) {
    const int exponent = even + offset;
    if (exponent < -127 || exponent > 127) continue;
    const double error = weighted_error(x, weight, exponent);
    if (error < least) {
      least = error;
      best = exponent;
    }
  }
  return best;
}

EncodedRows encode_rows(std::span<const float> rows, int64_t k, TargetFormat format, const EncodeOptions& options) {
  switch (format) {
    case TargetFormat::kBF16:
      return encode_bf16(rows);
    case TargetFormat::kMxfp4:
      return encode_mxfp4(rows, k, options);
    case TargetFormat::kFp8:
      return encode_fp8(rows, k);
    case TargetFormat::kQ8:
      return encode_q8(rows);
    case TargetFormat::kKeep:
      break;
  }
  DB_CHECK(false && "kKeep is copied, not encoded");
  return {};
}

}  // namespace drawbridge
