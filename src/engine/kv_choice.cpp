#include "engine/kv_choice.h"

#include <cmath>

#include "model/kv_scales.h"

namespace drawbridge {
namespace {

bool is_fp8(KvCacheType type) {
  return type == KvCacheType::kFp8E4M3 || type == KvCacheType::kFp8DsMla;
}

}  // namespace

Result<KvCacheType> choose_kv_type(const EngineOptions& options, KvCacheType preset) {
  const auto named = kv_cache_type_from_name(options.kv_cache_dtype);
  if (!named && options.kv_cache_dtype != "auto") {
    return fail(Code::kInvalidArgument, "--kv-cache-dtype: wanted auto, f32, bf16, fp8_e4m3 or fp8_ds_mla, found '{}'",
                options.kv_cache_dtype);
  }
  const KvCacheType type = named.value_or(preset);
  if (!options.kv_scale) return type;
  if (!std::isnormal(*options.kv_scale) || *options.kv_scale < 0) {
    return fail(Code::kInvalidArgument, "--kv-scale: wanted a finite value above 0, found {}", *options.kv_scale);
  }
  if (type == KvCacheType::kFp8E4M3) return type;
  return fail(Code::kInvalidArgument, "--kv-scale: wanted only with --kv-cache-dtype fp8_e4m3, found it with {}",
              options.kv_cache_dtype);
}

Result<std::vector<float>> choose_kv_scales(const Glm52Config& config, const Checkpoint& checkpoint, KvCacheType type,
                                            std::optional<float> given) {
  if (type != KvCacheType::kFp8E4M3) return std::vector<float>();
  if (given) return std::vector<float>(static_cast<size_t>(config.n_all_layers()), *given);
  DB_ASSIGN(const auto stored, find_kv_scales(config, checkpoint));
  if (stored) return *stored;
  return fail(Code::kNotFound,
              "{}: --kv-cache-dtype fp8_e4m3 wants a scale for each layer ({}, ...), found none: run `drawbridge "
              "calibrate --store-kv-scales`, or choose fp8_ds_mla, whose scales "
              "are made as it writes, or bf16; --kv-scale 1.0 uses that for every layer, unmeasured",
              checkpoint.directory(), kv_scale_name(0));
}

std::vector<std::string> kv_notices(const EngineOptions& options, const Glm52Config& config,
                                    const Checkpoint& checkpoint) {
  const auto stored = find_kv_scales(config, checkpoint);
  const bool has_scales = stored.ok() && stored->has_value();
  if (options.kv_scale) {
    return {fmt::format("the fp8_e4m3 cache has scale {} on every layer (--kv-scale), {}", *options.kv_scale,
                        has_scales ? "not the checkpoint's calibrated scales" : "which nobody measured")};
  }
  const auto named = kv_cache_type_from_name(options.kv_cache_dtype);
  if (!stored.ok() && named != KvCacheType::kFp8E4M3)
    return {stored.status().message() + "; cache scales are not used"};
  if (has_scales && !(named && is_fp8(*named))) {
    return {"the checkpoint has calibrated FP8 cache scales, which only --kv-cache-dtype fp8_e4m3 uses"};
  }
  return {};
}

}  // namespace drawbridge
