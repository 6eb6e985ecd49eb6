// LocalEngine: the Engine of this process. One thread steps the model; callers only queue and cancel.
//
// Invariants: `inbox_`, `cancelled_`, `stats_` and the flags are touched under the mutex; everything else by the engine
// thread alone. A request is in the inbox or among the streams until its last output, then nowhere.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/step.h"
#include "engine/stream.h"
#include "sched/scheduler.h"

namespace drawbridge {

class LocalEngine : public Engine {
 public:
  LocalEngine(ModelCard card, Tokenizer tokenizer, std::unique_ptr<StepRunner> runner, const EngineOptions& options,
              const SchedulerOptions& scheduling);
  ~LocalEngine() override;

  Result<RequestId> submit(GenerateRequest request, Sink sink) override;
  void cancel(RequestId id) override;
  Status health() const override;
  EngineStats stats() const override;
  const ModelCard& card() const override { return card_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  void drain() override;

 private:
  struct Arrival {
    RequestId id;
    Stream stream;
  };

  void loop();
  bool wait_for_work();
  void take_inbox();
  void take_arrivals(std::vector<Arrival> arrivals);
  void take_deadlines();
  void step();
  void force_preemption();
  void note_starts(const Plan& plan);
  void share_seconds(const Plan& plan, double seconds);
  void finish(RequestId id, const Output& last);
  void fail_all(const Status& error);
  std::vector<KvClipping> kv_clipping();
  void publish();

  const ModelCard card_;
  const Tokenizer tokenizer_;
  const EngineOptions options_;
  std::unique_ptr<StepRunner> runner_;
  Scheduler scheduler_;
  std::map<RequestId, Stream> streams_;
  uint64_t n_preemption_draws_ = 0;
  bool said_clipping_ = false;

  mutable std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::vector<Arrival> inbox_;
  std::vector<RequestId> cancelled_;
  EngineStats stats_;
  int64_t n_open_ = 0;  // submitted and not ended
  RequestId next_id_ = 1;
  bool draining_ = false;
  bool stopping_ = false;
  Status broken_;  // why the engine serves no more
  std::thread thread_;
};

}  // namespace drawbridge
