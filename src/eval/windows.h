// Windows: a text cut into token sequences that models read from the start.
#pragma once

#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace drawbridge {

/// Documents end at "<|document|>" if the text has it, else at blank lines; with `join` all of it is one document.
std::vector<std::string_view> split_documents(std::string_view text, bool join);

struct WindowOptions {
  int64_t context = 2048;  // tokens of a window
  int64_t max_tokens = 0;  // of all windows together; 0: no limit
  bool join = false;
  bool prefix = true;  // "[gMASK]<sop>" before each window, as GLM models expect, if the tokenizer has both
};

/// "[gMASK]<sop>", or nothing if the tokenizer lacks one of them.
std::vector<int32_t> window_prefix(const Tokenizer& tokenizer);

/// Each document from its start in windows of at most `context` tokens. Windows without a prediction are left out.
/// Error: no window is left.
Result<std::vector<std::vector<int32_t>>> cut_windows(const Tokenizer& tokenizer, std::string_view text,
                                                      const WindowOptions& options);

}  // namespace drawbridge
