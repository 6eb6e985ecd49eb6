// Engine: a loaded model that turns token prompts into streams of text. The public boundary: no tensor, page or HTTP
// word crosses it.
//
// Life of a request: submit() checks it and queues it; the engine thread admits it, steps it together with all others,
// calls its sink for each new token and exactly once with `finish` set; its pages are free before that last call.
// Threads: submit, cancel, health and stats may be called from any thread. Sinks run on the engine thread: they must
// not block and must not call back into the engine except cancel().
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "sched/plan.h"
#include "text/chat_template.h"
#include "text/token_constraint.h"
#include "text/tokenizer.h"

namespace drawbridge {

struct SamplingOptions {
  float temperature = 1.0f;  // 0: greedy
  float top_p = 1.0f;        // (0, 1]
  int32_t top_k = 0;         // 0: off
  float min_p = 0.0f;        // [0, 1]
  float presence_penalty = 0.0f;
  float frequency_penalty = 0.0f;
  float repetition_penalty = 1.0f;
  std::optional<uint64_t> seed;  // absent: a fresh one for each request
  std::vector<std::pair<int32_t, float>> logit_bias;
  std::optional<int32_t> n_logprobs;  // absent: none; 0..20 alternatives beside the chosen token
};

struct GenerateRequest {
  std::vector<int32_t> prompt;
  SamplingOptions sampling;
  int64_t max_tokens = 0;  // > 0; prompt + max_tokens must fit the context
  std::vector<std::string> stop;
  std::vector<int32_t> stop_token_ids;  // beside the model's own end tokens
  bool ignore_eos = false;
  std::shared_ptr<const TokenGrammar> grammar;  // null: any text; another is refused
  bool prompt_logprobs = false;                 // of each prompt token but the first, with n_logprobs alternatives
  bool logits = false;                          // what each sampled token was drawn from
  std::string tenant;                           // whose share of the engine it takes; empty: the one of all unnamed
  std::string cache_domain;                     // cached prefixes are shared within one domain only
  int32_t priority = 0;                         // higher goes first
  std::optional<std::chrono::steady_clock::time_point> deadline;  // then it ends with Code::kDeadline
};

enum class FinishReason { kStop, kLength, kCancelled, kError };

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0;
};

/// A prompt token as the model saw it coming.
struct ScoredToken {
  TokenLogprob chosen;
  std::vector<TokenLogprob> alternatives;  // most likely first
};

struct Usage {
  int64_t n_prompt = 0;
  int64_t n_completion = 0;  // every sampled token, the end token included
  int64_t n_cached = 0;      // prompt tokens taken from the prefix cache
  double busy_s = 0;         // its part of the seconds of its steps, which their tokens share equally
};

struct Finish {
  FinishReason reason = FinishReason::kStop;
  Status error;                            // of kError
  std::optional<std::string> stop_string;  // the stop string that ended it
  Usage usage;
};

/// What one step produced for one request.
struct Output {
  std::optional<int32_t> token;            // absent in a pure end event
  std::string text;                        // whole characters only; held back while a stop string may still match
  std::optional<TokenLogprob> chosen;      // when logprobs were asked for
  std::vector<TokenLogprob> alternatives;  // most likely first
  std::vector<float> logits;               // [V], of the token, as the model gave them, when asked for
  // Prompt tokens computed so far: told after a step that computed a part of them, with nothing else but the next
  // member. Falls back when the request was preempted and begins again.
  std::optional<int64_t> n_prompt_done;
  std::vector<ScoredToken> prompt_logprobs;  // each prompt token but the first once, in order, when asked for
  std::optional<Finish> finish;              // set exactly once, on the last call
};

using Sink = std::function<void(const Output&)>;

/// Values that an FP8 cache took for one layer, and those beyond what the layer's scale can hold.
struct KvClipping {
  int64_t n_written = 0;
  int64_t n_clipped = 0;
};

/// Tokens that went through products, by where their plans came from (src/tuned): "measured", "default", ...
struct PlanTokens {
  std::string origin;
  int64_t since_start = 0;
  int64_t last_hour = 0;
};

