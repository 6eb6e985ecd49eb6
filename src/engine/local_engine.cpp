#include "engine/local_engine.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "base/log.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "engine/request_check.h"

namespace drawbridge {
namespace {

/// The same for the same domain in every process, so that a cache on disk is found again.
uint64_t domain_root(const GenerateRequest& request) {
  return std::stoull(sha256_of(request.cache_domain).substr(0, 16), nullptr, 16);
}

}  // namespace

LocalEngine::LocalEngine(ModelCard card, Tokenizer tokenizer, std::unique_ptr<StepRunner> runner,
                         const EngineOptions& options, const SchedulerOptions& scheduling)
    : card_(std::move(card)),
      tokenizer_(std::move(tokenizer)),
      options_(options),
      runner_(std::move(runner)),
      scheduler_(scheduling) {
  publish();
  thread_ = std::thread([this] { loop(); });
}

LocalEngine::~LocalEngine() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<RequestId> LocalEngine::submit(GenerateRequest request, Sink sink) {
  DB_TRY(check_request(request, runner_->config().vocab, card_.max_context));
  static thread_local std::random_device entropy;
  const uint64_t fresh_seed = (static_cast<uint64_t>(entropy()) << 32) | entropy();
  Stream stream(std::move(request), std::move(sink), fresh_seed, tokenizer_);
  const std::lock_guard lock(mutex_);
  if (!broken_.ok()) return broken_;
  if (draining_) return fail(Code::kUnavailable, "the engine is draining and takes no new requests");
  if (n_open_ >= options_.max_running + options_.max_waiting) {
    return fail(Code::kResourceExhausted, "{} requests are running or waiting, the limit is {}: try again later",
                n_open_, options_.max_running + options_.max_waiting);
  }
  ++n_open_;
  stats_.n_prompt_tokens += stream.n_prompt();
  inbox_.push_back({next_id_, std::move(stream)});
  wake_.notify_all();
  return next_id_++;
}

void LocalEngine::cancel(RequestId id) {
  const std::lock_guard lock(mutex_);
  cancelled_.push_back(id);
  wake_.notify_all();
}

Status LocalEngine::health() const {
  const std::lock_guard lock(mutex_);
  return broken_;
}

EngineStats LocalEngine::stats() const {
  const OriginCounts& counts = runner_->plans().plans->counts();
  const OriginCounts::Counts since_start = counts.since_start(), last_hour = counts.last_hour();
  EngineStats stats;
  {
    const std::lock_guard lock(mutex_);
    stats = stats_;
  }
  for (size_t i = 0; i < kPlanOrigins; ++i) {
    stats.plan_tokens.push_back({plan_origin_name(static_cast<PlanOrigin>(i)), since_start[i], last_hour[i]});
  }
  return stats;
}

void LocalEngine::drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  idle_.wait(lock, [&] { return n_open_ == 0; });
}

/// False: the engine is to end.
bool LocalEngine::wait_for_work() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return stopping_ || !inbox_.empty() || !cancelled_.empty() || !streams_.empty(); });
  return !stopping_;
}

void LocalEngine::loop() {
  while (wait_for_work()) {
    take_inbox();
    take_deadlines();
    if (!streams_.empty()) step();
    if (streams_.empty()) {
      if (const Status integrity = scheduler_.check_integrity(); !integrity.ok()) fail_all(integrity);
    }
    publish();
  }
  fail_all(fail(Code::kUnavailable, "the engine was stopped"));
}

/// Both at one time: a cancel that was taken without its arrival would be of nobody, and lost.
void LocalEngine::take_inbox() {
  std::vector<Arrival> arrivals;
  std::vector<RequestId> cancelled;
  {
    const std::lock_guard lock(mutex_);
    arrivals.swap(inbox_);
    cancelled.swap(cancelled_);
  }
  take_arrivals(std::move(arrivals));
  for (const RequestId id : cancelled) {
    const auto place = streams_.find(id);
    if (place != streams_.end()) finish(id, place->second.end(FinishReason::kCancelled));
  }
}

