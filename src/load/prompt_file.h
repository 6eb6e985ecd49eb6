// Prompts out of files: of one's own, or conversations in ShareGPT's form.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "load/planned_request.h"
#include "load/prompt_text.h"

namespace drawbridge {

struct FilePrompt {
  std::vector<LoadMessage> messages;
  int64_t n_output = 0;  // 0: not said
  std::string answer;    // where the file has one: as long as it is what is asked for
};

/// Plain text, a prompt a line; or, where the first line starts with '{', JSON lines with "prompt" (a text) or
/// "messages" (OpenAI's), and "output_tokens" where wanted.
Result<std::vector<FilePrompt>> parse_prompt_file(std::string_view text, const std::string& path, size_t max_prompts);

/// A JSON array of {"conversations": [{"from": "human", "value": ...}, {"from": "gpt", ...}, ...]}: the first question
/// of each and its answer. Conversations that do not start so are
/// passed over, as other benchmarks do.
Result<std::vector<FilePrompt>> parse_sharegpt_file(std::string_view text, const std::string& path, size_t max_prompts);

struct PromptWorkloadOptions {
  std::string name;      // of the file, for people
  int64_t n_output = 0;  // of every answer; 0: as the file says, else 128
};

/// Prompts in the file's order, from the top again when it is through. Error: of the server that counts them.
Result<std::unique_ptr<Workload>> make_prompt_workload(const PromptWorkloadOptions& options,
                                                       std::vector<FilePrompt> prompts, const TokenCosts& costs);

}  // namespace drawbridge
