#include "synth/draw.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "base/rng.h"
#include "tensor/dtype.h"

namespace drawbridge {
namespace {

constexpr float kRouterBiasMean = 8.0f;
constexpr float kRouterBiasSpread = 0.02f;
constexpr float kNormSpread = 0.125f;

uint64_t stream_seed(uint64_t seed, const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3u;
  return mix64(seed) ^ hash;
}

/// Half the width of a uniform distribution whose variance is 1 / fan_in.
float half_width(int64_t fan_in) {
  return std::sqrt(3.0f / static_cast<float>(fan_in));
}

/// E4M3 codes of 256 evenly spaced values from -448 to 448: a random byte picks one.
const std::array<uint8_t, 256>& uniform_e4m3() {
  static const std::array<uint8_t, 256> kCodes = [] {
    std::array<uint8_t, 256> codes{};
    for (size_t i = 0; i < codes.size(); ++i) {
      const float wanted = 448.0f * ((2.0f * static_cast<float>(i) + 1.0f) / 256.0f - 1.0f);
      uint8_t best = 0;
      for (int code = 0; code < 256; ++code) {
        const float value = e4m3_to_f32(static_cast<uint8_t>(code));
        if (std::isfinite(value) && std::fabs(value - wanted) < std::fabs(e4m3_to_f32(best) - wanted)) {
          best = static_cast<uint8_t>(code);
        }
      }
      codes[i] = best;
    }
    return codes;
  }();
  return kCodes;
}

/// Uniform in (-1, 1) from the 16 bits at `place` (0..3) of `bits`.
float unit_of(uint64_t bits, size_t place) {
  const auto sixteen = static_cast<int32_t>((bits >> (16 * place)) & 0xffff);
  return (static_cast<float>(sixteen - 32768) + 0.5f) / 32768.0f;
}

/// Four elements a draw, each converted from a number in (-1, 1).
template <typename T, typename Convert>
void fill(uint64_t seed, int64_t from, std::span<std::byte> out, Convert convert) {
  auto draw = static_cast<uint64_t>(from) / (4 * sizeof(T));
  for (size_t at = 0; at < out.size(); ++draw) {
    const uint64_t bits = bits_at(seed, draw);
    for (size_t i = 0; i < 4 && at < out.size(); ++i, at += sizeof(T)) {
      const T value = convert(unit_of(bits, i));
      std::memcpy(out.data() + at, &value, sizeof(T));
    }
  }
}

/// Eight random bytes a draw, each turned into one stored byte.
template <typename Convert>
void fill_bytes(uint64_t seed, int64_t from, std::span<std::byte> out, Convert convert) {
  auto draw = static_cast<uint64_t>(from) / 8;
  for (size_t at = 0; at < out.size(); at += 8, ++draw) {
    const uint64_t bits = bits_at(seed, draw);
    for (size_t i = 0; i < std::min<size_t>(8, out.size() - at); ++i) {
      out[at + i] = static_cast<std::byte>(convert(static_cast<uint8_t>(bits >> (8 * i))));
    }
  }
}

/// The E8M0 byte whose scale gives random E2M1 codes (standard deviation 2.93) the variance 1 / fan_in, or a neighbour.
void fill_mxfp4_scales(uint64_t seed, int64_t fan_in, int64_t from, std::span<std::byte> out) {
  constexpr double kCodeDeviation = 2.926;
  const double exponent = std::nearbyint(std::log2(1.0 / (kCodeDeviation * std::sqrt(static_cast<double>(fan_in)))));
  const int middle = 127 + static_cast<int>(exponent);
  fill_bytes(seed, from, out, [middle](uint8_t random) {
    const int offset = random < 64 ? -1 : (random < 96 ? 1 : 0);
    return static_cast<uint8_t>(middle + offset);
  });
}

}  // namespace

void draw_bytes(const PlannedTensor& tensor, uint64_t seed, int64_t from, std::span<std::byte> out) {
  DB_CHECK(from % 64 == 0);
  const uint64_t stream = stream_seed(seed, tensor.spec.name);
  const float width = half_width(tensor.fan_in);
  switch (tensor.kind) {
    case DrawKind::kMatrix:
      return fill<uint16_t>(stream, from, out, [width](float unit) { return f32_to_bf16(unit * width); });
    case DrawKind::kNormWeight:
      return fill<uint16_t>(stream, from, out, [](float unit) { return f32_to_bf16(1.0f + unit * kNormSpread); });
    case DrawKind::kNormBias:
      return fill<uint16_t>(stream, from, out, [](float unit) { return f32_to_bf16(unit * kNormSpread); });
    case DrawKind::kRouterBias:
      return fill<float>(stream, from, out, [](float unit) { return kRouterBiasMean + unit * kRouterBiasSpread; });
    case DrawKind::kFp8Codes:
      return fill_bytes(stream, from, out, [](uint8_t random) { return uniform_e4m3()[random]; });
    case DrawKind::kFp8Scales:
      return fill<float>(stream, from, out, [width](float unit) { return width / 448.0f * (1.0f + unit / 4.0f); });
    case DrawKind::kMxfp4Codes:
      return fill_bytes(stream, from, out, [](uint8_t random) { return random; });
    case DrawKind::kMxfp4Scales:
      return fill_mxfp4_scales(stream, tensor.fan_in, from, out);
  }
}

}  // namespace drawbridge