void LocalEngine::take_arrivals(std::vector<Arrival> arrivals) {
  for (Arrival& arrival : arrivals) {
    const GenerateRequest& request = arrival.stream.request();
    const Status added = scheduler_.add(arrival.id, {request.prompt,
                                                     arrival.stream.n_max(),
                                                     domain_root(request),
                                                     request.prompt_logprobs,
                                                     {request.tenant, request.priority}});
    if (added.ok()) {
      streams_.emplace(arrival.id, std::move(arrival.stream));
      continue;
    }
    arrival.stream.tell(arrival.stream.end(FinishReason::kError, added));
    const std::lock_guard lock(mutex_);
    ++stats_.n_failed;
    if (--n_open_ == 0) idle_.notify_all();
  }
}

void LocalEngine::take_deadlines() {
  const auto now = std::chrono::steady_clock::now();
  std::vector<RequestId> late;
  for (const auto& [id, stream] : streams_) {
    if (stream.request().deadline && *stream.request().deadline <= now) late.push_back(id);
  }
  for (const RequestId id : late) {
    Stream& stream = streams_.at(id);
    const int64_t n_generated = static_cast<int64_t>(stream.tokens().size()) - stream.n_prompt();
    finish(id, stream.end(FinishReason::kError,
                          fail(Code::kDeadline, "the request's deadline passed after {} of at most {} tokens",
                               n_generated, stream.request().max_tokens)));
  }
}

/// Every token of a step takes an equal part of its seconds, whoever it belongs to.
void LocalEngine::share_seconds(const Plan& plan, double seconds) {
  int64_t n_tokens = 0, n_input = 0;
  for (const Grant& grant : plan.grants) n_tokens += grant.n_tokens;
  const double each = seconds / static_cast<double>(n_tokens);
  for (const Grant& grant : plan.grants) {
    Stream& stream = streams_.at(grant.id);
    stream.add_busy(each * static_cast<double>(grant.n_tokens));
    n_input += std::clamp<int64_t>(stream.n_prompt() - grant.from, 0, grant.n_tokens);
  }
  const std::lock_guard lock(mutex_);
  stats_.busy_input_s += each * static_cast<double>(n_input);
  stats_.busy_output_s += each * static_cast<double>(n_tokens - n_input);
}

/// Prompt tokens that came from the prefix cache; what a preempted request finds of its own again is no hit.
void LocalEngine::note_starts(const Plan& plan) {
  int64_t n_cached = 0;
  for (const Start& start : plan.started) {
    if (streams_.at(start.id).begin(start.n_cached)) n_cached += start.n_cached;
  }
  const std::lock_guard lock(mutex_);
  stats_.n_cached_tokens += n_cached;
  stats_.n_preempted += static_cast<int64_t>(plan.preempted.size());
}

/// Whether, and whom: a draw each, the same in every run.
void LocalEngine::force_preemption() {
  const uint64_t draw = n_preemption_draws_++;
  const auto running = scheduler_.running();
  if (running.empty() || uniform_at(0, draw) >= options_.forced_preemption) return;
  scheduler_.preempt(running[bits_at(1, draw) % running.size()]);
  const std::lock_guard lock(mutex_);
  ++stats_.n_preempted;
}

