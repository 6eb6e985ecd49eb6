#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verdict/checks.h"
#include "verdict/latency.h"

namespace drawbridge {
namespace {

constexpr CheckKind kMeasurement = CheckKind::kMeasurement;

std::vector<const RequestRecord*> succeeded(const LoadRun& run) {
  std::vector<const RequestRecord*> found = measured_requests(run);
  std::erase_if(found, [](const RequestRecord* r) { return !r->succeeded(); });
  return found;
}

Check no_answers(Check check) {
  check.found = "no answer succeeded";
  return check.with(LoadVerdict::kInsufficient, "See the failures' reasons.");
}

struct TokenSums {
  double reported = 0, client = 0, bytes = 0;  // of requests that have both counts
  double n = 0;
  double reported_with_warmup = 0, n_failed = 0;
};

TokenSums sum_tokens(const LoadRun& run) {
  TokenSums sums;
  for (const RequestRecord& r : run.requests) {
    sums.n_failed += r.succeeded() ? 0 : 1;
    if (!r.succeeded() || r.n_output_reported < 0) continue;
    sums.reported_with_warmup += static_cast<double>(r.n_output_reported);
    if (r.is_warmup || client_tokens(r) < 0) continue;
    sums.n += 1;
    sums.reported += static_cast<double>(r.n_output_reported);
    sums.client += static_cast<double>(client_tokens(r));
    for (const AnswerPiece& piece : r.pieces) sums.bytes += piece.n_bytes;
  }
  return sums;
}

/// Whether usage and the server's own counter agree; absent where it has none, or failures left tokens out of usage.
std::optional<bool> counter_agrees(const LoadRun& run, const TokenSums& sums) {
  constexpr double kAllowed = 0.02;
  const std::optional<double> server = run.counted(&ServerCounters::generation_tokens);
  if (!server || sums.n_failed > 0) return std::nullopt;
  const auto is_near = [&](double client) { return std::abs(*server - client) <= kAllowed * client; };
  return is_near(sums.reported) || is_near(sums.reported_with_warmup);
}

}  // namespace

Check check_prompt_length(const CheckInput& in) {
  constexpr double kAllowed = 0.05, kTemplate = 32;  // tokens of a chat's own frame
  Check check{"prompt_length", kMeasurement, LoadVerdict::kPass, "prompts as long as the workload says", "", ""};
  double designed = 0, reported = 0, n = 0;
  const std::vector<const RequestRecord*> requests = succeeded(in.run);
  if (requests.empty()) return no_answers(check);
  for (const RequestRecord* r : requests) {
    if (r->n_prompt_reported < 0) continue;
    designed += static_cast<double>(r->n_prompt_designed);
    reported += static_cast<double>(r->n_prompt_reported);
    n += 1;
  }
  if (n == 0) {
    check.found = "the server reports no prompt tokens";
    return check.with(LoadVerdict::kInsufficient, "Ask a server that reports usage in streams.");
  }
  check.wanted = fmt::format("{:.0f} tokens a prompt, within {:.0f} %", designed / n, 100 * kAllowed);
  check.found = fmt::format("{:.0f} reported", reported / n);
  if (std::abs(reported - designed) <= kAllowed * designed + kTemplate * n) return check;
  return check.with(LoadVerdict::kFail, "This is another workload: count prompts by the served model's own tokenizer.");
}

Check check_output_length(const CheckInput& in) {
  constexpr double kForced = 0.02, kNatural = 0.9, kRare = 0.01;
  Check check{"output_length", kMeasurement, LoadVerdict::kPass, "", "", ""};
  const std::vector<const RequestRecord*> requests = succeeded(in.run);
  if (requests.empty()) return no_answers(check);
  double designed = 0, found = 0, n_over = 0, n_length = 0;
  for (const RequestRecord* r : requests) {
    const int64_t n_tokens = answer_tokens(*r, in.run.setup);
    designed += static_cast<double>(r->n_output_designed);
    found += static_cast<double>(n_tokens);
    n_over += static_cast<double>(n_tokens) > most_believable_tokens(r->n_output_designed) ? 1 : 0;
    n_length += r->finish_reason == "length" ? 1 : 0;
  }
  const auto n = static_cast<double>(requests.size());
  const bool is_forced = in.run.setup.ignores_eos;
  check.wanted = fmt::format("{:.0f} tokens an answer{}", designed / n, is_forced ? ", all to their end" : " at most");
  check.found = fmt::format("{:.0f} tokens, {:.0f} % ended by length", found / n, 100 * n_length / n);
  if (n_over > kRare * n) return check.with(LoadVerdict::kFail, "The server does not keep max_tokens.");
  if (is_forced && (std::abs(found - designed) > kForced * designed || n_length < (1 - kRare) * n)) {
    return check.with(LoadVerdict::kFail, "The server does not keep ignore_eos: tokens/s are of another workload.");
  }
  if (!is_forced && found < kNatural * designed) {
    return check.with(LoadVerdict::kInsufficient,
                      "Answers ended by themselves: figures hold for the length found; --ignore-eos forces the other.");
  }
  return check;
}

Check check_throughput(const CheckInput& in) {
  constexpr double kAllowed = 0.05, kTooNoisy = 0.25;
  const Figures& f = in.figures;
  Check check{
      "throughput", kMeasurement, LoadVerdict::kPass, "tokens/s at most requests/s times tokens an answer", "", ""};
  if (!f.output_tok_s.value || f.n_succeeded == 0) return no_answers(check);
  double designed = 0, n = 0;
  for (const RequestRecord* r : succeeded(in.run)) {
    designed += static_cast<double>(r->n_output_designed);
    n += 1;
  }
  const double length = in.run.setup.ignores_eos ? designed / n : f.output_length;
  const double most = f.due_rps * length;
  // What the window's ends cut off differs by chance: of each request in flight there, a part.
  const double noise =
      3 * std::sqrt(2 * f.mean_concurrency / 3) / static_cast<double>(std::max<int64_t>(1, f.n_requests));
  check.wanted = fmt::format("at most {:.4g} tokens/s ({:.4g}/s of {:.0f} tokens), within {:.0f} %", most, f.due_rps,
                             length, 100 * (kAllowed + noise));
  check.found = fmt::format("{:.4g} tokens/s", *f.output_tok_s.value);
  if (noise > kTooNoisy)
    return check.with(LoadVerdict::kInsufficient, "Run longer: what the window cuts off weighs too much.");
  if (*f.output_tok_s.value <= most * (1 + kAllowed + noise)) return check;
  return check.with(LoadVerdict::kFail, "More came out than was asked for: look at what counts the tokens.");
}

Check check_tokens(const CheckInput& in) {
  Check check{"tokens", kMeasurement, LoadVerdict::kPass, "client, usage and /metrics count the same tokens", "", ""};
  const TokenSums sums = sum_tokens(in.run);
  if (sums.n == 0) {
    check.found = "no answer has both counts";
    return check.with(LoadVerdict::kInsufficient, "Ask a server that reports usage, and count with --tokenizer.");
  }
  check.found = fmt::format("usage {:.1f}, client {:.1f} tokens an answer (by {})", sums.reported / sums.n,
                            sums.client / sums.n, in.run.setup.output_counted_by);
  const std::optional<bool> agrees = counter_agrees(in.run, sums);
  const auto exceeds = [&](double more, double less) {
    return more / sums.n > most_believable_tokens(static_cast<int64_t>(std::ceil(less / sums.n)));
  };
  if (sums.bytes > 0 && sums.reported > sums.bytes) {
    check.found += fmt::format("; {:.0f} tokens in {:.0f} bytes", sums.reported, sums.bytes);
    return check.with(LoadVerdict::kFail, "Usage claims more tokens than there are bytes: do not believe it.");
  }
  if (exceeds(sums.client, sums.reported)) {
    return check.with(LoadVerdict::kFail, "More came than usage reports: look at what usage leaves out.");
  }
  if (exceeds(sums.reported, sums.client)) {
    if (counts_tokens(in.run.setup)) {
      return check.with(LoadVerdict::kFail, "Usage claims more than what came: figures here use the client's count.");
    }
    // Several tokens in a piece, or a lie: the server's own counter is the only other witness.
    if (!agrees)
      return check.with(LoadVerdict::kInsufficient, "Several tokens came in a piece: nothing else counts them.");
  }
  if (agrees.value_or(true)) return check;
  check.found += fmt::format("; /metrics counted {:.0f} in all, usage {:.0f}",
                             *in.run.counted(&ServerCounters::generation_tokens), sums.reported);
  return check.with(LoadVerdict::kFail, "Another client was served meanwhile, or one of the two counts is wrong.");
}

Check check_cache(const CheckInput& in) {
  constexpr double kAllowed = 0.05, kPage = 64;  // hits come in whole pages; chats share their frame
  Check check{"cache", kMeasurement, LoadVerdict::kPass, "", "", ""};
  const std::vector<const RequestRecord*> requests = succeeded(in.run);
  if (requests.empty()) return no_answers(check);
  double prompts = 0, designed = 0, reported = 0, n = 0, n_impossible = 0;
  for (const RequestRecord* r : requests) {
    prompts += static_cast<double>(r->n_prompt_designed);
    designed += static_cast<double>(r->n_cached_designed);
    if (r->n_cached_reported < 0) continue;
    n += 1;
    reported += static_cast<double>(r->n_cached_reported);
    const double most =
        static_cast<double>(r->n_cached_designed) + kAllowed * static_cast<double>(r->n_prompt_designed) + kPage;
    const bool exceeds_prompt = r->n_prompt_reported >= 0 && r->n_cached_reported > r->n_prompt_reported;
    n_impossible += static_cast<double>(r->n_cached_reported) > most || exceeds_prompt ? 1 : 0;
  }
  const double share = prompts > 0 ? designed / prompts : 0;
  check.wanted = fmt::format("{:.0f} % of prompt tokens cached, as designed", 100 * share);
  if (n == 0) {
    check.found = "the server reports no cached tokens";
    if (designed <= 0) return check;
    return check.with(LoadVerdict::kInsufficient, "Ask a server that reports prompt_tokens_details.cached_tokens.");
  }
  check.found = fmt::format("{:.0f} % reported", 100 * reported / std::max(1.0, prompts));
  if (n_impossible > 0) {
    check.found += fmt::format("; {:.0f} requests with hits on what was never sent before", n_impossible);
    return check.with(LoadVerdict::kFail,
                      "Prompts are not as new as designed, or the report is wrong: use another --seed.");
  }
  if (designed - reported <= kAllowed * prompts + kPage * n) return check;
  return check.with(LoadVerdict::kFail, "The cache misses what was designed to hit: figures are of fresher prompts.");
}

}  // namespace drawbridge
