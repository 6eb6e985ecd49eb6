// Says what the machine gives right now, beside each sample of benchmarks/side_by_side.py: for each line on stdin,
// {"int8": GOP/s, "bw": GB/s} of all CPUs together, measured in about a quarter of a second.
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <iostream>
#include <string>

#include "bench/gang.h"
#include "bench/machine_info.h"
#include "bench/machine_kernels.h"

namespace drawbridge {
namespace {

constexpr size_t kBytes = size_t{1} << 30;  // far beyond any cache, the neighbours' share included
constexpr int64_t kIterations = 4'000'000;

/// 10^9 operations a second of the fastest integer dot product; 0 where the CPU has none.
double int8_rate(int64_t n_threads) {
  double rate = 0;
  for (const PeakKernel& kernel : peak_kernels()) {
    if (kernel.name != "int8 dot") continue;
    const GangTime time = run_gang(n_threads, [&](int64_t) { kernel.run(kIterations); });
    rate = static_cast<double>(kernel.operations * kIterations * n_threads) / time.seconds / 1e9;
  }
  return rate;
}

double read_rate(const float* data, int64_t n_threads) {
  static std::atomic<float> sink;  // a sum that nobody could see would not be computed
  const size_t share = kBytes / sizeof(float) / static_cast<size_t>(n_threads) / 64 * 64;
  const GangTime time = run_gang(
      n_threads, [&](int64_t t) { sink = stream_kernels().sum(data + static_cast<size_t>(t) * share, share); });
  return static_cast<double>(share * sizeof(float)) * static_cast<double>(n_threads) / time.seconds / 1e9;
}

int probe() {
  const int64_t n_threads = read_machine_info().n_cpus;
  void* memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::cerr << "no memory for 1 GiB" << std::endl;
    return 1;
  }
  (void)::madvise(memory, kBytes, MADV_HUGEPAGE);  // small pages cost 10 to 25 % of the bandwidth
  float* data = static_cast<float*>(memory);
  std::fill(data, data + kBytes / sizeof(float), 1.0f);
  std::cout << "{\"ready\":1}" << std::endl;
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    const double int8 = int8_rate(n_threads);
    const double bandwidth = read_rate(data, n_threads);
    std::cout << "{\"int8\":" << int8 << ",\"bw\":" << bandwidth << "}" << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace drawbridge

int main() {
  return drawbridge::probe();
}
