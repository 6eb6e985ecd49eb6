// ChatChoice: an assistant's message while it grows: reasoning, content and tool calls, as deltas or as a whole.
#pragma once

#include <optional>

#include "server/choice.h"
#include "text/output_parser.h"

namespace drawbridge {

class ChatChoice : public Choice {
 public:
  /// `call_prefix` makes the ids of tool calls unique; `tokenizer` must outlive this.
  ChatChoice(const Tokenizer& tokenizer, int index, std::string call_prefix, OutputParserOptions options);

  void push(const Output& output) override;
  std::vector<Json> take_chunks() override;
  Json take_whole() override;
  int64_t n_reasoning_tokens() const override { return n_reasoning_; }

 private:
  void add(std::vector<OutputEvent> events);
  std::string call_id(int tool_index) const;
  Json chunk(Json delta);
  Json take_logprobs();

  const Tokenizer* tokenizer_;
  int index_;
  std::string call_prefix_;
  OutputParser parser_;
  std::vector<OutputEvent> events_;  // not given out; neighbours of one kind are one
  Json logprobs_ = Json::array();    // of tokens not given out
  bool wants_logprobs_ = false;
  bool has_role_ = false;  // the first chunk was given out
  int64_t n_reasoning_ = 0;
  std::optional<std::string> finish_reason_;
};

}  // namespace drawbridge
