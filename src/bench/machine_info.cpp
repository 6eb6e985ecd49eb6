#include "bench/machine_info.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>

#include "base/cpu_name.h"
#include "bench/machine_kernels.h"

namespace drawbridge {
namespace {

std::string first_line(const std::string& path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

int64_t count_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

/// "32768K" or "1M".
int64_t parse_size(const std::string& text) {
  int64_t value = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return 0;
  const char unit = rest == text.data() + text.size() ? '\0' : *rest;
  return value * (unit == 'K' ? 1 << 10 : (unit == 'M' ? 1 << 20 : 1));
}

/// CPUs in a list such as "0-3,8".
int64_t count_list(const std::string& text) {
  int64_t count = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    int64_t low = 0, high = 0;
    const auto [dash, error] = std::from_chars(text.data() + at, text.data() + comma, low);
    if (error != std::errc()) break;
    high = low;
    if (dash != text.data() + comma && *dash == '-') std::from_chars(dash + 1, text.data() + comma, high);
    count += high - low + 1;
    at = comma + 1;
  }
  return count;
}

std::vector<CacheInfo> read_caches() {
  std::vector<CacheInfo> caches;
  for (int i = 0;; ++i) {
    const std::string path = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/";
    const std::string level = first_line(path + "level");
    if (level.empty()) return caches;
    caches.push_back({static_cast<int>(parse_size(level)), first_line(path + "type"),
                      parse_size(first_line(path + "size")), count_list(first_line(path + "shared_cpu_list"))});
  }
}

/// The chosen one of "always [madvise] never".
std::string huge_page_mode() {
  const std::string line = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
  const size_t open = line.find('['), close = line.find(']');
  return close == std::string::npos || open > close ? "" : line.substr(open + 1, close - open - 1);
}

}  // namespace

int64_t MachineInfo::last_level_bytes() const {
  int64_t largest = 0;
  for (const CacheInfo& cache : caches) largest = std::max(largest, cache.bytes);
  return largest;
}

MachineInfo read_machine_info() {
  MachineInfo info;
  info.cpu = cpu_name();
  info.n_cpus = count_cpus();
  info.isa = supported_isa();
  info.caches = read_caches();
  info.page_bytes = ::sysconf(_SC_PAGESIZE);
  info.huge_pages = huge_page_mode();
  info.memory_bytes = info.page_bytes * ::sysconf(_SC_PHYS_PAGES);
  return info;
}

}  // namespace drawbridge
