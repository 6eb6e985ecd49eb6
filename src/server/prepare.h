// From a parsed request to what the engine is asked and the form of the answer: renders, encodes, and makes one part
// for each choice of each prompt.
#pragma once

#include "server/answer.h"
#include "server/chat_request.h"
#include "server/completion_request.h"

namespace drawbridge {

struct PreparedAnswer {
  AnswerForm form;  // without the model's name
  std::vector<AnswerPart> parts;
};

/// `id` makes the answer's ids.
Result<PreparedAnswer> prepare_chat(const ChatRequest& request, const Engine& engine, const std::string& id);
Result<PreparedAnswer> prepare_completion(const CompletionRequest& request, const Engine& engine,
                                          const std::string& id);

/// Value of x-drawbridge-ignored-fields: names that could not stand in a header are shown as "?", many are cut.
std::string ignored_fields_header(const std::vector<std::string>& names);

}  // namespace drawbridge
