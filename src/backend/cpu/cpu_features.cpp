#include "backend/cpu/cpu_features.h"

#include <fmt/ranges.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace drawbridge {
namespace {

struct Need {
  const char* name;
  bool CpuFeatures::*present;
};

struct IsaRow {
  Isa isa;
  const char* name;
  std::vector<Need> needs;
};

/// Widest first.
const std::vector<IsaRow>& isa_table() {
  static const std::vector<Need> kAvx2Needs = {
      {"avx2", &CpuFeatures::avx2}, {"fma", &CpuFeatures::fma}, {"f16c", &CpuFeatures::f16c}};
  static const std::vector<IsaRow> kTable = {{Isa::kAvx512,
                                              "avx512",
                                              {{"avx512f", &CpuFeatures::avx512f},
                                               {"avx512bw", &CpuFeatures::avx512bw},
                                               {"avx512dq", &CpuFeatures::avx512dq},
                                               {"avx512vl", &CpuFeatures::avx512vl},
                                               {"fma", &CpuFeatures::fma},
                                               {"f16c", &CpuFeatures::f16c}}},
                                             {Isa::kAvx2, "avx2", kAvx2Needs},
                                             {Isa::kPortable, "portable", {}},
                                             {Isa::kScalar, "scalar", {}}};
  return kTable;
}

std::vector<std::string> missing(const IsaRow& row, const CpuFeatures& features) {
  std::vector<std::string> names;
  for (const Need& need : row.needs) {
    if (!(features.*need.present)) names.push_back(need.name);
  }
  return names;
}

}  // namespace

CpuFeatures detect_cpu_features() {
  CpuFeatures found;
#if defined(__x86_64__)
  // The compiler's check includes whether the operating system saves the registers; F16C needs AVX's.
  __builtin_cpu_init();
  found.avx2 = __builtin_cpu_supports("avx2");
  found.fma = __builtin_cpu_supports("fma");
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  found.f16c = found.avx2 && __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
  found.avx512f = __builtin_cpu_supports("avx512f");
  found.avx512bw = __builtin_cpu_supports("avx512bw");
  found.avx512dq = __builtin_cpu_supports("avx512dq");
  found.avx512vl = __builtin_cpu_supports("avx512vl");
  found.avx512_bf16 = __builtin_cpu_supports("avx512bf16");
  found.avx512_vnni = __builtin_cpu_supports("avx512vnni");
#endif
  return found;
}

Result<Isa> choose_isa(std::string_view name, const CpuFeatures& features) {
  for (const IsaRow& row : isa_table()) {
    if (name != "auto" && name != row.name) continue;
    const auto lacking = missing(row, features);
    if (lacking.empty()) return row.isa;
    if (name != "auto") {
      return fail(Code::kUnsupported, "--isa {}: this CPU lacks {}; wanted auto or one of {}", name,
                  fmt::join(lacking, ", "), fmt::join(usable_isas(features), ", "));
    }
  }
  return fail(Code::kInvalidArgument, "--isa: wanted auto, avx512, avx2, portable or scalar, found '{}'", name);
}

std::vector<std::string> usable_isas(const CpuFeatures& features) {
  std::vector<std::string> names;
  for (const IsaRow& row : isa_table()) {
    if (missing(row, features).empty()) names.push_back(row.name);
  }
  return names;
}

}  // namespace drawbridge
