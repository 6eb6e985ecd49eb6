#include "convert/float_rows.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace drawbridge {
namespace {

bool same_bits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

}  // namespace

void ExactTypes::see(std::span<const float> values) {
  for (const float value : values) {
    bf16 = bf16 && same_bits(round_to_bf16(value), value);
    f16 = f16 && same_bits(f16_to_f32(f32_to_f16(value)), value);
    if (!bf16 && !f16) return;
  }
}

DType ExactTypes::narrowest() const {
  if (bf16) return DType::kBF16;
  return f16 ? DType::kF16 : DType::kF32;
}

void encode_floats(DType dtype, std::span<const float> values, std::vector<std::byte>& out) {
  const size_t width = static_cast<size_t>(dtype_bytes(dtype));
  out.resize(values.size() * width);
  if (dtype == DType::kF32) {
    std::memcpy(out.data(), values.data(), out.size());
    return;
  }
  DB_CHECK(dtype == DType::kBF16 || dtype == DType::kF16);
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = dtype == DType::kBF16 ? f32_to_bf16(values[i]) : f32_to_f16(values[i]);
    std::memcpy(out.data() + i * width, &bits, width);
  }
}

}  // namespace drawbridge
