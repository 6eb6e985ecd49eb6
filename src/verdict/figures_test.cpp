#include "verdict/figures.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "stats/quantile.h"
#include "verdict/latency.h"
#include "verdict/steady_window.h"
#include "verdict/timeline.h"
#include "verdict/virtual_run_test.h"

namespace drawbridge {
namespace {

TEST(Figures, MeanTtftIsPollaczekKhinchines) {
  VirtualServer server;
  server.n_requests = 6000;
  const Figures f = measure(virtual_run(server), {}, 1);
  const double load = server.rate_rps * server.prefill_s;
  const double waiting_s = load * server.prefill_s / (2 * (1 - load));
  EXPECT_NEAR(f.ttft.mean, waiting_s + server.prefill_s + 0.0012, 0.02);
  EXPECT_NEAR(f.tpot.mean, server.token_s, 1e-4);
  EXPECT_NEAR(f.itl.mean, server.token_s, 1e-4);
  EXPECT_NEAR(*f.sustained_rps.value, server.rate_rps, 0.06);
  EXPECT_NEAR(*f.output_tok_s.value, server.rate_rps * server.n_output, 3);
  EXPECT_NEAR(f.mean_concurrency, f.due_rps * f.e2e.mean, 0.05 * f.mean_concurrency);
  EXPECT_DOUBLE_EQ(f.good_share, 1);
  EXPECT_NEAR(*f.cached_reported, 0.6, 1e-9);
}

TEST(Figures, IntervalsCoverWhatLongRunsFind) {
  VirtualServer server;
  server.rate_rps = 2.3;  // a load of 0.69: waiting depends on waiting
  server.n_requests = 60000;
  const LoadRun whole = virtual_run(server);
  SteadyWindow all;
  all.end_s = whole.arrivals_end_s;
  std::vector<double> waits = latencies(whole, all, ttft_s);
  std::sort(waits.begin(), waits.end());
  const double truth = quantile_of(waits, 0.95);
  int n_covered = 0;
  constexpr int kRuns = 20;
  server.n_requests = 1000;
  for (int i = 0; i < kRuns; ++i) {
    server.seed = static_cast<uint64_t>(100 + i);
    const Interval found = *measure(virtual_run(server), {}, server.seed).ttft.at(0.95).estimate.interval;
    n_covered += found.low <= truth && truth <= found.high ? 1 : 0;
  }
  EXPECT_GE(n_covered, 15);
}

TEST(Figures, PercentilesWithoutAnUpperBoundAreRefused) {
  VirtualServer server;
  server.n_requests = 70;
  Figures f = measure(virtual_run(server), {}, 1);
  ASSERT_LT(f.ttft.n, 72);
  EXPECT_TRUE(f.ttft.at(0.5).estimate.value.has_value());
  EXPECT_FALSE(f.ttft.at(0.95).estimate.value.has_value());
  EXPECT_EQ(f.ttft.at(0.95).n_needed, 72);
  server.n_requests = 150;
  f = measure(virtual_run(server), {}, 1);
  EXPECT_TRUE(f.ttft.at(0.95).estimate.value.has_value());
  EXPECT_FALSE(f.ttft.at(0.99).estimate.value.has_value());
}

TEST(Figures, GoodputCountsAnswersWithinAllLimits) {
  LoadLimits limits;
  limits.ttft_s = 0.4;
  const LoadRun run = virtual_run();
  const Figures f = measure(run, limits, 1);
  EXPECT_GT(f.good_share, 0.3);
  EXPECT_LT(f.good_share, 0.9);
  EXPECT_NEAR(f.goodput_rps, f.good_share * f.due_rps, 1e-9);
  limits.tpot_s = 0.001;
  EXPECT_EQ(measure(run, limits, 1).good_share, 0);
}

TEST(SteadyWindow, LeavesOutTheRampAndTheDrain) {
  const LoadRun run = virtual_run();
  const SteadyWindow window = steady_window(run, 1);
  EXPECT_GE(window.begin_s, run.requests.front().due_s + 1);  // an answer takes 1.3 s and more
  EXPECT_EQ(window.end_s, run.arrivals_end_s);
  EXPECT_GT(window.drain_s, 1);
  EXPECT_EQ(window.n_warmup + window.n_steady, static_cast<int64_t>(run.requests.size()));
}

TEST(SteadyWindow, AColdStartEndsAtTheChangePoint) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    VirtualServer server;
    server.seed = seed;
    LoadRun run = virtual_run(server);
    constexpr double kCold_s = 90;
    for (RequestRecord& r : run.requests) {
      if (r.due_s > kCold_s) break;
      r.first_token_s += 2;
      for (AnswerPiece& piece : r.pieces) piece.at_s += 2;
      r.end_s += 2;
    }
    const SteadyWindow window = steady_window(run, seed);
    ASSERT_TRUE(window.change_s.has_value());
    EXPECT_NEAR(window.begin_s, kCold_s, 20);
  }
}

TEST(SteadyWindow, OfNothingIsEmpty) {
  EXPECT_EQ(steady_window({}, 1).length_s(), 0);
  const Figures f = measure({}, {}, 1);
  EXPECT_EQ(f.n_requests, 0);
  EXPECT_FALSE(f.output_tok_s.value.has_value());
}

TEST(InFlight, CountsSteps) {
  LoadRun run;
  for (const auto& [sent, end] : {std::pair(0.0, 2.0), std::pair(1.0, 4.0), std::pair(2.0, 3.0)}) {
    RequestRecord r;
    r.due_s = r.sent_s = sent;
    r.end_s = end;
    run.requests.push_back(r);
  }
  const InFlight in_flight(run, InFlight::From::kSent);
  EXPECT_EQ(in_flight.at(-1), 0);
  EXPECT_EQ(in_flight.at(1.5), 2);
  EXPECT_EQ(in_flight.at(2), 2);  // one leaves as one comes
  EXPECT_EQ(in_flight.peak(), 2);
  EXPECT_DOUBLE_EQ(in_flight.mean(0, 4), (1 + 2 + 2 + 1) / 4.0);
}

TEST(Figures, TakeAcceptLengthAndBusyTimeFromTheServersCounters) {
  LoadRun run = virtual_run();
  EXPECT_FALSE(measure(run, {}, 0).accept_length);
  EXPECT_FALSE(measure(run, {}, 0).busy_input);
  run.after.accept_length = 2.5;
  EXPECT_EQ(measure(run, {}, 0).accept_length, 2.5);
  run.before.draft_steps = run.before.accepted_drafts = 100;
  run.after.draft_steps = 300;
  run.after.accepted_drafts = 500;
  run.before.busy_input_s = run.before.busy_output_s = 10;
  run.after.busy_input_s = 10 + 0.5 * run.duration_s;
  run.after.busy_output_s = 10 + 0.25 * run.duration_s;
  const Figures f = measure(run, {}, 0);
  EXPECT_EQ(f.accept_length, 3);  // its own token and two drafts
  EXPECT_NEAR(*f.busy_input, 0.5, 1e-12);
  EXPECT_NEAR(*f.busy_output, 0.25, 1e-12);
  run.requests[450].accept_length = 1.5;  // what answers say themselves stands above what the server says of all
  EXPECT_EQ(measure(run, {}, 0).accept_length, 1.5);
}

}  // namespace
}  // namespace drawbridge
