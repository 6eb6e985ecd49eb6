#include "tensor/kv_format.h"

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "tensor/dtype.h"

namespace drawbridge {
namespace {

constexpr float kE4m3Max = 448;
constexpr uint8_t kE4m3NaN = 0x7f;
constexpr float kE4m3Clip = 464;          // the next value would be 480; the tie goes to 448
constexpr float kLeastIndexAmax = 1e-4f;  // of DeepSeek's rule for index keys

constexpr std::array kNames = {"f32", "bf16", "fp8_e4m3", "fp8_ds_mla"};

int64_t round_up(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

KvFormat plain_format(KvLayout layout, int64_t width, int64_t element_bytes) {
  KvFormat format;
  format.layout = layout;
  format.width = width;
  format.row_bytes = round_up(width * element_bytes, 4);
  return format;
}

KvFormat grouped_format(int64_t n_fp8, int64_t n_rest, bool power_of_two) {
  KvFormat format;
  format.layout = KvLayout::kFp8Groups;
  format.power_of_two = power_of_two;
  format.width = n_fp8 + n_rest;
  format.n_fp8 = n_fp8;
  format.scale_at = round_up(n_fp8, 4);
  format.rest_at = format.scale_at + round_up(n_fp8, kKvGroup) / kKvGroup * static_cast<int64_t>(sizeof(float));
  format.row_bytes = round_up(format.rest_at + 2 * n_rest, 4);
  return format;
}

void read_fp8(const uint8_t* codes, float scale, int64_t n, float* out) {
  for (int64_t i = 0; i < n; ++i) out[i] = e4m3_to_f32(codes[i]) * scale;
}

int64_t write_fp8(uint8_t* codes, float scale, int64_t n, const float* in) {
  int64_t n_clipped = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float scaled = in[i] / scale;
    n_clipped += std::fabs(scaled) > kE4m3Clip ? 1 : 0;
    codes[i] = std::isfinite(in[i]) ? f32_to_e4m3(scaled) : kE4m3NaN;
  }
  return n_clipped;
}

/// Not finite when a value is not, so that the whole group reads as such.
float group_scale(const float* in, int64_t n, bool power_of_two) {
  float amax = 0;
  for (int64_t i = 0; i < n; ++i) amax = std::isnan(in[i]) ? INFINITY : std::max(amax, std::fabs(in[i]));
  if (!power_of_two) return std::max(amax / kE4m3Max, FLT_MIN);
  if (!std::isfinite(amax)) return amax;
  int exponent = 0;
  const float mantissa = std::frexp(std::max(amax, kLeastIndexAmax) / kE4m3Max, &exponent);
  return std::ldexp(1.0f, mantissa == 0.5f ? exponent - 1 : exponent);
}

}  // namespace

const char* kv_cache_type_name(KvCacheType type) {
  return kNames[static_cast<size_t>(type)];
}

std::optional<KvCacheType> kv_cache_type_from_name(std::string_view name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<KvCacheType>(i);
  }
  return std::nullopt;
}

KvFormat latent_format(KvCacheType type, int64_t latent, int64_t rope, float scale) {
  switch (type) {
    case KvCacheType::kF32:
      return plain_format(KvLayout::kF32, latent + rope, 4);
    case KvCacheType::kBF16:
      return plain_format(KvLayout::kBF16, latent + rope, 2);
    case KvCacheType::kFp8DsMla:
      return grouped_format(latent, rope, false);
    case KvCacheType::kFp8E4M3:
      break;
  }
  KvFormat format = plain_format(KvLayout::kFp8, latent + rope, 1);
  format.n_fp8 = format.width;
  format.scale = scale;
  return format;
}

KvFormat index_format(KvCacheType type, int64_t width) {
  if (type == KvCacheType::kFp8E4M3 || type == KvCacheType::kFp8DsMla) return grouped_format(width, 0, true);
  return latent_format(type, width, 0);
}

void read_kv_row(const KvFormat& format, const void* row, float* out) {
  const auto* bytes = static_cast<const uint8_t*>(row);
  const auto* words = static_cast<const uint16_t*>(row);
  switch (format.layout) {
    case KvLayout::kF32:
      std::memcpy(out, row, static_cast<size_t>(format.width) * sizeof(float));
      return;
    case KvLayout::kBF16:
      for (int64_t i = 0; i < format.width; ++i) out[i] = bf16_to_f32(words[i]);
      return;
    case KvLayout::kFp8:
      return read_fp8(bytes, format.scale, format.width, out);
    case KvLayout::kFp8Groups:
      break;
  }
  const auto* scales = reinterpret_cast<const float*>(bytes + format.scale_at);
  const auto* rest = reinterpret_cast<const uint16_t*>(bytes + format.rest_at);
  for (int64_t i = 0; i < format.n_fp8; i += kKvGroup) {
    read_fp8(bytes + i, scales[i / kKvGroup], std::min(kKvGroup, format.n_fp8 - i), out + i);
  }
  for (int64_t i = format.n_fp8; i < format.width; ++i) out[i] = bf16_to_f32(rest[i - format.n_fp8]);
}

int64_t write_kv_row(const KvFormat& format, void* row, const float* in) {
  auto* bytes = static_cast<uint8_t*>(row);
  auto* words = static_cast<uint16_t*>(row);
  switch (format.layout) {
    case KvLayout::kF32:
      std::memcpy(row, in, static_cast<size_t>(format.width) * sizeof(float));
      return 0;
    case KvLayout::kBF16:
      for (int64_t i = 0; i < format.width; ++i) words[i] = f32_to_bf16(in[i]);
      return 0;
    case KvLayout::kFp8:
      return write_fp8(bytes, format.scale, format.width, in);
    case KvLayout::kFp8Groups:
      break;
  }
  auto* scales = reinterpret_cast<float*>(bytes + format.scale_at);
  auto* rest = reinterpret_cast<uint16_t*>(bytes + format.rest_at);
  int64_t n_clipped = 0;
  for (int64_t i = 0; i < format.n_fp8; i += kKvGroup) {
    const int64_t n = std::min(kKvGroup, format.n_fp8 - i);
    float& scale = scales[i / kKvGroup];
    scale = group_scale(in + i, n, format.power_of_two);
    n_clipped += write_fp8(bytes + i, scale, n, in + i);
  }
  for (int64_t i = format.n_fp8; i < format.width; ++i) rest[i - format.n_fp8] = f32_to_bf16(in[i]);
  return n_clipped;
}

}  // namespace drawbridge
