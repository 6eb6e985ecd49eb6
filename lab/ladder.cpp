#include "ladder.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <memory>
#include <optional>

#include "base/check.h"
#include "base/text_table.h"
#include "base/units.h"
#include "bench/machine_kernels.h"
#include "bench/samples.h"

namespace drawbridge::lab {
namespace {

constexpr const char* kMemoryRead = "memory read";
constexpr const char* kCacheRead = "cache read";

/// Something timed in turn with the others.
struct Entry {
  std::string name;
  double work = 0;
  std::function<void(int64_t turn)> run;
  int64_t n_repeat = 1;
  int64_t turn = 0;
  std::vector<double> seconds = {};  // of one run

  double time_repeats() {
    const auto start = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < n_repeat; ++i) run(turn++);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  void calibrate(double sample_s) {
    while (time_repeats() < sample_s) n_repeat *= 2;
  }
  void sample() { seconds.push_back(time_repeats() / static_cast<double>(n_repeat)); }
};

/// Reads n_pieces of piece_bytes in turn.
Entry read_entry(const std::string& name, int64_t piece_bytes, int64_t n_pieces) {
  constexpr int64_t kStep = 64;  // floats, as StreamKernels counts them
  const int64_t piece = std::max<int64_t>(piece_bytes / (4 * kStep), 1) * kStep;
  const auto data = std::make_shared<std::vector<float>>(piece * n_pieces + 16, 1.0f);
  const auto run = [data, piece, n_pieces](int64_t turn) {
    static std::atomic<float> sink;  // a sum that nobody could see would not be computed
    const auto address = (reinterpret_cast<uintptr_t>(data->data()) + 63) & ~uintptr_t{63};
    sink = stream_kernels().sum(reinterpret_cast<const float*>(address) + turn % n_pieces * piece,
                                static_cast<size_t>(piece));
  };
  return {name, 4.0 * static_cast<double>(piece), run};
}

/// The limit itself, measured like a version.
Entry limit_entry(const std::string& limit, int64_t cached_bytes) {
  if (limit == kMemoryRead) return read_entry(limit, 4 << 20, 64);  // 256 MiB
  if (limit == kCacheRead)
    return read_entry(fmt::format("{} of {}", limit, format_bytes(cached_bytes)), cached_bytes, 1);
  for (const PeakKernel& kernel : peak_kernels()) {
    constexpr int64_t kIterations = 10'000;
    if (kernel.name != limit) continue;
    return {limit, static_cast<double>(kernel.operations * kIterations),
            [kernel](int64_t) { kernel.run(kIterations); }};
  }
  fmt::print(stderr, "this CPU has no '{}': percentages are of f32\n", limit);
  return limit_entry(peak_kernels().front().name, 0);
}

/// What differs, or nothing.
std::optional<std::string> difference(const std::vector<float>& wanted, const std::vector<float>& found,
                                      double tolerance) {
  DB_CHECK(wanted.size() == found.size() && !wanted.empty());
  double largest = 0;
  for (const float v : wanted) largest = std::max(largest, std::abs(static_cast<double>(v)));
  for (size_t i = 0; i < wanted.size(); ++i) {
    const bool same = std::bit_cast<uint32_t>(wanted[i]) == std::bit_cast<uint32_t>(found[i]);
    const double off = std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted[i]));
    if (same || off <= tolerance * largest) continue;  // a NaN is never within the tolerance
    return fmt::format("number {} is {}, wanted {}", i, found[i], wanted[i]);
  }
  return {};
}

/// The versions that are right, as entries.
std::vector<Entry> check_versions(const Ladder& ladder) {
  std::vector<Entry> entries;
  std::vector<float> wanted;
  for (const Version& version : ladder.versions) {
    version.run(0);
    std::vector<float> found = ladder.take_result();
    if (wanted.empty()) wanted = found;
    if (const auto wrong = difference(wanted, found, ladder.tolerance)) {
      fmt::print("{}: WRONG: {}\n", version.name, *wrong);
    } else {
      entries.push_back({version.name, ladder.work, version.run});
    }
  }
  return entries;
}

double median_ratio(const Entry& reference, const Entry& entry) {
  std::vector<double> ratios;
  for (size_t i = 0; i < entry.seconds.size(); ++i) ratios.push_back(reference.seconds[i] / entry.seconds[i]);
  return spread_of(std::move(ratios)).median;
}

void print_entries(const Ladder& ladder, const std::vector<Entry>& entries) {
  const double peak = entries.back().work / spread_of(entries.back().seconds).median;
  const bool is_bytes = ladder.limit == kMemoryRead || ladder.limit == kCacheRead;
  const char* unit = is_bytes ? "GB/s" : "G(FL)OP/s";
  TextTable table({"<version", "best us", "median us", unit, "of limit", "speed-up"});
  for (const Entry& entry : entries) {
    const Spread seconds = spread_of(entry.seconds);
    const double rate = entry.work / seconds.median;
    table.add({entry.name, fmt::format("{:.2f}", 1e6 * seconds.min), fmt::format("{:.2f}", 1e6 * seconds.median),
               fmt::format("{:.1f}", rate / 1e9), fmt::format("{:.0f} %", 100 * rate / peak),
               &entry == &entries.back() ? "" : fmt::format("{:.2f}", median_ratio(entries.front(), entry))});
  }
  fmt::print("{}\n{}\n", ladder.name, table.text());
}

}  // namespace

bool climb(const Ladder& ladder, const LadderOptions& options) {
  DB_CHECK(!ladder.versions.empty() && ladder.work > 0 && options.n_rounds >= 1);
  std::vector<Entry> entries = check_versions(ladder);
  const bool all_right = entries.size() == ladder.versions.size();
  entries.push_back(limit_entry(ladder.limit, ladder.cached_bytes));
  for (Entry& entry : entries) entry.calibrate(options.sample_s);
  for (int round = 0; round < options.n_rounds; ++round) {
    for (Entry& entry : entries) entry.sample();
  }
  print_entries(ladder, entries);
  return all_right;
}

}  // namespace drawbridge::lab
