// The whole engine on a tiny random model: what a request says depends on nothing but the request.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <future>
#include <thread>

#include "backend/backend.h"
#include "engine/generate.h"
#include "engine/tiny_engine_test.h"

namespace drawbridge {
namespace {

GenerateRequest request(int seed, int64_t n_prompt = 40, int64_t max_tokens = 24) {
  GenerateRequest r;
  for (int64_t i = 0; i < n_prompt; ++i) r.prompt.push_back(static_cast<int32_t>(1 + (i * 31 + seed * 7) % 255));
  r.max_tokens = max_tokens;
  r.sampling.seed = static_cast<uint64_t>(seed);
  r.sampling.n_logprobs = 1;
  r.ignore_eos = true;
  return r;
}

/// Tokens and log-probabilities, to be compared bit for bit.
struct Trace {
  std::vector<int32_t> tokens;
  std::vector<float> logprobs;
  bool operator==(const Trace&) const = default;
};

std::vector<Trace> run_together(Engine& engine, int n) {
  std::vector<Trace> traces(static_cast<size_t>(n));
  std::vector<std::promise<void>> ended(traces.size());
  for (size_t i = 0; i < traces.size(); ++i) {
    DB_CHECK(engine
                 .submit(request(static_cast<int>(i)),
                         [&, i](const Output& output) {
                           if (output.token) {
                             traces[i].tokens.push_back(*output.token);
                             traces[i].logprobs.push_back(output.chosen->logprob);
                           }
                           if (output.finish) ended[i].set_value();
                         })
                 .ok());
  }
  for (auto& e : ended) e.get_future().wait();
  return traces;
}

std::vector<Trace> run_alone(const EngineOptions& options, int n) {
  const auto engine = start_engine(options);
  std::vector<Trace> traces;
  for (int i = 0; i < n; ++i) {
    Trace trace;
    std::promise<void> ended;
    DB_CHECK(engine
                 ->submit(request(i),
                          [&](const Output& output) {
                            if (output.token) {
                              trace.tokens.push_back(*output.token);
                              trace.logprobs.push_back(output.chosen->logprob);
                            }
                            if (output.finish) ended.set_value();
                          })
                 .ok());
    ended.get_future().wait();
    traces.push_back(trace);
  }
  return traces;
}

class EngineIsaTest : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Engine, EngineIsaTest, testing::ValuesIn(usable_cpu_isas()),
                         [](const auto& param) { return param.param; });

void expect_same_bits(EngineOptions options) {
  options.n_threads = 1;
  const auto alone = run_alone(options, 6);
  EXPECT_EQ(alone[0].tokens.size(), 24u);
  EXPECT_EQ(run_together(*start_engine(options), 6), alone);
  EngineOptions chunked = options;
  chunked.max_step_tokens = 5;
  chunked.page_size = 3;
  chunked.n_threads = 2;
  EXPECT_EQ(run_together(*start_engine(chunked), 6), alone);
  EngineOptions tight = options;
  tight.kv_tokens = 160;  // two requests and a half: the newest must give way and start again
  tight.page_size = 4;
  tight.n_threads = 3;
  const auto engine = start_engine(tight);
  EXPECT_EQ(run_together(*engine, 6), alone);
  EXPECT_GT(engine->stats().n_preempted, 0);
}

TEST_P(EngineIsaTest, SameBitsAloneTogetherChunkedPagedPreemptedAndThreaded) {
  EngineOptions options = tiny_options();
  options.isa = GetParam();
  expect_same_bits(options);
}

TEST_P(EngineIsaTest, SameBitsWithAnFp8CacheToo) {
  EngineOptions options = tiny_options();
  options.isa = GetParam();
  options.kv_cache_dtype = "fp8_ds_mla";
  expect_same_bits(options);
  options.kv_cache_dtype = "fp8_e4m3";
  options.kv_scale = 0.01f;
  expect_same_bits(options);
}

TEST(Engine, ACancelledRequestFreesItsPagesBeforeItsLastWord) {
  const auto engine = start_engine(tiny_options());
  std::promise<RequestId> known;
  const std::shared_future<RequestId> id = known.get_future().share();
  std::promise<int64_t> free_at_end;
  const auto submitted = engine->submit(request(1, 20, 150), [&](const Output& output) {
    if (!output.finish) return engine->cancel(id.get());
    EXPECT_EQ(output.finish->reason, FinishReason::kCancelled);
    EXPECT_EQ(output.finish->usage.n_completion, 1);
    free_at_end.set_value(engine->stats().n_pages_free);
  });
  ASSERT_TRUE(submitted.ok());
  known.set_value(*submitted);
  EXPECT_EQ(free_at_end.get_future().get(), engine->stats().n_pages_total);
  engine->drain();
  EXPECT_EQ(engine->stats().n_cancelled, 1);
}

TEST(Engine, NoCancelIsLostHoweverSoonItComes) {
  const auto engine = start_engine(tiny_options());
  constexpr int kRequests = 3000;
  std::atomic<int> n_ended = 0, n_cancelled = 0;
  for (int i = 0; i < kRequests; ++i) {
    while (i - n_ended > 8) std::this_thread::yield();
    const auto id = engine->submit(request(i, 4, 190), [&](const Output& output) {
      if (!output.finish) return;
      n_cancelled += output.finish->reason == FinishReason::kCancelled ? 1 : 0;
      ++n_ended;
    });
    ASSERT_TRUE(id.ok()) << id.status().message();
    engine->cancel(*id);
  }
  engine->drain();
  EXPECT_EQ(n_cancelled, kRequests);
}

TEST(Engine, StopsAtEndTokensStopStringsAndLength) {
  const auto engine = start_engine(tiny_options());
  GenerateRequest free = request(3);
  const auto whole = generate(*engine, free);
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(whole->finish.reason, FinishReason::kLength);
  EXPECT_EQ(whole->finish.usage.n_completion, 24);
  GenerateRequest stopped = request(3);
  stopped.stop_token_ids = {whole->tokens[5]};
  const auto cut = generate(*engine, stopped);
  ASSERT_TRUE(cut.ok());
  EXPECT_EQ(cut->finish.reason, FinishReason::kStop);
  EXPECT_LE(cut->tokens.size(), 6u);
  EXPECT_EQ(cut->tokens.back(), whole->tokens[5]);
}

struct NoGrammar : TokenGrammar {
  std::unique_ptr<TokenConstraint> start() const override { return nullptr; }
};

TEST(Engine, RefusesBadRequestsByField) {
  const auto engine = start_engine(tiny_options());
  const auto refuse = [&](auto change, const char* field) {
    GenerateRequest r = request(1);
    change(r);
    const Status status = engine->submit(r, [](const Output&) {}).status();
    EXPECT_NE(status.message().find(field), std::string::npos) << status.message();
  };
  refuse([](auto& r) { r.prompt.clear(); }, "prompt");
  refuse([](auto& r) { r.prompt = {256}; }, "prompt");
  refuse([](auto& r) { r.max_tokens = 0; }, "max_tokens");
  refuse([](auto& r) { r.max_tokens = INT64_MAX; }, "context");
  refuse([](auto& r) { r.sampling.temperature = NAN; }, "temperature");
  refuse([](auto& r) { r.sampling.top_p = 0; }, "top_p");
  refuse([](auto& r) { r.sampling.logit_bias = {{-1, 0}}; }, "logit_bias");
  refuse([](auto& r) { r.grammar = std::make_shared<NoGrammar>(); }, "grammar");
}

TEST(Engine, DrainsAndThenTakesNothing) {
  const auto engine = start_engine(tiny_options());
  std::atomic<bool> ended = false;
  ASSERT_TRUE(engine->submit(request(1), [&](const Output& output) { ended = ended || output.finish; }).ok());
  engine->drain();
  EXPECT_TRUE(ended);
  EXPECT_EQ(engine->submit(request(1), [](const Output&) {}).status().code(), Code::kUnavailable);
}

TEST(Engine, RequestsShareAllSecondsOfTheSteps) {
  EngineOptions options = tiny_options();
  options.max_step_tokens = 16;  // prompts in chunks, beside tokens of others
  const auto engine = start_engine(options);
  double of_requests = 0;  // written on the engine thread, read behind the last end
  std::vector<std::promise<void>> ended(3);
  for (size_t i = 0; i < ended.size(); ++i) {
    const auto sink = [&, i](const Output& output) {
      if (!output.finish) return;
      of_requests += output.finish->usage.busy_s;
      ended[i].set_value();
    };
    ASSERT_TRUE(engine->submit(request(static_cast<int>(i)), sink).ok());
  }
  for (auto& e : ended) e.get_future().wait();
  const EngineStats stats = engine->stats();
  EXPECT_GT(stats.busy_input_s, 0);
  EXPECT_GT(stats.busy_output_s, 0);
  EXPECT_NEAR(of_requests, stats.busy_input_s + stats.busy_output_s, 1e-9);
}

TEST(Engine, AFullQueueSaysSo) {
  EngineOptions options = tiny_options();
  options.max_running = 1;
  options.max_waiting = 1;
  const auto engine = start_engine(options);
  Status last;
  for (int i = 0; i < 3 && last.ok(); ++i) last = engine->submit(request(i, 40, 150), [](const Output&) {}).status();
  EXPECT_EQ(last.code(), Code::kResourceExhausted);
}

TEST(Engine, TakesDefaultsAndEndTokensFromTheModelsDirectory) {
  const auto plain = start_engine(tiny_options());
  EXPECT_EQ(plain->card().default_top_p, 1.0f);
  GenerateRequest greedy = request(1, 40, 8);
  greedy.sampling.temperature = 0;
  const auto tokens = generate(*plain, greedy)->tokens;
  const std::string path = tiny_model() + "/generation_config.json";
  std::ofstream(path) << fmt::format(R"({{"temperature":0.5,"top_p":0.95,"eos_token_id":{}}})", tokens[2]);
  const auto configured = start_engine(tiny_options());
  EXPECT_EQ(configured->card().default_temperature, 0.5f);
  EXPECT_EQ(configured->card().default_top_p, 0.95f);
  greedy.ignore_eos = false;
  const auto stopped = generate(*configured, greedy);
  EXPECT_EQ(stopped->finish.reason, FinishReason::kStop);
  EXPECT_EQ(stopped->finish.usage.n_completion, 3);
  std::ofstream(path) << R"({"top_p":"high"})";
  EXPECT_NE(make_engine(tiny_options()).status().message().find(path + ": top_p: wanted a number"), std::string::npos);
  std::filesystem::remove(path);
}

TEST(Engine, NoticesNameWhatIsMissing) {
  const auto engine = start_engine(tiny_options());
  ASSERT_FALSE(engine->card().notices.empty());
  EXPECT_NE(engine->card().notices.back().find("chat_template.jinja"), std::string::npos);
  EXPECT_GT(engine->card().n_parameters, 0);
}

TEST(Engine, OptionsWithoutEffectAreRefusedOrSaid) {
  EngineOptions options = tiny_options();
  options.isa = "scalar";
  options.pin_threads = true;
  EXPECT_NE(make_engine(options).status().message().find("--pin-threads: "), std::string::npos);
  options.pin_threads = false;
  options.weights_cache = process_directory("unused_cache");
  const auto engine = start_engine(options);
  const auto& notices = engine->card().notices;
  const auto says = [](const std::string& notice) { return notice.find("--weights-cache") != std::string::npos; };
  EXPECT_EQ(std::count_if(notices.begin(), notices.end(), says), 1);
  EXPECT_FALSE(std::filesystem::exists(options.weights_cache));
}

/// All outputs of one request.
std::vector<Output> outputs_of(Engine& engine, GenerateRequest r) {
  std::vector<Output> outputs;
  std::promise<void> ended;
  const auto sink = [&](const Output& output) {
    outputs.push_back(output);
    if (output.finish) ended.set_value();
  };
  DB_CHECK(engine.submit(std::move(r), sink).ok());
  ended.get_future().wait();
  return outputs;
}

TEST(Engine, TellsHowMuchOfAPromptIsComputed) {
  EngineOptions options = tiny_options();
  options.max_step_tokens = 16;
  const auto engine = start_engine(options);
  std::vector<int64_t> progress;
  for (const Output& output : outputs_of(*engine, request(1, 40, 2))) {
    if (output.n_prompt_done) progress.push_back(*output.n_prompt_done);
    EXPECT_EQ(output.n_prompt_done.has_value(), !output.token) << "a part of the prompt, or a token";
  }
  EXPECT_EQ(progress, (std::vector<int64_t>{16, 32}));
}

TEST(Engine, ARequestPastItsDeadlineEndsRunningOrWaiting) {
  EngineOptions options = tiny_options();
  options.max_running = 1;
  const auto engine = start_engine(options);
  std::promise<void> running, ended;
  std::atomic<bool> first = true;
  const auto sink = [&](const Output& output) {
    if (first.exchange(false)) running.set_value();
    if (output.finish) ended.set_value();
  };
  const Result<RequestId> blocker = engine->submit(request(1, 20, 150), sink);
  ASSERT_TRUE(blocker.ok());
  running.get_future().wait();
  GenerateRequest late = request(2);
  late.deadline = std::chrono::steady_clock::now();
  const Output last = outputs_of(*engine, late).back();
  EXPECT_EQ(last.finish->reason, FinishReason::kError);
  EXPECT_EQ(last.finish->error.code(), Code::kDeadline);
  engine->cancel(*blocker);
  ended.get_future().wait();
  GenerateRequest slow = request(3, 20, 150);
  slow.deadline = std::chrono::steady_clock::now() + std::chrono::hours(1);
  EXPECT_EQ(outputs_of(*engine, slow).back().finish->reason, FinishReason::kLength);
  EXPECT_EQ(engine->stats().n_pages_free, engine->stats().n_pages_total);
}

/// The log-probabilities of a prompt's tokens are those that the same tokens have when they are sampled.
TEST(Engine, PromptLogprobsAreThoseOfSamplingWhateverTheChunksAndTheCache) {
  EngineOptions options = tiny_options();
  const auto engine = start_engine(options);
  const GenerateRequest r = request(4, 20, 30);
  GenerateRequest again = r;
  std::vector<TokenLogprob> sampled;
  for (const Output& output : outputs_of(*engine, r)) {
    sampled.push_back(*output.chosen);
    again.prompt.push_back(*output.token);
  }
  again.max_tokens = 1;
  again.prompt_logprobs = true;
  for (const int64_t max_step_tokens : {512, 9}) {
    options.max_step_tokens = max_step_tokens;
    const auto other = max_step_tokens == 512 ? nullptr : start_engine(options);
    std::vector<ScoredToken> scored;
    for (const Output& output : outputs_of(other ? *other : *engine, again)) {
      scored.insert(scored.end(), output.prompt_logprobs.begin(), output.prompt_logprobs.end());
    }
    ASSERT_EQ(scored.size(), again.prompt.size() - 1);
    for (size_t i = 0; i < sampled.size(); ++i) {
      const ScoredToken& found = scored[19 + i];
      EXPECT_EQ(found.chosen.token, sampled[i].token);
      EXPECT_EQ(found.chosen.logprob, sampled[i].logprob);
      EXPECT_EQ(found.alternatives.size(), 1u);
    }
  }
}

}  // namespace
}  // namespace drawbridge
