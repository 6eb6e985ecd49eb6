#include "prove/variant.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/checked_math.h"

namespace drawbridge {
namespace {

constexpr int64_t kSmallPage = 4, kLargePage = 64;
constexpr double kPreemption = 0.5;  // chance each step

const Exercise kHits = {"cached tokens", [](const ProofRun& run) { return run.stats.n_cached_tokens; }};
const Exercise kPreemptions = {"preemptions", [](const ProofRun& run) { return run.stats.n_preempted; }};
const Exercise kEvictions = {"evictions", [](const ProofRun& run) { return run.stats.n_evictions; }};

class Variants {
 public:
  Variants(const EngineOptions& options, const ProofWorkload& workload)
      : reference_(reference_options(options, workload)), workload_(workload) {}

  template <typename Change>
  void add(std::string name, Change change, std::vector<Exercise> exercises = {}) {
    Variant variant{std::move(name), reference_, std::move(exercises)};
    change(variant.options);
    variants_.push_back(std::move(variant));
  }

  /// Decodes together; streams begin and end at different times, so half of them at once is what can be asked.
  void add_batch(int64_t n) {
    Exercise streams = {"streams at once", [](const ProofRun& run) { return run.peak_streams; }};
    streams.at_least = ceil_div(std::min(n, workload_.n_requests), 2);
    add(fmt::format("batch {}", n), [n](EngineOptions& o) { o.max_running = n; }, {streams});
  }

  std::vector<Variant> take() { return std::move(variants_); }

 private:
  EngineOptions reference_;
  ProofWorkload workload_;
  std::vector<Variant> variants_;
};

}  // namespace

EngineOptions reference_options(const EngineOptions& options, const ProofWorkload& workload) {
  EngineOptions reference = options;
  reference.max_running = 1;
  reference.max_waiting = workload.n_requests;
  reference.prefix_cache = false;
  return reference;
}

std::vector<Variant> proof_variants(const EngineOptions& options, const ProofWorkload& workload) {
  Variants v(options, workload);
  v.add_batch(8);
  v.add_batch(64);
  for (const int64_t n : {1, 2}) {
    v.add(fmt::format("threads {}", n), [n](EngineOptions& o) { o.n_threads = n; });
  }
  for (const int64_t n : {int64_t{7}, int64_t{64}}) {
    v.add(fmt::format("step tokens {}", n), [n](EngineOptions& o) { o.max_step_tokens = n; });
  }
  for (const int64_t n : {kSmallPage, kLargePage}) {
    v.add(fmt::format("page size {}", n), [n](EngineOptions& o) { o.page_size = n; });
  }
  const auto together = [](EngineOptions& o) { o.max_running = 8; };
  const auto cached = [&](EngineOptions& o) { together(o), o.prefix_cache = true; };
  const auto preempted = [](EngineOptions& o) { o.forced_preemption = kPreemption; };
  v.add("prefix cache", cached, {kHits});
  v.add("preemption", [&](EngineOptions& o) { together(o), preempted(o); }, {kPreemptions});
  v.add("prefix cache, preemption", [&](EngineOptions& o) { cached(o), preempted(o); }, {kHits, kPreemptions});
  v.add("prefix cache, few pages", [&](EngineOptions& o) { cached(o), o.kv_tokens = 3 * workload.longest(); },
        {kHits, kEvictions});
  v.add("all of it",
        [&](EngineOptions& o) {
          cached(o), preempted(o);
          o.max_running = 64;
          o.n_threads = 2;
          o.max_step_tokens = 64;
          o.page_size = kSmallPage;
          o.kv_tokens = 4 * workload.longest();
        },
        {kHits, kPreemptions, kEvictions});
  return v.take();
}

std::optional<std::string> not_exercised(const Variant& variant, const ProofRun& run) {
  for (const Exercise& exercise : variant.exercises) {
    const int64_t found = exercise.count(run);
    if (found >= exercise.at_least) continue;
    return fmt::format("{}: wanted at least {}, found {}", exercise.what, exercise.at_least, found);
  }
  return std::nullopt;
}

}  // namespace drawbridge
