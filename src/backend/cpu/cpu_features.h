// Which instruction sets this CPU and its operating system offer, and which kernels that allows.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace drawbridge {

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512dq = false;
  bool avx512vl = false;
  bool avx512_bf16 = false;
  bool avx512_vnni = false;
};

enum class Isa { kScalar, kPortable, kAvx2, kAvx512 };

CpuFeatures detect_cpu_features();
/// The kernels by their name on the command line; "auto" takes the widest that `features` allow. An unknown name, or
/// one whose instructions are missing, is refused by name.
Result<Isa> choose_isa(std::string_view name, const CpuFeatures& features);
/// Names that choose_isa accepts, "auto" aside, widest first.
std::vector<std::string> usable_isas(const CpuFeatures& features);

}  // namespace drawbridge
