// LoadRun: what one load run saw, request by request, before anything is computed from it. The generator writes it, the
// verdict reads it, and a file of records (load/records_file.h) brings it back.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"

namespace drawbridge {

/// A time that never came.
inline constexpr double kNever = std::numeric_limits<double>::quiet_NaN();

/// One piece of an answer that held text, reasoning or a tool fragment.
struct AnswerPiece {
  double at_s = 0;      // read from the socket, seconds since the run's start
  int32_t n_bytes = 0;  // of text in it
};

/// One request as the client saw it; times in seconds since the run's start on a steady clock.
struct RequestRecord {
  int64_t index = 0;          // in order of `due_s`
  int64_t conversation = -1;  // requests of one conversation follow each other; -1: alone
  int64_t turn = 0;
  bool is_warmup = false;  // sent before the run by --num-warmups; in no figure

  double due_s = 0;                 // when the arrival process wanted it sent
  double sent_s = kNever;           // when its bytes went to the socket: sent_s - due_s is the client's own lateness
  double headers_s = kNever;        // when the response's head was read
  double first_token_s = kNever;    // first text, reasoning or tool fragment that is not empty
  double end_s = kNever;            // when the answer, or the failure, was complete
  std::vector<AnswerPiece> pieces;  // ascending

  int64_t n_prompt_designed = 0;   // tokens the workload wanted
  int64_t n_cached_designed = 0;   // of them, in a prefix that was sent before; 0 for a first sending
  int64_t n_output_designed = 0;   // max_tokens
  int64_t n_prompt_reported = -1;  // usage; -1: not reported
  int64_t n_cached_reported = -1;  // usage.prompt_tokens_details.cached_tokens; -1: not reported
  int64_t n_output_reported = -1;
  int64_t n_output_counted = -1;  // the client's own count of the answer's tokens (see LoadSetup::output_counted_by)
  double accept_length = kNever;  // tokens a speculative step gave, where the server says

  int http_status = 0;        // 0: no answer
  std::string finish_reason;  // "stop", "length", ...; empty: none came
  std::string error;          // empty: succeeded

  bool succeeded() const { return error.empty(); }
};

/// What was asked for, and of whom.
struct LoadSetup {
  std::string url;
  std::string model;
  std::string endpoint;  // "/v1/chat/completions", ...
  std::string server;    // what it says it is: header, /version, ...; empty: nothing
  std::string arrivals;  // "poisson", "gamma burstiness 0.5", "constant", "closed", "trace mooncake_conversation.jsonl"
  double rate_rps = 0;   // offered on average; 0: closed loop, or as fast as possible
  int64_t max_concurrency = 0;     // 0: no bound
  std::string workload;            // "fixed 20000 in 1000 out, 60% shared prefix", ...
  std::string cache_design;        // how hits are made: "", "one shared prefix", "per-conversation history"
  std::string prompts_counted_by;  // "server /tokenize", "tokenizer DIR", "calibrated from usage (3 prompts)"
  std::string output_counted_by;   // "tokenizer DIR", "server /tokenize", "pieces" (one a token: less certain)
  bool ignores_eos = false;
  uint64_t seed = 0;
  std::string started_at;          // UTC, ISO 8601
  Json options = Json::object();   // every option of the command line, by name
  Json manifest = Json::object();  // machine, build, and their hash
};

/// Counters of the server's /metrics before and after the run; absent where it has none.
struct ServerCounters {
  std::optional<double> prompt_tokens, generation_tokens, cached_tokens, requests;
  std::optional<double> busy_input_s, busy_output_s;   // of steps, by the kind of tokens that took them
  std::optional<double> draft_steps, accepted_drafts;  // of speculative decoding
  std::optional<double> accept_length;                 // a gauge: tokens a speculative step gives
};

struct NamedCounter {
  const char* name;  // in records
  std::optional<double> ServerCounters::*value;
};

inline constexpr NamedCounter kServerCounters[] = {
    {"prompt_tokens", &ServerCounters::prompt_tokens}, {"generation_tokens", &ServerCounters::generation_tokens},
    {"cached_tokens", &ServerCounters::cached_tokens}, {"requests", &ServerCounters::requests},
    {"busy_input_s", &ServerCounters::busy_input_s},   {"busy_output_s", &ServerCounters::busy_output_s},
    {"draft_steps", &ServerCounters::draft_steps},     {"accepted_drafts", &ServerCounters::accepted_drafts},
    {"accept_length", &ServerCounters::accept_length}};

/// One point of a sweep.
struct LoadRun {
  LoadSetup setup;
  std::vector<RequestRecord> requests;  // by index
  double duration_s = 0;                // first due to last end
  double arrivals_end_s = 0;            // when the last request was due: behind it the run only drains
  double generator_cpu_share = 0;       // of one core
  int64_t n_postponed = 0;              // turns of conversations that were due before the turn before had ended
  ServerCounters before, after;         // behind the warm-ups, and at the end
  /// What a counter of the server counted during the run; absent where it has none.
  std::optional<double> counted(std::optional<double> ServerCounters::*counter) const {
    if (!(before.*counter) || !(after.*counter)) return std::nullopt;
    return *(after.*counter) - *(before.*counter);
  }

  bool was_stopped = false;  // by a signal or a limit: the records are what had come by then
  std::string stop_reason;
};

}  // namespace drawbridge
