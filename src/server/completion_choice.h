// CompletionChoice: plain text that continues a prompt, as deltas or as a whole.
#pragma once

#include <optional>

#include "server/choice.h"
#include "server/logprobs.h"

namespace drawbridge {

class CompletionChoice : public Choice {
 public:
  /// `echo` stands before the text. `tokenizer` must outlive this.
  CompletionChoice(const Tokenizer& tokenizer, int index, std::string echo);

  void push(const Output& output) override;
  std::vector<Json> take_chunks() override;
  Json take_whole() override;

 private:
  int index_;
  std::string text_;  // not given out
  CompletionLogprobs logprobs_;
  std::optional<std::string> finish_reason_;
};

}  // namespace drawbridge
