// A load run in virtual time: Poisson arrivals at a server that prefills one prompt after the other and decodes all
// answers side by side. TTFT is then an M/D/1 queue, of which the mean is known.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "load/load_run.h"

namespace drawbridge {

struct VirtualServer {
  double rate_rps = 1.5;
  int n_requests = 900;
  double prefill_s = 0.3;
  double token_s = 0.02;
  int n_output = 50;
  int n_prompt = 2000;
  int n_cached = 1200;  // of each prompt but the first
  uint64_t seed = 1;
};

inline double uniform_above(double low, double width, uint64_t seed, uint64_t draw) {
  return low + width * uniform_at(seed, draw);
}

/// Whatever follows from when the server begins with a request; `free_s` is when it can take the next.
inline void answer_at(RequestRecord& r, const VirtualServer& server, double start_s, double& free_s) {
  r.first_token_s = start_s + server.prefill_s;
  free_s = r.first_token_s;
  double at_s = r.first_token_s;
  r.pieces.clear();
  for (int i = 0; i < server.n_output; ++i) {
    r.pieces.push_back({at_s, 4});
    const auto draw = static_cast<uint64_t>(r.index * server.n_output + i);
    at_s += server.token_s * uniform_above(0.9, 0.2, server.seed + 99, draw);
  }
  r.end_s = r.pieces.back().at_s + 0.0005;
}

inline RequestRecord virtual_request(const VirtualServer& server, int64_t index, double due_s) {
  RequestRecord r;
  r.index = index;
  r.due_s = due_s;
  r.sent_s = due_s + 0.0002;
  r.headers_s = r.sent_s + 0.001;
  r.n_prompt_designed = r.n_prompt_reported = server.n_prompt;
  r.n_cached_designed = r.n_cached_reported = index == 0 ? 0 : server.n_cached;
  r.n_output_designed = r.n_output_reported = r.n_output_counted = server.n_output;
  r.http_status = 200;
  r.finish_reason = "length";
  return r;
}

inline LoadSetup virtual_setup(const VirtualServer& server) {
  LoadSetup setup;
  setup.url = "http://127.0.0.1:8000";
  setup.model = "virtual";
  setup.endpoint = "/v1/chat/completions";
  setup.arrivals = "poisson";
  setup.rate_rps = server.rate_rps;
  setup.workload = "fixed 2000 in 50 out, 60% shared prefix";
  setup.cache_design = "one shared prefix";
  setup.prompts_counted_by = "tokenizer models/tiny";
  setup.output_counted_by = "tokenizer models/tiny";
  setup.ignores_eos = true;
  setup.started_at = "2026-11-25T01:44:04Z";
  setup.manifest = {{"sha256", "abc123"}};
  return setup;
}

inline void end_run(LoadRun& run) {
  run.arrivals_end_s = run.requests.back().due_s;
  double last_end_s = 0;
  for (const RequestRecord& r : run.requests) last_end_s = std::fmax(last_end_s, r.end_s);
  run.duration_s = last_end_s - run.requests.front().due_s;
}

inline std::vector<double> poisson_arrivals(const VirtualServer& server) {
  std::vector<double> due;
  double at_s = 0;
  for (int i = 0; i < server.n_requests; ++i) {
    at_s -= std::log1p(-uniform_at(server.seed, static_cast<uint64_t>(i))) / server.rate_rps;
    due.push_back(at_s);
  }
  return due;
}

inline LoadRun virtual_run(const VirtualServer& server = {}) {
  LoadRun run;
  run.setup = virtual_setup(server);
  run.generator_cpu_share = 0.1;
  double free_s = 0;
  for (const double due_s : poisson_arrivals(server)) {
    RequestRecord r = virtual_request(server, static_cast<int64_t>(run.requests.size()), due_s);
    answer_at(r, server, std::max(r.headers_s, free_s), free_s);
    run.requests.push_back(std::move(r));
  }
  end_run(run);
  return run;
}

}  // namespace drawbridge
