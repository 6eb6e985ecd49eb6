#include "engine/step.h"

#include <algorithm>
#include <thread>

#include "engine/activation_mode.h"
#include "engine/kv_choice.h"
#include "model/pack_weights.h"

namespace drawbridge {
namespace {

/// The rows of one step, owned while the forward pass reads them.
struct Rows {
  std::vector<int32_t> token, pos, slot, request, logit_row, page_table;
  int64_t max_pages = 1;
  int64_t n_requests = 0;

  Batch batch() const {
    return Batch{token, pos, slot, {request.data(), page_table.data(), max_pages, n_requests}, logit_row};
  }
};

Rows gather(const Plan& plan, const StepRunner::Lookup& lookup, int64_t page_size) {
  Rows rows;
  for (const Grant& grant : plan.grants) {
    rows.max_pages = std::max(rows.max_pages, static_cast<int64_t>(lookup(grant.id).pages.size()));
  }
  for (const Grant& grant : plan.grants) {
    const StepRunner::Request request = lookup(grant.id);
    for (int64_t pos = grant.from; pos < grant.from + grant.n_tokens; ++pos) {
      const int64_t page = request.pages[static_cast<size_t>(pos / page_size)];
      rows.token.push_back(request.tokens[static_cast<size_t>(pos)]);
      rows.pos.push_back(static_cast<int32_t>(pos));
      rows.slot.push_back(static_cast<int32_t>(page * page_size + pos % page_size));
      rows.request.push_back(static_cast<int32_t>(rows.n_requests));
    }
    for (int64_t behind = grant.n_logits; behind > 0; --behind) {
      rows.logit_row.push_back(static_cast<int32_t>(static_cast<int64_t>(rows.token.size()) - behind));
    }
    rows.page_table.insert(rows.page_table.end(), request.pages.begin(), request.pages.end());
    rows.page_table.resize(static_cast<size_t>(++rows.n_requests * rows.max_pages), 0);
  }
  return rows;
}

PackingOptions packing_options(const StepOptions& options) {
  const int64_t n_threads = options.n_threads > 0 ? options.n_threads : std::thread::hardware_concurrency();
  return {static_cast<int>(n_threads), options.weights_cache};
}

}  // namespace

Result<std::unique_ptr<StepRunner>> StepRunner::create(const Glm52Config& config, const StepOptions& options) {
  std::unique_ptr<StepRunner> runner(new StepRunner(config, options));
  DB_ASSIGN(Checkpoint checkpoint, Checkpoint::open(options.model));
  CpuOptions cpu;
  cpu.isa = options.isa;
  cpu.n_threads = options.n_threads;
  cpu.pin_threads = options.pin_threads;
  cpu.numerics = options.numerics;
  cpu.plans = options.plans.plans;
  cpu.numerics.input_codec =
      options.input_codec ? *options.input_codec : auto_activation(take_inventory(config, checkpoint));
  DB_ASSIGN(runner->backend_, make_cpu_backend(cpu));
  const auto [observer, trace] = options.watchers;
  if (observer != nullptr) runner->backend_ = make_tap_backend(std::move(runner->backend_), *observer);
  if (trace != nullptr) runner->backend_ = make_trace_backend(std::move(runner->backend_), *trace);
  DB_ASSIGN(Glm52Weights weights, bind_glm52_weights(config, std::move(checkpoint)));
  runner->weights_ = std::make_unique<Glm52Weights>(std::move(weights));
  DB_ASSIGN(runner->packing_,
            pack_glm52_weights(config, *runner->backend_, packing_options(options), *runner->weights_));
  DB_ASSIGN(const std::vector<float> scales,
            choose_kv_scales(config, runner->weights_->checkpoint, options.numerics.kv_cache, options.kv_scale));
  DB_ASSIGN(KvCache cache, KvCache::create(*runner->backend_, config, options.n_pages, options.page_size, scales));
  runner->cache_ = std::make_unique<KvCache>(std::move(cache));
  DB_ASSIGN(Activations activations,
            Activations::create(*runner->backend_, config, options.max_step_tokens, options.max_logit_rows));
  runner->activations_ = std::make_unique<Activations>(std::move(activations));
  return runner;
}

Result<StepRunner::Probe> StepRunner::probe() {
  const int64_t n = max_step_tokens_ >= 2 && n_pages_ * page_size_ >= 2 ? 2 : 1;
  const std::vector<int32_t> token(static_cast<size_t>(n), 0), page = {0, 1};
  Plan plan;
  plan.grants.push_back({1, 0, n, 1, true});
  DB_ASSIGN(const View logits, run(plan, [&](RequestId) { return Request{token, page}; }));
  return Probe{n, logits};
}

Result<View> StepRunner::run(const Plan& plan, const Lookup& lookup) {
  for (const PageCopy& copy : plan.copies) {
    DB_CHECK(copy.from_tier == Tier::kDevice && copy.to_tier == Tier::kDevice);  // the scheduler was given no others
    cache_->copy(*backend_, copy.from, copy.to, copy.n_tokens);
  }
  const Rows rows = gather(plan, lookup, page_size_);
  const View logits = Glm52(config_, *weights_, *backend_).forward(rows.batch(), cache_->layers(), *activations_);
  backend_->synchronize();
  DB_TRY(backend_->status());
  return logits;
}

}  // namespace drawbridge
