// Every cache layout: its bytes, what a round trip may lose, what is counted as clipped, and what is never hidden.
#include "tensor/kv_format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "tensor/dtype.h"

namespace drawbridge {
namespace {

constexpr KvCacheType kFp8[] = {KvCacheType::kFp8E4M3, KvCacheType::kFp8DsMla};

struct Row {
  explicit Row(const KvFormat& f) : format(f), bytes(static_cast<size_t>(f.row_bytes) / 4, 0xdeadbeef) {}
  int64_t write(const std::vector<float>& in) { return write_kv_row(format, bytes.data(), in.data()); }
  std::vector<float> read() const {
    std::vector<float> out(static_cast<size_t>(format.width));
    read_kv_row(format, bytes.data(), out.data());
    return out;
  }

  KvFormat format;
  std::vector<uint32_t> bytes;
};

std::vector<float> draw_row(int64_t width, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  // Magnitudes over 12 octaves, so that subnormals of E4M3 occur.
  for (int64_t i = 0; i < width; ++i) values.push_back(std::ldexp(normal(random), -static_cast<int>(i % 12)));
  return values;
}

/// E4M3 has 3 bits after the leading one and a smallest step of 2^-9: rounding loses at most half of either. Dividing
/// and multiplying by the scale adds two roundings of f32.
void expect_close(float found, float wanted, float scale) {
  const double x = std::fabs(static_cast<double>(wanted));
  const double bound = std::max(x * 0x1p-4, static_cast<double>(scale) * 0x1p-10) * (1 + 0x1p-20) + x * 0x1p-22;
  EXPECT_LE(std::fabs(static_cast<double>(found) - static_cast<double>(wanted)), bound) << wanted << " " << scale;
}

float amax_of(const std::vector<float>& values, size_t from, size_t n) {
  float amax = 0;
  for (size_t i = from; i < std::min(from + n, values.size()); ++i) amax = std::max(amax, std::fabs(values[i]));
  return amax;
}

TEST(KvFormat, RowsHaveTheBytesOfTheirLayouts) {
  EXPECT_EQ(latent_format(KvCacheType::kF32, 512, 64).row_bytes, 2304);
  EXPECT_EQ(latent_format(KvCacheType::kBF16, 512, 64).row_bytes, 1152);
  EXPECT_EQ(latent_format(KvCacheType::kFp8E4M3, 512, 64).row_bytes, 576);
  EXPECT_EQ(latent_format(KvCacheType::kFp8DsMla, 512, 64).row_bytes, 656);
  EXPECT_EQ(index_format(KvCacheType::kBF16, 128).row_bytes, 256);
  for (const KvCacheType type : kFp8) EXPECT_EQ(index_format(type, 128).row_bytes, 132);
  // 130 codes and 2 bytes before two scales, 3 bf16 and 2 bytes.
  EXPECT_EQ(latent_format(KvCacheType::kFp8DsMla, 130, 3).row_bytes, 132 + 8 + 8);
}

TEST(KvFormat, DsMlaRowsLieAsDeepSeekLaysThem) {
  Row row(latent_format(KvCacheType::kFp8DsMla, 512, 64));
  std::vector<float> in(576, 0.0f);
  in[0] = 448 * 2;
  in[511] = -224;
  in[512] = 1.5f;
  EXPECT_EQ(row.write(in), 0);
  const auto* bytes = reinterpret_cast<const uint8_t*>(row.bytes.data());
  const auto* scales = reinterpret_cast<const float*>(bytes + 512);
  EXPECT_EQ(bytes[0], 0x7e);
  EXPECT_EQ(bytes[511], 0xfe);
  EXPECT_EQ(scales[0], 2.0f);
  EXPECT_EQ(scales[3], 0.5f);
  EXPECT_EQ(reinterpret_cast<const uint16_t*>(bytes + 528)[0], f32_to_bf16(1.5f));
  EXPECT_EQ(row.read(), in);
}

TEST(KvFormat, NamesAreReadAsTheyAreWritten) {
  for (const KvCacheType type :
       {KvCacheType::kF32, KvCacheType::kBF16, KvCacheType::kFp8E4M3, KvCacheType::kFp8DsMla}) {
    EXPECT_EQ(kv_cache_type_from_name(kv_cache_type_name(type)), type);
  }
  EXPECT_EQ(kv_cache_type_from_name("fp8"), std::nullopt);
}

TEST(KvFormat, RoundTripIsWithinHalfAStep) {
  for (const int64_t latent : {1, 127, 128, 129, 512}) {
    const auto in = draw_row(latent + 6, static_cast<uint32_t>(latent));
    const float scale = amax_of(in, 0, in.size()) / 448;
    Row plain(latent_format(KvCacheType::kFp8E4M3, latent, 6, scale));
    EXPECT_EQ(plain.write(in), 0);
    const auto plain_out = plain.read();
    for (size_t i = 0; i < in.size(); ++i) expect_close(plain_out[i], in[i], scale);

    Row groups(latent_format(KvCacheType::kFp8DsMla, latent, 6));
    EXPECT_EQ(groups.write(in), 0);
    const auto out = groups.read();
    const auto n_latent = static_cast<size_t>(latent);
    for (size_t i = 0; i < n_latent; ++i) {
      const float own = amax_of({in.begin(), in.begin() + latent}, i / 128 * 128, 128) / 448;
      expect_close(out[i], in[i], own);
    }
    for (size_t i = n_latent; i < in.size(); ++i) EXPECT_EQ(out[i], round_to_bf16(in[i]));
  }
}

TEST(KvFormat, IndexKeysHaveAPowerOfTwoNoLargerThanNeeded) {
  for (const float amax : {0.0f, 1e-6f, 0.9f, 448.0f, 449.0f, 1000.0f, 0x1p-20f * 448}) {
    Row row(index_format(KvCacheType::kFp8E4M3, 16));
    std::vector<float> in(16, amax / 3);
    in[5] = -amax;
    EXPECT_EQ(row.write(in), 0);
    const float scale = reinterpret_cast<const float*>(row.bytes.data())[4];
    int exponent = 0;
    EXPECT_EQ(std::frexp(scale, &exponent), 0.5f) << amax;
    EXPECT_GE(scale * 448, amax);
    EXPECT_LT(scale * 224, std::max(amax, 1e-4f));
    const auto out = row.read();
    for (size_t i = 0; i < in.size(); ++i) expect_close(out[i], in[i], scale);
  }
}

TEST(KvFormat, CountsWhatItClipped) {
  Row row(latent_format(KvCacheType::kFp8E4M3, 4, 2, 0.5f));
  EXPECT_EQ(row.write({232, -232, 224, 232.1f, -1e30f, 0}), 2) << "464 * 0.5 still rounds to the largest";
  EXPECT_EQ(row.read(), (std::vector<float>{224, -224, 224, 224, -224, 0}));
}

TEST(KvFormat, ValuesThatAreNotFiniteShow) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    Row plain(latent_format(KvCacheType::kFp8E4M3, 4, 2, 1.0f));
    plain.write({1, bad, 2, 3, bad, 5});
    const auto out = plain.read();
    EXPECT_TRUE(std::isnan(out[1]) && std::isnan(out[4]));
    EXPECT_EQ(out[0], 1.0f);
    for (const KvFormat& format : {latent_format(KvCacheType::kFp8DsMla, 4, 2), index_format(kFp8[0], 6)}) {
      Row groups(format);
      groups.write({1, bad, 2, 3, 4, 5});
      EXPECT_TRUE(std::isnan(groups.read()[0]) && std::isnan(groups.read()[1]));
    }
  }
}

TEST(KvFormat, ZeroRowsStayZero) {
  for (const KvCacheType type : kFp8) {
    for (const KvFormat& format : {latent_format(type, 130, 6, 0.01f), index_format(type, 130)}) {
      Row row(format);
      const std::vector<float> zeros(static_cast<size_t>(format.width), 0.0f);
      EXPECT_EQ(row.write(zeros), 0);
      EXPECT_EQ(row.read(), zeros);
    }
  }
}

}  // namespace
}  // namespace drawbridge
