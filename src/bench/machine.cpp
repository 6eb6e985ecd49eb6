#include "bench/machine.h"

#include <fmt/ostream.h>
#include <fmt/ranges.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <span>
#include <utility>

#include "base/json.h"
#include "base/text_table.h"
#include "base/units.h"
#include "bench/gang.h"
#include "bench/machine_kernels.h"
#include "bench/manifest.h"

namespace drawbridge {
namespace {

/// Three float arrays in fresh memory, each page first touched by the thread that will use it.
class StreamArrays {
 public:
  static Result<StreamArrays> create(int64_t bytes, int64_t n_threads) {
    StreamArrays arrays;
    constexpr int64_t kGrain = 4096;
    arrays.n_floats_ = static_cast<size_t>(bytes / 4 / (kGrain * n_threads) * (kGrain * n_threads));
    arrays.bytes_ = 3 * 4 * arrays.n_floats_;
    if (arrays.bytes_ == 0) {
      return fail(Code::kInvalidArgument, "--buffer-bytes: wanted at least {} for {} threads, found {}",
                  4 * kGrain * n_threads, n_threads, bytes);
    }
    void* data = ::mmap(nullptr, arrays.bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
      return fail(Code::kResourceExhausted, "no memory for three buffers of {}", format_bytes(bytes));
    }
    // Small pages cost 10 to 25 % of the bandwidth; where huge ones are not to be had the table says so.
    (void)::madvise(data, arrays.bytes_, MADV_HUGEPAGE);
    arrays.data_ = static_cast<float*>(data);
    run_gang(n_threads, [&](int64_t t) {
      for (size_t i = 0; i < 3; ++i) {
        const auto slice = arrays.slice(i, t, n_threads);
        std::fill(slice.begin(), slice.end(), 1.0f);
      }
    });
    return arrays;
  }

  StreamArrays(StreamArrays&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), n_floats_(other.n_floats_), bytes_(other.bytes_) {}
  StreamArrays& operator=(StreamArrays&&) = delete;
  ~StreamArrays() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
  }

  size_t n_floats() const { return n_floats_; }
  std::span<float> slice(size_t array, int64_t thread, int64_t n_threads) const {
    const size_t share = n_floats_ / static_cast<size_t>(n_threads);
    return {data_ + array * n_floats_ + static_cast<size_t>(thread) * share, share};
  }

 private:
  StreamArrays() = default;

  float* data_ = nullptr;
  size_t n_floats_ = 0;
  size_t bytes_ = 0;
};

/// One thing to measure: `run` does its work `n` times.
struct Test {
  MachineRow row;
  double units = 0;  // of row.unit, times 1e9, in one repetition
  std::function<GangTime(int64_t n)> run;
  int64_t n_repeat = 1;
  std::vector<double> rates, cpu_shares;

