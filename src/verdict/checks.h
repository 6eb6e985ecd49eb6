// The checks of one point. Each answers one way in which a load test has fooled its reader; none repairs anything.
#pragma once

#include <vector>

#include "load/load_run.h"
#include "verdict/check.h"
#include "verdict/figures.h"

namespace drawbridge {

/// What every check sees.
struct CheckInput {
  const LoadRun& run;
  const Figures& figures;
  const LoadLimits& limits;
};

// The load that was offered (arrival_checks.cpp).
Check check_complete(const CheckInput& in);   // the run was not cut short
Check check_arrivals(const CheckInput& in);   // requests came due at the rate that is claimed
Check check_lateness(const CheckInput& in);   // they were sent when due, whatever answers did
Check check_generator(const CheckInput& in);  // the client had time to spare

// What was answered (token_checks.cpp).
Check check_prompt_length(const CheckInput& in);
Check check_output_length(const CheckInput& in);
Check check_throughput(const CheckInput& in);  // tokens/s are no more than requests/s times their length
Check check_tokens(const CheckInput& in);      // client, usage and the server's counters agree
Check check_cache(const CheckInput& in);       // the server's hits are those that were designed

// When it came (timing_checks.cpp).
Check check_clocks(const CheckInput& in);       // times of a request stand in their order
Check check_streaming(const CheckInput& in);    // tokens came as they were made, not in bursts
Check check_littles_law(const CheckInput& in);  // mean in flight = rate times mean latency
Check check_samples(const CheckInput& in);      // enough answers and time for what is claimed

// Whether the server coped (service_checks.cpp).
Check check_success(const CheckInput& in);
Check check_saturation(const CheckInput& in);  // neither queue nor TTFT grows
std::vector<Check> check_limits(const CheckInput& in);

/// All of them, in this order.
std::vector<Check> check_point(const CheckInput& in);

}  // namespace drawbridge
