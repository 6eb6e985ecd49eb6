// The table of an instruction set's kernels, to be included by kernels_<isa>.cpp after its vec_<isa>.h.
#pragma once

#include "backend/cpu/dot-inl.h"
//
#include "backend/cpu/quantize-inl.h"
//
#include "backend/cpu/rows-inl.h"
//
#include "backend/cpu/attention-inl.h"

namespace drawbridge {
namespace {

constexpr Kernels kernel_table(const char* isa, void (*gemm_bf16)(const GemmArgs&) = nullptr,
                               const AttentionKernels* attention_bf16 = nullptr,
                               void (*largest_positions)(const SelectArgs&) = nullptr) {
  return Kernels{isa,          gemm_f32,    gemm_bf16,      decode_row,       narrow_row,   round_row,
                 quantize_row, add_row,     add_scaled_row, swiglu_row,       rms_norm_row, layer_norm_row,
                 rope_row,     &kAttention, attention_bf16, largest_positions};
}

}  // namespace
}  // namespace drawbridge
