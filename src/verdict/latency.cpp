#include "verdict/latency.h"

#include <algorithm>
#include <cmath>

namespace drawbridge {

double ttft_s(const RequestRecord& r) {
  return r.first_token_s - r.due_s;
}

double ttft_sent_s(const RequestRecord& r) {
  return r.first_token_s - r.sent_s;
}

double e2e_s(const RequestRecord& r) {
  return r.end_s - r.due_s;
}

double e2e_sent_s(const RequestRecord& r) {
  return r.end_s - r.sent_s;
}

double lateness_s(const RequestRecord& r) {
  return r.sent_s - r.due_s;
}

double tpot_s(const RequestRecord& r, int64_t n_output) {
  if (n_output < 2) return kNever;
  const double last_s = r.pieces.empty() ? r.end_s : r.pieces.back().at_s;
  return (last_s - r.first_token_s) / static_cast<double>(n_output - 1);
}

std::vector<double> itls_s(const RequestRecord& r) {
  std::vector<double> gaps;
  for (size_t i = 1; i < r.pieces.size(); ++i) gaps.push_back(r.pieces[i].at_s - r.pieces[i - 1].at_s);
  return gaps;
}

int64_t client_tokens(const RequestRecord& r) {
  if (r.n_output_counted < 0 && r.pieces.empty()) return -1;
  return std::max(r.n_output_counted, static_cast<int64_t>(r.pieces.size()));
}

bool counts_tokens(const LoadSetup& setup) {
  return !setup.output_counted_by.empty() && setup.output_counted_by != "pieces";
}

double most_believable_tokens(int64_t n_client) {
  constexpr double kShare = 0.03, kMarkers = 4;  // of text that encodes otherwise; end token, think and tool tags
  return static_cast<double>(n_client) * (1 + kShare) + kMarkers;
}

int64_t answer_tokens(const RequestRecord& r, const LoadSetup& setup) {
  const int64_t counted = client_tokens(r);
  if (r.n_output_reported < 0) return std::max<int64_t>(counted, 0);
  const bool is_refuted = counts_tokens(setup) && counted >= 0 &&
                          static_cast<double>(r.n_output_reported) > most_believable_tokens(counted);
  return is_refuted ? counted : r.n_output_reported;
}

int64_t prompt_tokens(const RequestRecord& r) {
  return r.n_prompt_reported >= 0 ? r.n_prompt_reported : r.n_prompt_designed;
}

std::vector<const RequestRecord*> measured_requests(const LoadRun& run) {
  std::vector<const RequestRecord*> found;
  for (const RequestRecord& r : run.requests) {
    if (!r.is_warmup) found.push_back(&r);
  }
  return found;
}

double last_end_s(const LoadRun& run) {
  double last_s = 0;
  for (const RequestRecord* r : measured_requests(run)) last_s = std::fmax(last_s, r->end_s);
  return last_s;
}

}  // namespace drawbridge
