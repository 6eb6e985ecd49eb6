// What chats and completions have in common: which model, how to sample, when to stop, in which form to answer.
#pragma once

#include <string>

#include "engine/engine.h"
#include "server/fields.h"

namespace drawbridge {

/// Limits of one request beside those of the body as a whole; each refusal names the field.
inline constexpr int64_t kMaxChoices = 16;
inline constexpr size_t kMaxStops = 16;
inline constexpr size_t kMaxStopBytes = 256;
inline constexpr size_t kMaxLogitBiases = 1024;
inline constexpr int64_t kMaxAlternatives = 20;

struct GenerationFields {
  std::string model;        // empty: not named
  GenerateRequest request;  // without prompt and max_tokens
  int64_t max_tokens = 0;   // 0: not given
  int64_t n = 1;            // choices for each prompt
  bool stream = false;
  bool include_usage = false;        // in a stream, one more chunk with the usage
  bool include_cost = false;         // usage with what the answer cost
  std::vector<std::string> ignored;  // members of the body that nobody knows
};

Result<GenerationFields> read_generation_fields(Fields& fields, const ModelCard& card);

/// To be called when every field has been read: what is left goes to `ignored`.
void note_unread(const Fields& fields, GenerationFields& generation);

/// The request of one of several choices: its own seed when the client named one, so that choices differ and repeat.
GenerateRequest request_of_choice(const GenerateRequest& request, int64_t choice);

}  // namespace drawbridge