/// Gauges and counters since start, for /metrics and tests.
struct EngineStats {
  int64_t n_running = 0;
  int64_t n_waiting = 0;
  int64_t n_pages_total = 0;
  int64_t n_pages_free = 0;         // that no request holds; cached ones among them
  int64_t n_pages_cached = 0;       // in the prefix cache
  int64_t n_pages_pinned = 0;       // of these, held by a running request
  int64_t n_pages_kept = 0;         // of these, held for a conversation that is likely to go on
  double kv_working_set_ratio = 0;  // pages held or expected to be wanted again / pages; above 1 prefixes are lost
  int64_t n_evictions = 0;          // pages taken out of the prefix cache
  int64_t n_steps = 0;
  int64_t n_prompt_tokens = 0;
  int64_t n_cached_tokens = 0;
  int64_t n_generated_tokens = 0;
  int64_t n_finished_stop = 0;
  int64_t n_finished_length = 0;
  int64_t n_cancelled = 0;
  int64_t n_failed = 0;
  int64_t n_preempted = 0;
  double busy_input_s = 0;            // seconds from a step's plan to its logits, shared equally by the step's tokens:
  double busy_output_s = 0;           // those of prompts, and those that had been sampled
  std::vector<KvClipping> kv_layers;  // empty unless the cache is FP8
  std::vector<PlanTokens> plan_tokens;
};

/// What a server or a report says about the loaded model.
struct ModelCard {
  std::string name;          // last part of the model's directory
  std::string architecture;  // "glm_moe_dsa"
  std::string backend;       // Backend::describe()
  std::string packing;       // what was done to the weights' order at start; empty: nothing
  std::string activation;    // inputs of products with quantized weights: bf16, int8, mxfp8, mxfp4
  int64_t n_parameters = 0;
  int64_t weight_bytes = 0;
  int64_t active_weight_bytes = 0;  // read to decode one token of one request
  std::string kv_cache_dtype;       // "bf16", "fp8_e4m3", ...
  int64_t kv_bytes_per_token = 0;
  int64_t max_context = 0;           // tokens
  float default_temperature = 1.0f;  // generation_config.json
  float default_top_p = 1.0f;
  ChatTemplate chat_template = ChatTemplate::kGlm52;
  std::vector<std::string> plans;    // which table the plans of products come from, what it covers, by which keys
  std::vector<std::string> notices;  // anything unusual that the user must know: said at start and in /metrics
};

class Engine {
 public:
  virtual ~Engine() = default;

  /// Queues a request. Errors: kInvalidArgument (bad value, names the field), kOutOfRange (prompt + max_tokens over the
  /// context), kResourceExhausted (queue full), kUnavailable (draining).
  virtual Result<RequestId> submit(GenerateRequest request, Sink sink) = 0;
  /// Ends a request at the next step boundary; unknown or finished ids are ignored.
  virtual void cancel(RequestId id) = 0;
  /// Why no request is served any more; ok while the engine works.
  virtual Status health() const = 0;
  virtual EngineStats stats() const = 0;
  virtual const ModelCard& card() const = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  /// Refuses new requests and returns when all running ones have ended.
  virtual void drain() = 0;
};

struct EngineOptions {
  std::string model;                 // a HuggingFace directory
  std::string isa = "auto";          // CPU kernels: auto, avx512, avx2, portable, scalar
  int64_t n_threads = 0;             // of the CPU kernels; 0: as many as the process may use
  bool pin_threads = false;          // each but the step's own to one CPU
  std::string numerics = "serving";  // serving, parity (HF in the model's dtype), parity-f32 (HF with f32 arithmetic)
  std::string activation = "auto";   // inputs of products with quantized weights: auto, bf16, int8, mxfp8, mxfp4
  std::string kv_cache_dtype = "auto";  // auto (as the numerics say), f32, bf16, fp8_e4m3, fp8_ds_mla
  std::optional<float> kv_scale;        // of fp8_e4m3 for every layer, instead of the checkpoint's
  std::string tuned_table;              // of measured plans; empty: the model's own for this device, if there is one
  bool strict = false;                  // refuse to start while a product of the expected traffic has no measured plan
  int64_t max_context = 8192;           // tokens a request, at most the model's own
  int64_t kv_tokens = 0;                // tokens of the page pool; 0: twice max_context
  int64_t page_size = 16;               // tokens
  int64_t max_running = 32;             // requests stepped together
  int64_t max_waiting = 256;            // requests queued beyond that
  int64_t max_step_tokens = 512;        // token budget of one step
  bool prefix_cache = true;             // requests begin with what others computed of the same text
  double forced_preemption = 0;         // chance that a step first preempts a running request; only proofs want it
  std::string weights_cache;            // directory that keeps repacked weights for the next start; empty: none
};

class OpTrace;

/// `trace` may watch the ops of its steps and must outlive it; null: nobody looks.
Result<std::unique_ptr<Engine>> make_engine(const EngineOptions& options, OpTrace* trace = nullptr);

}  // namespace drawbridge
