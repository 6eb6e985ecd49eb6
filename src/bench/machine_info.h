// What the machine says of itself: CPU, caches, pages. From cpuid and /sys; what is not there stays empty or 0.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace drawbridge {

struct CacheInfo {
  int level = 0;
  std::string type;  // "Data", "Instruction", "Unified"
  int64_t bytes = 0;
  int64_t n_sharing = 1;  // CPUs that share one
};

struct MachineInfo {
  std::string cpu;                // model name
  int64_t n_cpus = 0;             // that this process may run on
  std::vector<std::string> isa;   // instruction sets that matter for kernels, such as "avx512_vnni"
  std::vector<CacheInfo> caches;  // of the first CPU
  int64_t page_bytes = 0;
  std::string huge_pages;  // transparent huge pages: "always", "madvise" or "never"
  int64_t memory_bytes = 0;

  /// Bytes of the largest cache.
  int64_t last_level_bytes() const;
};

MachineInfo read_machine_info();

}  // namespace drawbridge