void LocalEngine::step() {
  if (options_.forced_preemption > 0) force_preemption();
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan = scheduler_.next();
  note_starts(plan);
  if (plan.grants.empty() && plan.preempted.empty()) {  // the next plan would be the same, for ever
    return fail_all(fail(Code::kInternal, "{} requests are open and none can go on", streams_.size()));
  }
  if (plan.grants.empty()) return;
  const auto logits = runner_->run(plan, [&](RequestId id) {
    return StepRunner::Request{scheduler_.tokens(id), scheduler_.pages(id)};
  });
  if (!logits.ok()) return fail_all(logits.status());
  share_seconds(plan, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  std::vector<int32_t> sampled;
  std::vector<std::pair<RequestId, Output>> ended;
  int64_t row = 0;
  for (const Grant& grant : plan.grants) {
    Stream& stream = streams_.at(grant.id);
    if (grant.from < stream.n_prompt()) {
      stream.tell_prompt(grant.from + grant.n_tokens, slice_rows(*logits, row, grant.n_logits));
    }
    row += grant.n_logits;
    if (!grant.samples) continue;
    const std::span<float> own(logits->row(row - 1), static_cast<size_t>(logits->cols()));
    Output last;
    if (stream.advance(own, runner_->config().eos, last)) ended.emplace_back(grant.id, std::move(last));
    sampled.push_back(stream.tokens().back());  // of one that failed its last, which nothing will compute
  }
  scheduler_.commit(plan, sampled);
  for (const auto& [id, last] : ended) finish(id, last);
  const std::lock_guard lock(mutex_);
  ++stats_.n_steps;
  stats_.n_generated_tokens += static_cast<int64_t>(sampled.size());
}

/// Pages first, then the last output: whoever hears of the end may count on the pages being free.
void LocalEngine::finish(RequestId id, const Output& last) {
  const auto place = streams_.find(id);
  scheduler_.remove(id);
  const Stream stream = std::move(place->second);
  streams_.erase(place);
  publish();
  stream.tell(last);
  const std::lock_guard lock(mutex_);
  switch (last.finish->reason) {
    case FinishReason::kStop:
      ++stats_.n_finished_stop;
      break;
    case FinishReason::kLength:
      ++stats_.n_finished_length;
      break;
    case FinishReason::kCancelled:
      ++stats_.n_cancelled;
      break;
    case FinishReason::kError:
      ++stats_.n_failed;
      break;
  }
  if (--n_open_ == 0) idle_.notify_all();
}

/// A step that failed leaves no request in a known state: all end with the error and no new one is taken.
void LocalEngine::fail_all(const Status& error) {
  {
    const std::lock_guard lock(mutex_);
    if (broken_.ok()) broken_ = error;
  }
  take_inbox();
  if (!streams_.empty()) spdlog::error("engine failed requests={} error=\"{}\"", streams_.size(), error.message());
  while (!streams_.empty()) {
    const RequestId id = streams_.begin()->first;
    finish(id, streams_.begin()->second.end(FinishReason::kError, error));
  }
}

/// Per layer what the FP8 cache took and clipped; the first clipping is said.
std::vector<KvClipping> LocalEngine::kv_clipping() {
  std::vector<KvClipping> layers;
  for (const KvCounts& counts : runner_->cache().counts()) {
    if (counts.n_written == 0) continue;
    layers.resize(static_cast<size_t>(&counts - runner_->cache().counts().data()) + 1);
    layers.back() = {counts.n_written, counts.n_clipped};
    if (counts.n_clipped == 0 || said_clipping_) continue;
    said_clipping_ = true;
    spdlog::warn("kv cache clipped layer={} values={} of={} (counted in /metrics; said once)", layers.size() - 1,
                 counts.n_clipped, counts.n_written);
  }
  return layers;
}

void LocalEngine::publish() {
  std::vector<KvClipping> kv_layers = kv_clipping();
  const std::lock_guard lock(mutex_);
  stats_.kv_layers = std::move(kv_layers);
  stats_.n_running = scheduler_.n_running();
  stats_.n_waiting = scheduler_.n_waiting() + static_cast<int64_t>(inbox_.size());
  stats_.n_pages_total = scheduler_.pool().n_total();
  stats_.n_pages_free = scheduler_.n_available();
  stats_.n_pages_cached = scheduler_.tree().n_cached();
  stats_.n_pages_pinned = scheduler_.tree().n_pinned() - scheduler_.tree().n_only_kept();
  stats_.n_pages_kept = scheduler_.tree().n_only_kept();
  stats_.kv_working_set_ratio = scheduler_.working_set_ratio();
  stats_.n_evictions = scheduler_.tree().n_evicted();
}

}  // namespace drawbridge