  /// Also the warm-up: repeats until a sample is long enough to be timed.
  void calibrate(double sample_s) {
    constexpr int64_t kMaxRepeat = int64_t{1} << 40;
    for (double seconds = run(n_repeat).seconds; seconds < sample_s && n_repeat < kMaxRepeat;
         seconds = run(n_repeat).seconds) {
      const double factor = std::clamp(1.2 * sample_s / std::max(seconds, 1e-9), 2.0, 1000.0);
      n_repeat = static_cast<int64_t>(static_cast<double>(n_repeat) * factor);
    }
  }
  void sample() {
    const GangTime time = run(n_repeat);
    rates.push_back(units * static_cast<double>(n_repeat) / time.seconds / 1e9);
    cpu_shares.push_back(time.cpu_share);
  }
};

Test stream_test(const std::string& name, int64_t n_threads, int n_arrays, const StreamArrays& arrays,
                 const std::function<void(std::span<float>, std::span<float>, std::span<float>)>& pass) {
  const auto run = [&arrays, n_threads, pass](int64_t n) {
    return run_gang(n_threads, [&](int64_t t) {
      for (int64_t i = 0; i < n; ++i) {
        pass(arrays.slice(0, t, n_threads), arrays.slice(1, t, n_threads), arrays.slice(2, t, n_threads));
      }
    });
  };
  return {
      {name, "", "GB/s", n_threads, {}, {}}, 4.0 * n_arrays * static_cast<double>(arrays.n_floats()), run, 1, {}, {}};
}

Test read_test(int64_t n_threads, const StreamArrays& arrays) {
  static std::atomic<float> sink;  // a sum that nobody could see would not be computed
  return stream_test("memory read", n_threads, 1, arrays,
                     [](auto a, auto, auto) { sink = stream_kernels().sum(a.data(), a.size()); });
}

Test peak_test(const PeakKernel& kernel, int64_t n_threads) {
  const auto run = [kernel, n_threads](int64_t n) { return run_gang(n_threads, [&](int64_t) { kernel.run(n); }); };
  const char* unit = kernel.name.starts_with("int") ? "GOP/s" : "GFLOP/s";
  constexpr int64_t kFirstRepeat = 100'000;
  return {{kernel.name, kernel.isa, unit, n_threads, {}, {}},
          static_cast<double>(kernel.operations * n_threads),
          run,
          kFirstRepeat,
          {},
          {}};
}

void add_tests(int64_t n_threads, const StreamArrays& arrays, std::vector<Test>& tests) {
  tests.push_back(read_test(n_threads, arrays));
  tests.push_back(stream_test("memory copy", n_threads, 2, arrays,
                              [](auto a, auto b, auto) { stream_kernels().copy(a.data(), b.data(), a.size()); }));
  tests.push_back(stream_test("memory triad", n_threads, 3, arrays, [](auto a, auto b, auto c) {
    stream_kernels().triad(a.data(), b.data(), c.data(), 0.5f, a.size());
  }));
  for (const PeakKernel& kernel : peak_kernels()) tests.push_back(peak_test(kernel, n_threads));
}

void take_samples(const MachineOptions& options, std::vector<Test>& tests) {
  for (Test& test : tests) test.calibrate(options.sample_s);
  for (int round = 0; round < options.n_rounds; ++round) {
    for (Test& test : tests) test.sample();
  }
  for (Test& test : tests) {
    test.row.rate = spread_of(test.rates);
    test.row.cpu_share = spread_of(test.cpu_shares);
  }
}

Status check_options(const MachineOptions& o) {
  if (o.n_rounds < 1) return fail(Code::kInvalidArgument, "--rounds: wanted at least 1, found {}", o.n_rounds);
  if (o.buffer_bytes >= 0) return Status();
  return fail(Code::kInvalidArgument, "--buffer-bytes: wanted 0 or more, found {}", o.buffer_bytes);
}

int64_t choose_buffer_bytes(const MachineOptions& options, const MachineInfo& info) {
  if (options.buffer_bytes > 0) return options.buffer_bytes;
  constexpr int64_t kLeast = 256 << 20;
  // Three such arrays must leave room for the rest of the machine.
  return std::min(std::max(kLeast, 8 * info.last_level_bytes()), std::max<int64_t>(info.memory_bytes / 12, 1 << 20));
}

std::string caches_text(const MachineInfo& info) {
  std::string text;
  for (const CacheInfo& cache : info.caches) {
    const char* kind = cache.type == "Data" ? "d" : (cache.type == "Instruction" ? "i" : "");
    text += fmt::format("{}L{}{} {} KiB", text.empty() ? "" : ", ", cache.level, kind, cache.bytes >> 10);
    if (cache.n_sharing > 1) text += fmt::format(" (of {} CPUs)", cache.n_sharing);
  }
  return text.empty() ? "unknown" : text;
}

void print_table(const MachineReport& report, std::ostream& out) {
  const MachineInfo& info = report.info;
  fmt::print(out, "cpu     {}, {} CPUs usable\nisa     {}\ncaches  {}\n", info.cpu, info.n_cpus,
             fmt::join(info.isa, " "), caches_text(info));
  fmt::print(out, "memory  {}, pages of {} KiB, transparent huge pages: {}\n\n", format_bytes(info.memory_bytes),
             info.page_bytes >> 10, info.huge_pages.empty() ? "unknown" : info.huge_pages);
  TextTable table({"<test", "<isa", "threads", "median", "min", "max", "<unit", "CPU share"});
  for (const MachineRow& row : report.rows) {
    table.add({row.test, row.isa, std::to_string(row.n_threads), fmt::format("{:.1f}", row.rate.median),
               fmt::format("{:.1f}", row.rate.min), fmt::format("{:.1f}", row.rate.max), row.unit,
               fmt::format("{:.0f} %", 100 * row.cpu_share.median)});
  }
  fmt::print(out, "{}\n{} rounds; arrays of {}; copy counts 2 arrays of bytes, triad 3\n", table.text(),
             report.n_rounds, format_bytes(report.buffer_bytes));
  const auto lowest = std::min_element(report.rows.begin(), report.rows.end(), [](const auto& a, const auto& b) {
    return a.cpu_share.median < b.cpu_share.median;
  });
  constexpr double kUndisturbed = 0.95;
  if (lowest->cpu_share.median < kUndisturbed) {
    fmt::print(out, "DISTURBED: the threads had a CPU for {:.0f} % of the time; other programs ran\n",
               100 * lowest->cpu_share.median);
  }
}

void print_json(const MachineReport& report, const Json& manifest, std::ostream& out) {
  Json tests = Json::array();
  for (const MachineRow& row : report.rows) {
    tests.push_back({{"test", row.test},
                     {"isa", row.isa},
                     {"n_threads", row.n_threads},
                     {"unit", row.unit},
                     {"median", row.rate.median},
                     {"min", row.rate.min},
                     {"max", row.rate.max},
                     {"cpu_share", row.cpu_share.median}});
  }
  Json root = machine_info_json(report.info);
  root.update({{"buffer_bytes", report.buffer_bytes},
               {"n_rounds", report.n_rounds},
               {"source", "measured"},
               {"manifest", manifest},
               {"tests", std::move(tests)}});
  fmt::print(out, "{}\n", dump_json(root));
}

}  // namespace

