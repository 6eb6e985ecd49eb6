// Numerics: the few places where engines round differently, as switches. Storage is f32 on the CPU; a switch says to
// which grid a value is rounded. Two presets: parity() reproduces HuggingFace, serving() is what engines run.
#pragma once

#include "tensor/dtype.h"
#include "tensor/input_codec.h"
#include "tensor/kv_format.h"

namespace drawbridge {

struct Numerics {
  DType activation = DType::kF32;     // grid of every op's output: kF32 keeps it, kBF16 rounds it
  bool round_gemm_input = false;      // round what 16-bit or quantized weights and keys are multiplied by to bf16
  bool norm_rounds_twice = false;     // bf(w * bf(x * r)) instead of bf(w * x * r)
  bool rope_rounds_products = false;  // each product rounded, cos and sin on the activation grid
  float latent_norm_eps = 1e-5f;      // q_a_layernorm and kv_a_layernorm
  KvCacheType kv_cache = KvCacheType::kBF16;   // latent and index key
  InputCodec input_codec = InputCodec::kNone;  // inputs of products with quantized weights

  /// As HuggingFace computes a model of `model_dtype` (kF32 or kBF16), but with absorbed attention.
  static Numerics parity(DType model_dtype) {
    const bool bf16 = model_dtype == DType::kBF16;
    return Numerics{model_dtype,      bf16, bf16, bf16, 1e-6f, bf16 ? KvCacheType::kBF16 : KvCacheType::kF32,
                    InputCodec::kNone};
  }
  /// f32 activations, bf16 GEMM inputs, bf16 cache.
  static Numerics serving() {
    return Numerics{DType::kF32, true, false, false, 1e-5f, KvCacheType::kBF16, InputCodec::kNone};
  }
};

}  // namespace drawbridge
