#include "bench/engine_round.h"

#include <condition_variable>
#include <latch>
#include <mutex>
#include <vector>

namespace drawbridge {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_between(SteadyClock::time_point from, SteadyClock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

/// The stream that begins last sets the pace: from its first token on all streams decode, one token each a step.
/// Threads: sinks write under the mutex, wait() reads after the last finish. A trace is switched between steps. The
/// engine's thread is held in its first sink until every stream is submitted: on a busy machine the first could end
/// before the last is.
class Round {
 public:
  Round(const RoundShape& shape, OpTrace* trace) : shape_(shape), trace_(trace), n_open_(shape.n_streams) {
    if (trace_ != nullptr && shape_.n_generate == 0) trace_->start();
    submitted_ = SteadyClock::now();
  }

  /// Once: no stream will be submitted any more.
  void all_submitted() { all_submitted_.count_down(); }

  /// `n_before`: tokens of the stream so far.
  void record(int64_t stream, int64_t n_before, const Output& output) {
    all_submitted_.wait();
    const std::lock_guard lock(mutex_);
    if (output.token) count(stream, n_before);
    if (!output.finish) return;
    if (!output.finish->error.ok()) error_ = output.finish->error;
    if (stream != pacer_ && !is_counted_) n_early_ += 1;
    if (--n_open_ == 0) ended_.notify_all();
  }

  Result<RoundTimes> wait() {
    std::unique_lock lock(mutex_);
    ended_.wait(lock, [&] { return n_open_ == 0; });
    if (trace_ != nullptr) trace_->stop();
    DB_TRY(error_);
    if (shape_.n_generate > 0 && n_early_ > 0) {
      return fail(Code::kInternal, "bench: wanted all streams to decode to the end, found {} that ended before",
                  n_early_);
    }
    return RoundTimes{seconds_between(submitted_, first_token_), seconds_between(all_began_, counted_)};
  }

 private:
  void count(int64_t stream, int64_t n_before) {
    const auto now = SteadyClock::now();
    if (n_begun_ == 0) first_token_ = now;
    if (n_before == 0 && ++n_begun_ == shape_.n_streams) {
      pacer_ = stream;
      all_began_ = counted_ = now;
      if (trace_ != nullptr && shape_.n_generate > 0) trace_->start();
    }
    if (stream != pacer_ || n_before != shape_.n_generate) return;
    is_counted_ = true;
    counted_ = now;
    if (trace_ != nullptr) trace_->stop();
  }

  std::latch all_submitted_{1};
  std::mutex mutex_;
  std::condition_variable ended_;
  RoundShape shape_;
  OpTrace* trace_;
  int64_t n_open_;
  int64_t n_begun_ = 0;
  int64_t pacer_ = -1;   // the stream that began last
  int64_t n_early_ = 0;  // streams that ended before all was counted
  bool is_counted_ = false;
  SteadyClock::time_point submitted_, first_token_, all_began_, counted_;
  Status error_;
};

/// Ordinary byte tokens of the vocabulary's first half, the same in every run.
std::vector<int32_t> random_prompt(int64_t n_tokens, int64_t salt, int32_t vocab_size) {
  std::vector<int32_t> prompt;
  uint64_t state = 0x9e3779b97f4a7c15u * static_cast<uint64_t>(salt + 1);
  for (int64_t i = 0; i < n_tokens; ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    prompt.push_back(static_cast<int32_t>((state >> 33) % static_cast<uint64_t>(vocab_size / 2)));
  }
  return prompt;
}

/// The first token is the prompt's; streams that begin early decode while the others' prompts are read, a step's budget
/// at a time or one stream a step.
int64_t tokens_of_a_stream(const RoundShape& shape) {
  if (shape.n_generate == 0) return 1;
  if (shape.n_streams == 1) return 1 + shape.n_generate;
  const int64_t prompt_steps = shape.n_streams * (shape.n_prompt / shape.step_tokens + 2);
  return 1 + shape.n_generate + prompt_steps;
}

}  // namespace

Result<RoundTimes> run_round(Engine& engine, const RoundShape& shape, int64_t salt, OpTrace* trace) {
  Round round(shape, trace);
  for (int64_t stream = 0; stream < shape.n_streams; ++stream) {
    GenerateRequest request;
    request.prompt = random_prompt(shape.n_prompt, salt * shape.n_streams + stream, engine.tokenizer().vocab_size());
    request.sampling.temperature = 0;
    request.max_tokens = tokens_of_a_stream(shape);
    request.ignore_eos = true;
    const auto sink = [&round, stream, n = int64_t{0}](const Output& output) mutable {
      round.record(stream, output.token ? n++ : n, output);
    };
    const auto id = engine.submit(std::move(request), sink);
    if (!id.ok()) {
      // Streams already submitted still point at `round`.
      round.all_submitted();
      engine.drain();
      return id.status();
    }
  }
  round.all_submitted();
  return round.wait();
}

}  // namespace drawbridge
