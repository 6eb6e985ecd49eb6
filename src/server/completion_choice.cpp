#include "server/completion_choice.h"

#include <utility>

#include "engine/generate.h"

namespace drawbridge {

CompletionChoice::CompletionChoice(const Tokenizer& tokenizer, int index, std::string echo)
    : index_(index), text_(std::move(echo)), logprobs_(tokenizer) {}

void CompletionChoice::push(const Output& output) {
  text_ += output.text;
  if (output.chosen) logprobs_.push(output);
  if (output.finish) finish_reason_ = finish_reason_name(output.finish->reason);
}

std::vector<Json> CompletionChoice::take_chunks() {
  if (text_.empty() && !finish_reason_) return {};
  return {take_whole()};
}

Json CompletionChoice::take_whole() {
  return {{"index", index_},
          {"text", std::exchange(text_, "")},
          {"logprobs", logprobs_.take()},
          {"finish_reason", finish_reason_ ? Json(*finish_reason_) : Json()}};
}

}  // namespace drawbridge