Result<MachineReport> measure_machine(const MachineOptions& options) {
  DB_TRY(check_options(options));
  MachineReport report;
  report.info = read_machine_info();
  report.buffer_bytes = choose_buffer_bytes(options, report.info);
  report.n_rounds = options.n_rounds;
  DB_ASSIGN(const StreamArrays arrays, StreamArrays::create(report.buffer_bytes, report.info.n_cpus));
  std::vector<Test> tests;
  add_tests(1, arrays, tests);
  if (report.info.n_cpus > 1) add_tests(report.info.n_cpus, arrays, tests);
  take_samples(options, tests);
  for (Test& test : tests) report.rows.push_back(std::move(test.row));
  return report;
}

double MachineLimits::seconds(int64_t bytes, const std::array<int64_t, kArithmetics>& operations) const {
  double computing = 0;
  for (size_t i = 0; i < kArithmetics; ++i) {
    computing += static_cast<double>(operations[i]) / (1e9 * peak_g_per_s[i].median);
  }
  return std::max(computing, static_cast<double>(bytes) / (1e9 * read_gb_per_s.median));
}

Result<MachineLimits> measure_limits(const MachineOptions& options, int64_t n_threads) {
  DB_TRY(check_options(options));
  const MachineInfo info = read_machine_info();
  if (n_threads == 0) n_threads = info.n_cpus;
  DB_ASSIGN(const StreamArrays arrays, StreamArrays::create(choose_buffer_bytes(options, info), n_threads));
  std::vector<Test> tests = {read_test(n_threads, arrays)};
  for (const PeakKernel& kernel : peak_kernels()) tests.push_back(peak_test(kernel, n_threads));
  take_samples(options, tests);
  MachineLimits limits;
  limits.read_gb_per_s = tests[0].row.rate;
  limits.peak_g_per_s.fill(tests[1].row.rate);  // f32, which comes first
  for (const Test& test : tests) {
    if (test.row.test == "bf16 dot") limits.peak_g_per_s[static_cast<size_t>(Arithmetic::kBf16)] = test.row.rate;
    if (test.row.test == "int8 dot") limits.peak_g_per_s[static_cast<size_t>(Arithmetic::kInt8)] = test.row.rate;
  }
  return limits;
}

MachineLimits limits_around(const MachineLimits& before, const MachineLimits& after) {
  const auto around = [](const Spread& a, const Spread& b) {
    return Spread{(a.median + b.median) / 2, std::min(a.min, b.min), std::max(a.max, b.max)};
  };
  MachineLimits limits;
  limits.read_gb_per_s = around(before.read_gb_per_s, after.read_gb_per_s);
  for (size_t i = 0; i < kArithmetics; ++i) {
    limits.peak_g_per_s[i] = around(before.peak_g_per_s[i], after.peak_g_per_s[i]);
  }
  return limits;
}

Status run_bench_machine(const MachineOptions& options, std::ostream& out) {
  DB_ASSIGN(const MachineReport report, measure_machine(options));
  const Json manifest = bench_manifest(
      {{"rounds", options.n_rounds}, {"buffer_bytes", report.buffer_bytes}, {"sample_s", options.sample_s}});
  if (options.json) {
    print_json(report, manifest, out);
  } else {
    print_table(report, out);
    fmt::print(out, "{}\n", manifest_line(manifest));
  }
  return Status();
}

}  // namespace drawbridge
