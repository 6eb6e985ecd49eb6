// ChatTarget: the system under evaluation, asked one question at a time by each of several threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace drawbridge {

struct ChatCall {
  Json messages;       // OpenAI form; null: `prompt` is continued as it stands
  Json tools;          // OpenAI form, or null
  std::string prompt;  // of a raw completion
  int64_t max_tokens = 256;
  float temperature = 0;
  float top_p = 1;
  std::optional<uint64_t> seed;
  std::vector<std::string> stop;
  bool enable_thinking = false;
};

struct ChatReply {
  std::string text;
  std::string reasoning;
  Json tool_calls;         // OpenAI form, or null if there are none
  bool truncated = false;  // ended by a token limit
  int64_t n_prompt = 0;
  int64_t n_completion = 0;
};

/// Threads: chat may be called from any number of threads.
class ChatTarget {
 public:
  virtual ~ChatTarget() = default;

  /// Waits for the whole answer. Errors: this one question got none; others may.
  virtual Result<ChatReply> chat(const ChatCall& call) = 0;
  /// What is asked, for the manifest of a result: equal for systems that are to give equal answers.
  virtual Json manifest() const = 0;
  /// Times that a question was asked again because the system did not answer at first.
  virtual int64_t n_retries() const { return 0; }
  /// Anything unusual about it that whoever reads the scores must know.
  virtual std::vector<std::string> notices() const { return {}; }
};

}  // namespace drawbridge
