// Healthy runs pass; each planted fault fails the checks that are meant for it, and no other.
#include "verdict/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "verdict/report.h"
#include "verdict/virtual_run_test.h"

namespace drawbridge {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

LoadReport judged(LoadRun run, const LoadReportOptions& options = {}) {
  std::vector<LoadRun> runs;
  runs.push_back(std::move(run));
  return make_report(std::move(runs), options);
}

/// "name verdict" of each check that did not pass.
std::vector<std::string> troubles(const LoadReport& report) {
  std::vector<std::string> found;
  for (const Check& check : report.points.front().checks) {
    if (check.verdict != LoadVerdict::kPass) {
      found.push_back(check.name + " " + load_verdict_name(check.verdict));
      EXPECT_FALSE(check.advice.empty()) << check.name;
    }
  }
  return found;
}

Check check_of(const LoadReport& report, const std::string& name) {
  for (const Check& check : report.points.front().checks) {
    if (check.name == name) return check;
  }
  ADD_FAILURE() << "no check " << name;
  return {};
}

TEST(Checks, HealthyRunsPass) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    VirtualServer server;
    server.seed = seed;
    const LoadReport report = judged(virtual_run(server));
    EXPECT_THAT(troubles(report), IsEmpty()) << "seed " << seed << "\n" << verdict_text(report);
    EXPECT_EQ(report.verdict, LoadVerdict::kPass);
  }
}

TEST(Checks, ABusyButStableServerPasses) {
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    VirtualServer server;
    server.rate_rps = 2.5;  // 75 % of what it can prefill
    server.n_requests = 3000;
    server.seed = seed;
    const LoadReport report = judged(virtual_run(server));
    EXPECT_THAT(troubles(report), IsEmpty()) << "seed " << seed << "\n" << verdict_text(report);
  }
}

TEST(Checks, AServerThatReportsMoreTokensThanItSentFails) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) r.n_output_reported = 60;  // sent 50
  const LoadReport report = judged(run);
  EXPECT_THAT(troubles(report), ElementsAre("tokens fail"));
  EXPECT_EQ(report.verdict, LoadVerdict::kFail);
  // The lie does not raise the figure: 50 tokens came.
  EXPECT_NEAR(report.points[0].figures.output_length, 50, 1e-9);
}

TEST(Checks, AReportBeyondTheBytesFailsWithoutATokenizer) {
  LoadRun run = virtual_run();
  run.setup.output_counted_by = "pieces";
  run.setup.ignores_eos = false;
  for (RequestRecord& r : run.requests) {
    r.n_output_designed = 1000;
    r.n_output_reported = 201;  // 50 pieces of 4 bytes
  }
  EXPECT_EQ(check_of(judged(run), "tokens").verdict, LoadVerdict::kFail);
  EXPECT_THAT(check_of(judged(run), "tokens").found, HasSubstr("bytes"));
}

TEST(Checks, PiecesOfSeveralTokensAreNotEnoughToTell) {
  LoadRun run = virtual_run();
  run.setup.output_counted_by = "pieces";
  for (RequestRecord& r : run.requests) {
    r.n_output_designed = r.n_output_reported = 150;
  }
  EXPECT_EQ(check_of(judged(run), "tokens").verdict, LoadVerdict::kInsufficient);
  run.before.generation_tokens = 0;
  run.after.generation_tokens = 900 * 150;  // a second witness
  EXPECT_EQ(check_of(judged(run), "tokens").verdict, LoadVerdict::kPass);
  run.after.generation_tokens = 900 * 50;
  EXPECT_EQ(check_of(judged(run), "tokens").verdict, LoadVerdict::kFail);
}

TEST(Checks, CountersThatDisagreeFail) {
  LoadRun run = virtual_run();
  run.before.generation_tokens = 1000;
  run.after.generation_tokens = 1000 + 900 * 50;
  EXPECT_THAT(troubles(judged(run)), IsEmpty());
  *run.after.generation_tokens += 5000;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("tokens fail"));
}

TEST(Checks, HitsOnPromptsThatWereNeverSentFail) {
  LoadRun run = virtual_run();
  run.setup.cache_design.clear();
  for (RequestRecord& r : run.requests) r.n_cached_designed = 0;
  for (RequestRecord& r : run.requests) r.n_cached_reported = 1200;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("cache fail"));
}

TEST(Checks, ACacheThatMissesFailsAndOneThatIsSilentIsInsufficient) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) r.n_cached_reported = 0;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("cache fail"));
  for (RequestRecord& r : run.requests) r.n_cached_reported = -1;
  const LoadReport report = judged(run);
  EXPECT_THAT(troubles(report), ElementsAre("cache insufficient"));
  EXPECT_EQ(report.verdict, LoadVerdict::kInsufficient);
}

