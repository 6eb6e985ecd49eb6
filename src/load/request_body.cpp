#include "load/request_body.h"

namespace drawbridge {

Json request_json(const RequestForm& form, const std::vector<LoadMessage>& messages, int64_t n_output) {
  Json body = {{"model", form.model}};
  if (form.is_chat) {
    Json& list = body["messages"] = Json::array();
    for (const LoadMessage& message : messages) list.push_back({{"role", message.role}, {"content", message.text}});
  } else {
    std::string prompt;
    for (const LoadMessage& message : messages) prompt += message.text;
    body["prompt"] = std::move(prompt);
  }
  body["max_tokens"] = n_output;
  body["temperature"] = 0;
  if (form.ignores_eos) body["ignore_eos"] = true;  // not OpenAI's: sent only where it is asked for
  return body;
}

std::string streamed_request_body(const RequestForm& form, const std::vector<LoadMessage>& messages, int64_t n_output) {
  Json body = request_json(form, messages, n_output);
  body["stream"] = true;
  body["stream_options"] = {{"include_usage", true}};
  return dump_json(body);
}

}  // namespace drawbridge
