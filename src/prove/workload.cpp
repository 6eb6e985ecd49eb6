#include "prove/workload.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/rng.h"

namespace drawbridge {
namespace {

constexpr int64_t kGroups = 4;      // of requests with a common beginning
constexpr int64_t kTailTokens = 5;  // that a second turn adds

/// Ordinary tokens of the vocabulary's first half.
void append_tokens(std::vector<int32_t>& out, int64_t n, uint64_t seed, int32_t vocab) {
  for (int64_t i = 0; i < n; ++i) {
    out.push_back(static_cast<int32_t>(bits_at(seed, static_cast<uint64_t>(i)) % static_cast<uint64_t>(vocab / 2)));
  }
}

/// Two thirds of the longest prompt are the group's, cut at any length; the rest is the request's own.
std::vector<int32_t> first_prompt(const ProofWorkload& w, int64_t request, int32_t vocab) {
  const int64_t length = std::max<int64_t>(1, w.prompt_tokens * (request % 5 + 1) / 5);
  const int64_t n_common = std::min(length - 1, w.prompt_tokens * 2 / 3);
  std::vector<int32_t> prompt;
  append_tokens(prompt, n_common, static_cast<uint64_t>(request % kGroups), vocab);
  append_tokens(prompt, length - n_common, static_cast<uint64_t>(1000 + request), vocab);
  return prompt;
}

/// Collects what the engine's thread tells of one turn.
class Collector {
 public:
  Collector(std::vector<Transcript>& transcripts, int64_t& peak)
      : transcripts_(transcripts), peak_(peak), n_open_(static_cast<int64_t>(transcripts.size())) {}

  void hear(size_t request, const Output& output) {
    const std::lock_guard lock(mutex_);
    Transcript& transcript = transcripts_[request];
    if (output.token) {
      if (transcript.tokens.empty()) peak_ = std::max(peak_, ++n_streams_);
      transcript.tokens.push_back(*output.token);
      transcript.logits.push_back(output.logits);
    }
    if (!output.finish) return;
    if (!transcript.tokens.empty()) --n_streams_;
    if (error_.ok()) error_ = output.finish->error;
    if (--n_open_ == 0) ended_.notify_all();
  }

  /// `n_missing`: requests that were never submitted.
  Status wait(int64_t n_missing) {
    std::unique_lock lock(mutex_);
    n_open_ -= n_missing;
    ended_.wait(lock, [&] { return n_open_ == 0; });
    return error_;
  }

 private:
  std::vector<Transcript>& transcripts_;
  int64_t& peak_;
  std::mutex mutex_;
  std::condition_variable ended_;
  int64_t n_open_;
  int64_t n_streams_ = 0;
  Status error_;
};

Status run_turn(Engine& engine, const ProofWorkload& w, std::vector<std::vector<int32_t>> prompts,
                std::vector<Transcript>& transcripts, int64_t& peak) {
  transcripts.resize(prompts.size());
  Collector collector(transcripts, peak);
  Status refused;
  size_t n_submitted = 0;
  for (; n_submitted < prompts.size() && refused.ok(); ++n_submitted) {
    GenerateRequest request;
    request.prompt = std::move(prompts[n_submitted]);
    request.max_tokens = w.max_tokens;
    request.ignore_eos = true;
    request.logits = true;
    request.sampling.temperature = n_submitted % 2 == 0 ? 0.0f : 1.0f;
    request.sampling.seed = n_submitted;
    refused = engine
                  .submit(std::move(request),
                          [&collector, n_submitted](const Output& output) { collector.hear(n_submitted, output); })
                  .status();
    if (!refused.ok()) break;
  }
  const Status ended = collector.wait(static_cast<int64_t>(prompts.size() - n_submitted));
  return refused.ok() ? ended : refused;
}

}  // namespace

int64_t ProofWorkload::longest() const {
  return prompt_tokens + kTailTokens + 2 * max_tokens;
}

Result<ProofRun> run_workload(Engine& engine, const ProofWorkload& workload, const ProofRun* wanted) {
  const int32_t vocab = engine.tokenizer().vocab_size();
  ProofRun run;
  std::vector<std::vector<int32_t>> prompts;
  for (int64_t i = 0; i < workload.n_requests; ++i) prompts.push_back(first_prompt(workload, i, vocab));
  DB_TRY(run_turn(engine, workload, prompts, run.turns[0], run.peak_streams));
  const std::vector<Transcript>& answers = wanted != nullptr ? wanted->turns[0] : run.turns[0];
  for (size_t i = 0; i < prompts.size(); ++i) {
    prompts[i].insert(prompts[i].end(), answers[i].tokens.begin(), answers[i].tokens.end());
    append_tokens(prompts[i], kTailTokens, 2000 + i, vocab);
  }
  DB_TRY(run_turn(engine, workload, std::move(prompts), run.turns[1], run.peak_streams));
  run.stats = engine.stats();
  return run;
}

}  // namespace drawbridge
