// KvFormat: how one token's row lies in a paged cache. Plain data with all offsets worked out, so that kernels read it
// without calling anything. The layouts byte for byte: docs/formats.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace drawbridge {

/// What a user chooses for the whole cache.
enum class KvCacheType : uint8_t {
  kF32,
  kBF16,
  kFp8E4M3,  // latent and rope key e4m3 with one scale a layer
  kFp8DsMla  // DeepSeek's: latent e4m3 with a scale for each 128, rope key bf16; 656 bytes for 512 + 64
};

/// How a row lies.
enum class KvLayout : uint8_t {
  kF32,
  kBF16,
  kFp8,       // e4m3 [width], x = e4m3 * scale, the scale the layer's
  kFp8Groups  // e4m3 [n_fp8], f32 scale for each kKvGroup of them, the rest bf16
};

inline constexpr int64_t kKvGroup = 128;  // elements that share a stored scale

/// kFp8Groups: x = e4m3 * group scale. Scales are amax / 448, or the next power of two where `power_of_two` says so
/// (index keys: then multiplying by them is exact).
struct KvFormat {
  KvLayout layout = KvLayout::kBF16;
  bool power_of_two = false;
  int64_t width = 0;      // elements a token: C + R of the latent, ID of the index key
  int64_t n_fp8 = 0;      // of them e4m3
  int64_t row_bytes = 0;  // a multiple of 4
  int64_t scale_at = 0;   // bytes from the row's start to its scales
  int64_t rest_at = 0;    // bytes from the row's start to what is not e4m3
  float scale = 1;        // kFp8
};

/// "f32", "bf16", "fp8_e4m3", "fp8_ds_mla"
const char* kv_cache_type_name(KvCacheType type);
std::optional<KvCacheType> kv_cache_type_from_name(std::string_view name);

/// A row of `latent` + `rope` elements; `scale` is kFp8E4M3's of this layer.
KvFormat latent_format(KvCacheType type, int64_t latent, int64_t rope, float scale = 1);
/// A row of `width` elements. Both fp8 types store e4m3 with one power-of-two scale a token and 128 elements.
KvFormat index_format(KvCacheType type, int64_t width);

/// Decodes a row to f32 `out` [width].
void read_kv_row(const KvFormat& format, const void* row, float* out);
/// Encodes f32 `in` [width]; returns how many values were clipped: those that would round to more than E4M3's largest,
/// 448, had it no end. A value that is not finite reads as NaN, in kFp8Groups all of its group: it is never hidden.
int64_t write_kv_row(const KvFormat& format, void* row, const float* in);

}  // namespace drawbridge