TEST(Checks, AnotherOutputLengthFails) {
  VirtualServer server;
  LoadRun run = virtual_run(server);
  for (RequestRecord& r : run.requests) {
    r.n_output_designed = 64;  // 50 came
    r.finish_reason = "stop";
  }
  EXPECT_THAT(troubles(judged(run)), ElementsAre("output_length fail"));
  run.setup.ignores_eos = false;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("output_length insufficient"));
}

TEST(Checks, AnswersBeyondMaxTokensFail) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) r.n_output_designed = 40;
  EXPECT_THAT(troubles(judged(run)), UnorderedElementsAre("output_length fail", "throughput fail"));
}

TEST(Checks, AnotherPromptLengthFails) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) r.n_prompt_designed = 2200;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("prompt_length fail"));
}

/// A client with one connection: what is due while it waits is sent when the answer before has ended.
LoadRun coordinated_run(const VirtualServer& server) {
  LoadRun run = virtual_run(server);
  double free_s = 0, end_s = 0;
  for (RequestRecord& r : run.requests) {
    r.sent_s = std::max(r.due_s, end_s) + 0.0002;
    r.headers_s = r.sent_s + 0.001;
    answer_at(r, server, std::max(r.headers_s, free_s), free_s);
    end_s = r.end_s;
  }
  end_run(run);
  return run;
}

TEST(Checks, AClientThatWaitsForAnswersFails) {
  VirtualServer server;
  server.rate_rps = 0.4;
  server.n_output = 30;
  LoadReport report = judged(coordinated_run(server));
  EXPECT_THAT(troubles(report), ElementsAre("lateness fail"));
  // The users' waiting is in the figures all the same.
  const Figures& f = report.points[0].figures;
  EXPECT_GT(f.ttft.mean, 1.5 * f.ttft_sent.mean);
}

TEST(Checks, AClientThatHidesItsWaitingFails) {
  VirtualServer server;
  server.rate_rps = 0.4;
  server.n_output = 30;
  LoadRun run = coordinated_run(server);
  for (RequestRecord& r : run.requests) r.due_s = r.sent_s - 0.0002;  // as if it had been planned so
  end_run(run);
  EXPECT_THAT(troubles(judged(run)), ElementsAre("lateness fail"));
}

TEST(Checks, AClientThatIsLateByItselfIsInsufficient) {
  LoadRun run = virtual_run();
  for (size_t i = 0; i < run.requests.size(); i += 20) run.requests[i].sent_s += 0.05;
  for (RequestRecord& r : run.requests) r.headers_s = kNever;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("lateness insufficient"));
}

TEST(Checks, AnotherRateThanClaimedFails) {
  LoadRun run = virtual_run();
  run.setup.rate_rps = 2;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("arrivals fail"));
  run.setup.rate_rps = 1.5;
  run.setup.arrivals = "constant";
  EXPECT_THAT(troubles(judged(run)), ElementsAre("arrivals fail"));
}

TEST(Checks, ABatchHasNoSteadyState) {
  LoadRun run = virtual_run();
  run.setup.rate_rps = 0;
  for (RequestRecord& r : run.requests) r.due_s = 0;
  run.arrivals_end_s = 0;
  const LoadReport report = judged(run);
  EXPECT_EQ(check_of(report, "arrivals").verdict, LoadVerdict::kInsufficient);
  EXPECT_NE(report.verdict, LoadVerdict::kPass);
  EXPECT_EQ(report.points[0].figures.n_requests, 900);  // all of it is told, nonetheless
}

TEST(Checks, TokensThatAreHeldBackFail) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) {
    for (size_t i = 0; i < r.pieces.size(); ++i)
      r.pieces[i].at_s = r.pieces[std::min(i / 10 * 10 + 9, r.pieces.size() - 1)].at_s;
    r.first_token_s = r.pieces.front().at_s;
  }
  EXPECT_THAT(troubles(judged(run)), ElementsAre("streaming fail"));
}

TEST(Checks, AnswersThatComeWholeFail) {
  LoadRun run = virtual_run();
  for (RequestRecord& r : run.requests) {
    for (AnswerPiece& piece : r.pieces) piece.at_s = r.pieces.back().at_s;
    r.first_token_s = r.pieces.front().at_s;
  }
  EXPECT_THAT(troubles(judged(run)), ElementsAre("streaming fail"));
}

