// What the server measured about its answers, and the page that /metrics shows. Families that vLLM, sglang or llama.cpp
// have too carry their names beside ours, so that dashboards made for them work.
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

/// What the page says of the server itself.
struct ServerState {
  bool engine_works = true;
  bool draining = false;
  size_t n_keys = 0;
  bool keys_fresh = true;             // the last reload of the key files worked
  int64_t n_buffers_since_ready = 0;  // of the engine's memory
};

class Metrics {
 public:
  /// `price` of the machine; without one nothing is said of dollars.
  explicit Metrics(std::optional<MachinePrice> price = std::nullopt);

  void first_token(double seconds_since_arrival);
  void next_token(double seconds_since_last);
  void end(const Finish& finish, double seconds_since_arrival, double seconds_since_first_token);
  void response(int http_status);

  std::string page(const EngineStats& stats, const ModelCard& card, const std::string& model_name,
                   const ServerState& server) const;

 private:
  const std::optional<MachinePrice> price_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  mutable std::mutex mutex_;
  Histogram time_to_first_token_, inter_token_, end_to_end_, decode_, prompt_tokens_, generation_tokens_;
  std::map<std::string, int64_t> n_finished_;  // by reason
  std::map<int, int64_t> n_responses_;         // by HTTP status
};

}  // namespace drawbridge
