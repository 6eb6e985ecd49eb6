// What the server measured about its answers, and the page that /metrics shows. Families that vLLM has too carry its
// name beside ours, so that dashboards made for it work.
// Threads: any.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "engine/engine.h"
#include "server/live_cost.h"
#include "server/prometheus.h"

namespace drawbridge {

class Metrics {
 public:
  /// `price` of the machine; without one nothing is said of dollars.
  explicit Metrics(std::optional<MachinePrice> price = std::nullopt);

  void first_token(double seconds_since_arrival);
  void next_token(double seconds_since_last);
  void end(const Finish& finish, double seconds_since_arrival);
  void response(int http_status);

  std::string page(const EngineStats& stats, const ModelCard& card, const std::string& model_name,
                   bool engine_works) const;

 private:
  const std::optional<MachinePrice> price_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  Histogram time_to_first_token_, inter_token_, end_to_end_, prompt_tokens_, generation_tokens_;
  std::map<std::string, int64_t> n_finished_;  // by reason
  std::map<int, int64_t> n_responses_;         // by HTTP status
};

}  // namespace drawbridge
