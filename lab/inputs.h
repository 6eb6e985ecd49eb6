// What ladders share: numbers to work on, results to compare, and the kernels that src/ would use on this CPU.
#pragma once

#include <string>
#include <vector>

#include "backend/cpu/kernels.h"

namespace drawbridge::lab {

/// Uniform in [-1, 1).
std::vector<float> random_values(int64_t n, uint64_t seed);

/// The numbers, leaving NaN in their place.
std::vector<float> take(std::vector<float>& numbers);

/// The tables of each instruction set that this CPU has, narrowest first.
struct UsableKernels {
  std::string isa;
  const Kernels* rows = nullptr;
  PanelKernels panels;
  bool bf16_dot = false;  // whether rows->attention_bf16 may be used
};
std::vector<UsableKernels> usable_kernels();

}  // namespace drawbridge::lab