TEST(Checks, TimesInTheWrongOrderFail) {
  LoadRun run = virtual_run();
  run.requests[7].first_token_s = run.requests[7].sent_s - 0.5;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("clocks fail"));
  EXPECT_THAT(check_of(judged(run), "clocks").found, HasSubstr("request 7: first token before"));
}

TEST(Checks, MissingRecordsBreakLittlesLaw) {
  LoadRun run = virtual_run();
  // Every third answer's end was lost, and taken for the run's end: the server is said to hold what it does not.
  for (size_t i = 0; i < run.requests.size(); i += 3) {
    run.requests[i].error = "lost";
    run.requests[i].end_s = kNever;
  }
  EXPECT_THAT(troubles(judged(run)), Contains("littles_law fail"));
}

TEST(Checks, AShortRunIsInsufficient) {
  VirtualServer server;
  server.n_requests = 60;
  EXPECT_EQ(judged(virtual_run(server)).verdict, LoadVerdict::kInsufficient);
  EXPECT_THAT(troubles(judged(virtual_run(server))), testing::Each(HasSubstr("insufficient")));
  EXPECT_THAT(check_of(judged(virtual_run(server)), "samples").advice, HasSubstr("Not enough samples for p95"));
}

TEST(Checks, AStoppedRunIsInsufficient) {
  LoadRun run = virtual_run();
  run.was_stopped = true;
  run.stop_reason = "SIGINT";
  EXPECT_THAT(troubles(judged(run)), ElementsAre("complete insufficient"));
}

TEST(Checks, ABusyGeneratorIsInsufficient) {
  LoadRun run = virtual_run();
  run.generator_cpu_share = 0.95;
  EXPECT_THAT(troubles(judged(run)), ElementsAre("generator insufficient"));
}

TEST(Checks, FailedRequestsFailWithTheirReasons) {
  LoadRun run = virtual_run();
  for (size_t i = 0; i < run.requests.size(); i += 20) {
    RequestRecord& r = run.requests[i];
    r.error = "HTTP 503";
    r.end_s = r.sent_s + 0.001;
    r.pieces.clear();
    r.first_token_s = kNever;
  }
  EXPECT_THAT(troubles(judged(run)), ElementsAre("success fail"));
  EXPECT_THAT(check_of(judged(run), "success").found, HasSubstr("x HTTP 503"));
}

TEST(Checks, ALoadBeyondCapacitySaturates) {
  VirtualServer server;
  server.rate_rps = 4;  // 3.33 can be prefilled
  const LoadReport report = judged(virtual_run(server));
  EXPECT_THAT(troubles(report), Contains("saturation fail"));
  EXPECT_THAT(troubles(report), Contains("ttft fail"));
  EXPECT_EQ(check_of(report, "arrivals").verdict, LoadVerdict::kPass);
  EXPECT_EQ(check_of(report, "lateness").verdict, LoadVerdict::kPass);
}

TEST(Checks, LimitsAreMetMissedOrLeftOpen) {
  const LoadRun run = virtual_run();
  LoadReportOptions options;
  options.ttft_limit_s = 0.5;
  options.e2e_limit_s = 10;
  EXPECT_THAT(troubles(judged(run, options)), ElementsAre("ttft fail"));
  const double p95 = *judged(run).points[0].figures.ttft.at(0.95).estimate.value;
  options.ttft_limit_s = p95;
  EXPECT_THAT(troubles(judged(run, options)), ElementsAre("ttft insufficient"));
}

LoadReport sweep(const std::vector<double>& rates) {
  std::vector<LoadRun> runs;
  for (const double rate : rates) {
    VirtualServer server;
    server.rate_rps = rate;
    runs.push_back(virtual_run(server));
  }
  return make_report(std::move(runs), {});
}

TEST(Knee, IsFoundBetweenALoadThatPassesAndOneThatDoesNot) {
  const LoadReport report = sweep({4, 1, 2});  // in any order
  EXPECT_EQ(report.verdict, LoadVerdict::kPass) << verdict_text(report);
  ASSERT_TRUE(report.best.has_value());
  EXPECT_EQ(report.runs[*report.best].setup.rate_rps, 2);
  EXPECT_THAT(report.knee->found, HasSubstr("2 requests/s passes, 4 requests/s is too much"));
}

TEST(Knee, ThatWasNeverReachedIsInsufficient) {
  const LoadReport report = sweep({0.5, 1, 2});
  EXPECT_EQ(report.verdict, LoadVerdict::kInsufficient);
  EXPECT_THAT(report.knee->advice, HasSubstr("never reached"));
}

TEST(Knee, FailsWhereNoLoadPasses) {
  EXPECT_EQ(sweep({4, 5}).verdict, LoadVerdict::kFail);
}

}  // namespace
}  // namespace drawbridge
